/* Capture files as streams of bytes: whole, cut at every byte, and byte by byte, the same
 * frames come. */
#include "file/capture_parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FRAMES_MOST = 16 };

struct told {
	struct sonde_frame frames[FRAMES_MOST];
	size_t count, used;
	int end; /* 0 more is wanted, or the error */
	size_t wanted;
	uint64_t dropped, passed_over;
};

/* Each call gets no more than `piece` bytes beyond what is asked for, in memory of just
 * that size. */
static void read_all(const uint8_t *bytes, size_t n, size_t piece, struct told *ret)
{
	struct capture_parser parser;
	struct told told = {0};
	size_t given = 0;

	capture_parser_init(&parser);
	for (;;) {
		struct sonde_frame frame;
		size_t used;
		uint8_t *copy = malloc(given ? given : 1);

		assert_non_null(copy);
		memcpy(copy, bytes + told.used, given);
		told.end = capture_parse(&parser, copy, given, &used, &frame);
		assert_true(used <= given);
		if (told.end == 1) {
			assert_true(told.count < FRAMES_MOST);
			assert_int_equal(frame.number, told.count + 1);
			/* It lies in what was given. */
			assert_true(frame.bytes >= copy &&
				    frame.bytes + frame.captured_length <= copy + used);
			frame.bytes = bytes + told.used + (frame.bytes - copy);
			frame.comments = NULL;
			frame.interface_name = NULL;
			told.frames[told.count++] = frame;
		}
		free(copy);
		told.used += used;
		given -= used;
		if (told.end < 0)
			break;
		if (used || parser.wanted <= given)
			continue;
		if (given == n - told.used)
			break;
		given = given + piece < n - told.used ? given + piece : n - told.used;
	}
	told.wanted = parser.wanted;
	told.dropped = parser.dropped;
	told.passed_over = parser.passed_over;
	*ret = told;
	capture_parser_done(&parser);
}

static void check_same(const struct told *a, const struct told *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct sonde_frame *x = &a->frames[i], *y = &b->frames[i];

		assert_int_equal(x->number, y->number);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->direction, y->direction);
		assert_int_equal(x->link, y->link);
		assert_int_equal(x->interface, y->interface);
		assert_int_equal(x->time_digits, y->time_digits);
		assert_int_equal(x->at_ns, y->at_ns);
		assert_int_equal(x->captured_length, y->captured_length);
		assert_int_equal(x->wire_length, y->wire_length);
		assert_ptr_equal(x->bytes, y->bytes);
		assert_int_equal(x->pid, y->pid);
		assert_int_equal(x->tid, y->tid);
		assert_int_equal(x->comment_count, y->comment_count);
	}
}

/* In pieces of every size, and cut at every byte. */
static void check_pieces(const uint8_t *bytes, size_t n, const struct told *whole)
{
	struct told told;

	for (size_t piece = 1; piece < 70; piece++) {
		read_all(bytes, n, piece, &told);
		check_same(&told, whole);
		assert_int_equal(told.used, whole->used);
		assert_int_equal(told.end, whole->end);
	}
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		read_all(copy, cut, cut, &told);
		free(copy);
		assert_int_equal(told.end, 0);
		assert_true(told.used == cut || told.wanted > cut - told.used);
		assert_true(told.count <= whole->count);
		for (size_t i = 0; i < told.count; i++) {
			assert_int_equal(told.frames[i].at_ns, whole->frames[i].at_ns);
			assert_int_equal(told.frames[i].captured_length,
					 whole->frames[i].captured_length);
		}
	}
}

static void check_frame(const struct sonde_frame *frame, int64_t at_ns, uint16_t link,
			uint32_t interface, uint32_t wire, const char *bytes)
{
	assert_int_equal(frame->at_ns, at_ns);
	assert_int_equal(frame->link, link);
	assert_int_equal(frame->interface, interface);
	assert_int_equal(frame->wire_length, wire);
	assert_int_equal(frame->captured_length, strlen(bytes));
	assert_memory_equal(frame->bytes, bytes, strlen(bytes));
}

/* clang-format off */
static const uint8_t pcap_big_nano[] = {
	0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 113,
	0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 9, 'a', 'b', 'c',
	0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 60,
};
static const uint8_t pcap_micro[] = {
	0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 12, 0, 0, 0x24,
	2, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c',
};
/* clang-format on */

static void test_pcap(void **state)
{
	struct told told;

	(void)state;
	read_all(pcap_big_nano, sizeof(pcap_big_nano), sizeof(pcap_big_nano), &told);
	assert_int_equal(told.end, 0);
	assert_int_equal(told.used, sizeof(pcap_big_nano));
	assert_int_equal(told.count, 2);
	check_frame(&told.frames[0], INT64_C(2000000007), 113, 0, 9, "abc");
	check_frame(&told.frames[1], INT64_C(4294967295000000001), 113, 0, 60, "");
	check_pieces(pcap_big_nano, sizeof(pcap_big_nano), &told);

	/* An old number for raw IP, and bits above the link type. */
	read_all(pcap_micro, sizeof(pcap_micro), sizeof(pcap_micro), &told);
	assert_int_equal(told.count, 1);
	check_frame(&told.frames[0], INT64_C(2000007000), 101, 0, 3, "abc");
	check_pieces(pcap_micro, sizeof(pcap_micro), &told);
}

struct made {
	struct pcapng_block block;
	uint8_t bytes[2048];
	size_t used;
};

static void take(struct made *made)
{
	assert_int_equal(made->block.error, 0);
	assert_true(made->used + made->block.used <= sizeof(made->bytes));
	memcpy(made->bytes + made->used, made->block.bytes, made->block.used);
	made->used += made->block.used;
}

static void take_packet(struct made *made, uint32_t interface, int64_t at_ns,
			const char *bytes)
{
	const struct sonde_frame_text text = {.text = "remark!", .length = 6};
	const struct pcapng_packet packet = {
		.interface = interface,
		.at_ns = at_ns,
		.captured_length = (uint32_t)strlen(bytes),
		.wire_length = 100,
		.bytes = (const uint8_t *)bytes,
		.direction = PCAPNG_OUTBOUND,
		.pid = 4711,
		.tid = 4712,
		.texts = &text,
		.text_count = 1,
	};

	pcapng_format_packet(&made->block, &packet);
	take(made);
}

static void test_pcapng(void **state)
{
	static const char journal[] = "__REALTIME_TIMESTAMP=1234567\nMESSAGE=x\n";
	struct made made = {0};
	struct told told;

	(void)state;
	pcapng_block_init(&made.block);
	for (int section = 0; section < 2; section++) {
		pcapng_format_section(&made.block, "x", NULL);
		take(&made);
		pcapng_format_interface(&made.block, section ? 101 : 1, 0, "eth0");
		take(&made);
		pcapng_format_interface(&made.block, 276, 0, NULL);
		take(&made);
		take_packet(&made, 0, 1, "a");
		pcapng_format_journal(&made.block, (const uint8_t *)journal,
				      strlen(journal));
		take(&made);
		take_packet(&made, 1, INT64_MAX, "bcdef");
		pcapng_format_statistics(&made.block, 1, 0, 1, 100, 1); /* not the last */
		take(&made);
		pcapng_format_statistics(&made.block, 1, 0, 1, 100, 5);
		take(&made);
	}
	read_all(made.bytes, made.used, made.used, &told);
	assert_int_equal(told.end, 0);
	assert_int_equal(told.used, made.used);
	assert_int_equal(told.count, 6);
	assert_int_equal(told.dropped, 10);
	check_frame(&told.frames[0], 1, 1, 0, 100, "a");
	assert_int_equal(told.frames[0].direction, 2);
	assert_int_equal(told.frames[0].pid, 4711);
	assert_int_equal(told.frames[0].tid, 4712);
	assert_int_equal(told.frames[0].comment_count, 1);
	check_frame(&told.frames[1], 1234567000, 0, 0, (uint32_t)strlen(journal),
		    journal);
	assert_int_equal(told.frames[1].kind, SONDE_FRAME_JOURNAL);
	check_frame(&told.frames[2], INT64_MAX / 2, 276, 1, 100, "bcdef");
	check_frame(&told.frames[3], 1, 101, 2, 100, "a");
	check_frame(&told.frames[5], INT64_MAX / 2, 276, 3, 100, "bcdef");
	check_pieces(made.bytes, made.used, &told);
	pcapng_block_done(&made.block);
}

/* Blocks that are kept lie one behind the other, and one that fails leaves none. */
static void test_kept(void **state)
{
	const struct pcapng_packet too_long = {
		.captured_length = UINT32_MAX - 64,
		.bytes = (const uint8_t *)"",
	};
	struct pcapng_block kept, alone;
	size_t used;

	(void)state;
	pcapng_block_init(&kept);
	pcapng_block_init(&alone);
	pcapng_format_section(&kept, "x", NULL);
	pcapng_block_keep(&kept);
	used = kept.used;
	pcapng_format_packet(&kept, &too_long);
	assert_int_equal(kept.error, -E2BIG);
	assert_int_equal(kept.used, used);
	pcapng_format_interface(&kept, 1, 0, "lo");
	assert_int_equal(kept.error, 0);
	pcapng_format_interface(&alone, 1, 0, "lo");
	assert_int_equal(kept.used, used + alone.used);
	assert_memory_equal(kept.bytes + used, alone.bytes, alone.used);
	pcapng_block_clear(&kept);
	pcapng_format_interface(&kept, 1, 0, "lo");
	assert_int_equal(kept.used, alone.used);
	pcapng_block_done(&kept);
	pcapng_block_done(&alone);
}

/* Times that do not fit become the largest or the smallest; two of them have a difference. */
static void test_times(void **state)
{
	static const struct {
		uint8_t resolution;
		int64_t offset_s;
		uint64_t ticks;
		int64_t at_ns;
	} times[] = {
		{0, 0, UINT64_MAX, INT64_MAX / 2},
		{9, 0, UINT64_MAX, INT64_MAX / 2},
		{127, 0, UINT64_MAX, 0},
		{0x80, 0, UINT64_MAX, INT64_MAX / 2},
		{0xff, 0, UINT64_MAX, 0},
		{0xbf, 0, UINT64_C(1) << 63, 1000000000},
		{9, INT64_MAX, 1, INT64_MAX / 2},
		{9, INT64_MIN, 1, -(INT64_MAX / 2)},
		{9, -1, 1, -999999999},
	};
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		uint8_t body[28] = {1, 0, 0, 0, 0, 0, 0,  0, 9, 0,
				    1, 0, 0, 0, 0, 0, 14, 0, 8};
		struct pcapng_view view = {.type = PCAPNG_INTERFACE,
					   .body = body,
					   .body_length = sizeof(body)};
		uint8_t file[256];
		struct told told;
		size_t n;

		body[12] = times[i].resolution;
		memcpy(body + 20, &times[i].offset_s, 8);
		pcapng_format_section(&block, NULL, NULL);
		memcpy(file, block.bytes, block.used);
		n = block.used;
		memcpy(file + n, &view.type, 4);
		memcpy(file + n + 4, &(uint32_t){sizeof(body) + 12}, 4);
		memcpy(file + n + 8, body, sizeof(body));
		memcpy(file + n + 8 + sizeof(body), file + n + 4, 4);
		n += sizeof(body) + 12;
		pcapng_format_packet(
			&block, &(struct pcapng_packet){.at_ns = (int64_t)times[i].ticks,
							.bytes = body});
		memcpy(file + n, block.bytes, block.used);
		n += block.used;
		read_all(file, n, n, &told);
		assert_int_equal(told.count, 1);
		assert_int_equal(told.frames[0].at_ns, times[i].at_ns);
	}
	pcapng_block_done(&block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
