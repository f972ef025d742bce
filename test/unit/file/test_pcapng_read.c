/* pcapng blocks as they are read: what was written, files of the other byte order, and
 * files that lie. */
#include "file/pcapng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sonde/journal.h>

/* Parses block[0..n) from memory of just that size.  What *ret points to is gone. */
static ssize_t parse_part(const uint8_t *bytes, size_t n, bool *swapped,
			  struct pcapng_view *ret)
{
	uint8_t *part = malloc(n ? n : 1);
	ssize_t r;

	assert_non_null(part);
	memcpy(part, bytes, n);
	r = pcapng_parse(part, n, swapped, ret);
	free(part);
	return r;
}

/* More bytes are asked for until the last one is there. */
static void check_cuts(const uint8_t *bytes, size_t length)
{
	struct pcapng_view view;
	bool swapped = false;

	for (size_t n = 0; n < length; n++) {
		assert_int_equal(parse_part(bytes, n, &swapped, &view), 0);
		assert_int_equal(view.length, n < 12 ? 0 : length);
	}
	assert_int_equal(parse_part(bytes, length, &swapped, &view), length);
	assert_int_equal(parse_part(bytes, length, &swapped, &view), length);
}

static void parse_block(const struct pcapng_block *block, struct pcapng_view *ret)
{
	bool swapped = false;

	assert_int_equal(block->error, 0);
	check_cuts(block->bytes, block->used);
	assert_int_equal(pcapng_parse(block->bytes, block->used, &swapped, ret),
			 block->used);
	assert_false(swapped);
	assert_int_equal(ret->length, block->used);
	assert_ptr_equal(ret->body, block->bytes + 8);
	assert_int_equal(ret->body_length, block->used - 12);
}

static void test_section(void **state)
{
	struct pcapng_block block;
	struct pcapng_view view;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_section(&block, "sonde", "a comment");
	parse_block(&block, &view);
	assert_int_equal(view.type, PCAPNG_SECTION);
	pcapng_block_done(&block);
}

static void test_interface(void **state)
{
	struct pcapng_block block;
	struct pcapng_view view;
	uint32_t snap_bytes;
	uint16_t link;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_interface(&block, 101, 65536, "tun0");
	parse_block(&block, &view);
	assert_int_equal(pcapng_parse_interface(&view, &link, &snap_bytes), 0);
	assert_int_equal(link, 101);
	assert_int_equal(snap_bytes, 65536);

	block.bytes[28] = 6; /* microseconds */
	assert_int_equal(block.bytes[24], 9);
	assert_int_equal(pcapng_parse_interface(&view, &link, &snap_bytes), -EOPNOTSUPP);
	view.body_length = 8; /* no options: microseconds as well */
	assert_int_equal(pcapng_parse_interface(&view, &link, &snap_bytes), -EOPNOTSUPP);
	view.body_length = 7;
	assert_int_equal(pcapng_parse_interface(&view, &link, &snap_bytes), -EBADMSG);
	view.type = PCAPNG_PACKET;
	assert_int_equal(pcapng_parse_interface(&view, &link, &snap_bytes), -EBADMSG);
	pcapng_block_done(&block);
}

static void check_packet(const struct pcapng_packet *got,
			 const struct pcapng_packet *wanted)
{
	assert_int_equal(got->interface, wanted->interface);
	assert_int_equal(got->at_ns, wanted->at_ns);
	assert_int_equal(got->captured_length, wanted->captured_length);
	assert_int_equal(got->wire_length, wanted->wire_length);
	assert_memory_equal(got->bytes, wanted->bytes, wanted->captured_length);
	assert_int_equal(got->direction, wanted->direction);
	assert_int_equal(got->pid, wanted->pid);
	assert_int_equal(got->tid, wanted->tid);
	assert_null(got->comments);
	assert_int_equal(got->comment_count, 0);
}

static void test_packet(void **state)
{
	static const char *const comments[] = {"sent by client.py:7 sock.send(b)", "",
					       "h\xc3\xa4lt"};
	struct pcapng_packet packet = {
		.interface = 1,
		.at_ns = INT64_C(1795165735295375351),
		.wire_length = 1500,
		.bytes = (const uint8_t *)"0123456789",
		.direction = PCAPNG_INBOUND,
		.pid = 1,
		.tid = UINT32_MAX,
		.comments = comments,
		.comment_count = 3,
	};
	struct pcapng_block block;
	struct pcapng_view view;

	(void)state;
	pcapng_block_init(&block);
	for (packet.captured_length = 0; packet.captured_length <= 10;
	     packet.captured_length++) {
		struct pcapng_packet got;

		pcapng_format_packet(&block, &packet);
		parse_block(&block, &view);
		assert_int_equal(pcapng_parse_packet(&view, &got), 0);
		check_packet(&got, &packet);
		packet.pid = !packet.pid; /* one of the two may be unknown */
	}
	pcapng_block_done(&block);
}

/* The body cut at every byte: refused, or read as a whole where only options miss. */
static void test_packet_body_cut(void **state)
{
	static const char *const comments[] = {"comment"};
	const struct pcapng_packet packet = {
		.captured_length = 5,
		.wire_length = 5,
		.bytes = (const uint8_t *)"bytes",
		.direction = PCAPNG_OUTBOUND,
		.pid = 7,
		.tid = 8,
		.comments = comments,
		.comment_count = 1,
	};
	struct pcapng_block block;
	struct pcapng_view view;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_packet(&block, &packet);
	parse_block(&block, &view);
	for (size_t n = 0; n < view.body_length; n++) {
		uint8_t *body = malloc(n ? n : 1);
		struct pcapng_view part = view;
		struct pcapng_packet got;
		bool at_option;

		assert_non_null(body);
		memcpy(body, view.body, n);
		part.body = body;
		part.body_length = n;
		/* After the data, the comment, the flags and the process. */
		at_option = n == 28 || n == 40 || n == 48 || n == 60;
		assert_int_equal(pcapng_parse_packet(&part, &got),
				 at_option ? 0 : -EBADMSG);
		if (at_option)
			assert_int_equal(got.pid, n == 60 ? 7 : 0);
		free(body);
	}
	pcapng_block_done(&block);
}

/* A section of the other byte order, and one of ours after it. */
static void test_swapped(void **state)
{
	static const char section[] = "\x0a\x0d\x0d\x0a\0\0\0\x1c"
				      "\x1a\x2b\x3c\x4d\0\x01\0\0"
				      "\xff\xff\xff\xff\xff\xff\xff\xff"
				      "\0\0\0\x1c";
	static const char packet[] = "\0\0\0\x06\0\0\0\x38"
				     "\0\0\0\x03"
				     "\0\0\0\x01\0\0\0\x02"
				     "\0\0\0\x02\0\0\0\x40"
				     "hi\0\0"
				     "\0\x02\0\x04\0\0\0\x02"
				     "\0\x08\0\x08\0\0\x04\xd2\0\0\0\0"
				     "\0\0\0\x38";
	const struct pcapng_packet wanted = {
		.interface = 3,
		.at_ns = INT64_C(0x100000002),
		.captured_length = 2,
		.wire_length = 64,
		.bytes = (const uint8_t *)"hi",
		.direction = PCAPNG_OUTBOUND,
		.pid = 1234,
	};
	struct pcapng_packet got;
	struct pcapng_block block;
	struct pcapng_view view;
	bool swapped = false;

	(void)state;
	check_cuts((const uint8_t *)section, sizeof(section) - 1);
	assert_int_equal(pcapng_parse((const uint8_t *)section, sizeof(section) - 1,
				      &swapped, &view),
			 28);
	assert_true(swapped);
	assert_true(view.swapped);
	assert_int_equal(pcapng_parse((const uint8_t *)packet, sizeof(packet) - 1,
				      &swapped, &view),
			 56);
	assert_int_equal(pcapng_parse_packet(&view, &got), 0);
	check_packet(&got, &wanted);

	pcapng_block_init(&block);
	pcapng_format_section(&block, NULL, NULL);
	assert_int_equal(pcapng_parse(block.bytes, block.used, &swapped, &view),
			 block.used);
	assert_false(swapped);
	pcapng_block_done(&block);
}

static void test_bad_blocks(void **state)
{
	static const char cases[][17] = {
		"\x06\0\0\0\x08\0\0\0\0\0\0\0\x08\0\0\0",     /* shorter than its frame */
		"\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",         /* the same */
		"\x06\0\0\0\x0e\0\0\0\0\0\x0e\0\0\0\0\0",     /* no multiple of four */
		"\x06\0\0\0\x10\0\0\0\0\0\0\0\x14\0\0\0",     /* two different lengths */
		"\x06\0\0\0\x04\0\0\x01\0\0\0\0\x04\0\0\x01", /* past the limit */
		"\x06\0\0\0\xfc\xff\xff\xff\0\0\0\0\xfc\xff\xff\xff",
		"\x0a\x0d\x0d\x0a\x10\0\0\0\x1a\x2b\x3c\x4e\x10\0\0\0", /* no byte order
									 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pcapng_view view;
		bool swapped = false;

		assert_int_equal(
			parse_part((const uint8_t *)cases[i], 16, &swapped, &view),
			-EBADMSG);
		assert_false(swapped);
	}
}

struct field {
	const char *name, *value;
	size_t n;
};

static const struct field fields[] = {
	{"__REALTIME_TIMESTAMP", "1795165735295350", 16},
	{"MESSAGE", "client.py:7 sock.send(b'a=b')", 29},
	{"CODE_LINE", "7", 1},
	{"EMPTY", "", 0},
	{"LINES", "one\ntwo\n", 8},
	{"BINARY", "\0\xff\n\n\0", 5},
	{"EQUALS", "\n=\n", 3},
	{"LAST", "\0\0\0\0", 4},
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static void check_journal(const struct pcapng_view *view, size_t count)
{
	const struct sonde_frame entry = {.bytes = view->body,
					  .captured_length = (uint32_t)view->body_length};
	struct sonde_journal_field field;
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(sonde_journal_next(&entry, &at, &field), 1);
		assert_true(sonde_journal_is(&field, fields[i].name));
		assert_int_equal(field.value_length, fields[i].n);
		assert_memory_equal(field.value, fields[i].value, fields[i].n);
	}
	assert_int_equal(sonde_journal_next(&entry, &at, &field), 0);
}

/* Every number of fields, so that every padding occurs. */
static void test_journal(void **state)
{
	struct pcapng_block block;
	struct pcapng_view view;

	(void)state;
	pcapng_block_init(&block);
	for (size_t count = 0; count <= FIELD_COUNT; count++) {
		pcapng_journal_begin(&block);
		for (size_t i = 0; i < count; i++)
			pcapng_journal_add(&block, fields[i].name, fields[i].value,
					   fields[i].n);
		pcapng_journal_end(&block);
		parse_block(&block, &view);
		assert_int_equal(view.type, PCAPNG_JOURNAL);
		check_journal(&view, count);
	}
	pcapng_block_done(&block);
}

/* As other programs write it: with an empty line at the end. */
static void test_journal_separator(void **state)
{
	static const char entry[] = "__REALTIME_TIMESTAMP=1795165735295350\n\n\0\0";
	const struct pcapng_view view = {
		.type = PCAPNG_JOURNAL,
		.body = (const uint8_t *)entry,
		.body_length = sizeof(entry) - 1,
	};

	(void)state;
	check_journal(&view, 1);
}

static void test_bad_journal(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} cases[] = {
		{"NAME=no end", 11},
		{"=no name\n", 9},
		{"NAME\n\x01\0\0\0\0\0\0", 12},             /* a length cut off */
		{"NAME\n\x02\0\0\0\0\0\0\0ab", 15},         /* no end of line */
		{"NAME\n\x02\0\0\0\0\0\0\0abc\n", 17},      /* not where it should be */
		{"NAME\n\xff\xff\xff\xff\0\0\0\0ab\n", 16}, /* past the block */
		{"NAME\n\xff\xff\xff\xff\xff\xff\xff\xff"
		 "ab\n",
		 16},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *body = malloc(cases[i].n);
		struct sonde_frame entry = {.bytes = body,
					    .captured_length = (uint32_t)cases[i].n};
		struct sonde_journal_field field;
		size_t at = 0;

		assert_non_null(body);
		memcpy(body, cases[i].bytes, cases[i].n);
		assert_int_equal(sonde_journal_next(&entry, &at, &field), -EBADMSG);
		assert_int_equal(at, 0);
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_packet_body_cut),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_bad_blocks),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_journal_separator),
		cmocka_unit_test(test_bad_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
