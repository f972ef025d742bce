/* pcapng blocks as they are written: byte for byte, and what happens at the limits. */
#include "file/pcapng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"

#define CHECK_BYTES(block, expected)                                                     \
	do {                                                                             \
		assert_int_equal((block)->error, 0);                                     \
		assert_int_equal((block)->used, sizeof(expected) - 1);                   \
		assert_memory_equal((block)->bytes, expected, sizeof(expected) - 1);     \
	} while (0)

static void test_section(void **state)
{
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_section(&block, "sonde 0.1", "hi");
	CHECK_BYTES(&block, "\x0a\x0d\x0d\x0a\x38\0\0\0"
			    "\x4d\x3c\x2b\x1a\x01\0\0\0"
			    "\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\x01\0\x02\0hi\0\0"
			    "\x04\0\x09\0sonde 0.1\0\0\0"
			    "\0\0\0\0"
			    "\x38\0\0\0");
	pcapng_format_section(&block, NULL, NULL);
	CHECK_BYTES(&block, "\x0a\x0d\x0d\x0a\x20\0\0\0"
			    "\x4d\x3c\x2b\x1a\x01\0\0\0"
			    "\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\0\0\0\0"
			    "\x20\0\0\0");
	pcapng_block_done(&block);
}

static void test_interface(void **state)
{
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_interface(&block, 1, 262144, "lo");
	CHECK_BYTES(&block, "\x01\0\0\0\x28\0\0\0"
			    "\x01\0\0\0\0\0\x04\0"
			    "\x02\0\x02\0lo\0\0"
			    "\x09\0\x01\0\x09\0\0\0"
			    "\0\0\0\0"
			    "\x28\0\0\0");
	pcapng_block_done(&block);
}

static void test_packet(void **state)
{
	static const char *const comments[] = {"one", "four"};
	const struct pcapng_packet packet = {
		.interface = 2,
		.at_ns = INT64_C(0x0102030405060708),
		.captured_length = 5,
		.wire_length = 60,
		.bytes = (const uint8_t *)"bytes",
		.direction = PCAPNG_OUTBOUND,
		.pid = 4711,
		.tid = 4712,
		.comments = comments,
		.comment_count = 2,
	};
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_packet(&block, &packet);
	CHECK_BYTES(&block, "\x06\0\0\0\x50\0\0\0"
			    "\x02\0\0\0"
			    "\x04\x03\x02\x01\x08\x07\x06\x05"
			    "\x05\0\0\0\x3c\0\0\0"
			    "bytes\0\0\0"
			    "\x01\0\x03\0one\0"
			    "\x01\0\x04\0four"
			    "\x02\0\x04\0\x02\0\0\0"
			    "\x08\0\x08\0\x67\x12\0\0\x68\x12\0\0"
			    "\0\0\0\0"
			    "\x50\0\0\0");
	pcapng_block_done(&block);
}

/* Neither direction nor process known: no options, and no end of them. */
static void test_bare_packet(void **state)
{
	const struct pcapng_packet packet = {.at_ns = 1};
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_packet(&block, &packet);
	CHECK_BYTES(&block, "\x06\0\0\0\x20\0\0\0"
			    "\0\0\0\0"
			    "\0\0\0\0\x01\0\0\0"
			    "\0\0\0\0\0\0\0\0"
			    "\x20\0\0\0");
	pcapng_block_done(&block);
}

static void test_statistics(void **state)
{
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	pcapng_format_statistics(&block, 0, INT64_C(0x100000002), INT64_C(0x300000004), 5,
				 6);
	CHECK_BYTES(&block, "\x05\0\0\0\x4c\0\0\0"
			    "\0\0\0\0"
			    "\x03\0\0\0\x04\0\0\0"
			    "\x02\0\x08\0\x01\0\0\0\x02\0\0\0"
			    "\x03\0\x08\0\x03\0\0\0\x04\0\0\0"
			    "\x04\0\x08\0\x05\0\0\0\0\0\0\0"
			    "\x05\0\x08\0\x06\0\0\0\0\0\0\0"
			    "\0\0\0\0"
			    "\x4c\0\0\0");
	pcapng_block_done(&block);
}

static void add(struct pcapng_block *block, const char *name, const char *value)
{
	pcapng_journal_add(block, name, value, strlen(value));
}

static void test_journal(void **state)
{
	struct pcapng_block block;

	(void)state;
	pcapng_block_init(&block);
	pcapng_journal_begin(&block);
	add(&block, "A", "text = \xc3\xa4");
	add(&block, "B", "two\nlines");
	add(&block, "C", "\xff");
	pcapng_journal_add(&block, "D", "\0", 1);
	add(&block, "E", "");
	pcapng_journal_end(&block);
	CHECK_BYTES(&block, "\x09\0\0\0\x48\0\0\0"
			    "A=text = \xc3\xa4\n"
			    "B\n\x09\0\0\0\0\0\0\0two\nlines\n"
			    "C\n\x01\0\0\0\0\0\0\0\xff\n"
			    "D\n\x01\0\0\0\0\0\0\0\0\n"
			    "E=\n"
			    "\0"
			    "\x48\0\0\0");
	pcapng_block_done(&block);
}

/* What one comment of `length` two-byte characters, after `before` single ones, has
 * become. */
static void check_long_comment(size_t before, size_t length, size_t expected)
{
	char *text = malloc(before + 2 * length + 1);
	const char *comments[1] = {text};
	const struct pcapng_packet packet = {.comments = comments, .comment_count = 1};
	struct pcapng_block block;
	size_t stored;

	assert_non_null(text);
	memset(text, 'x', before);
	for (size_t i = 0; i < length; i++)
		memcpy(text + before + 2 * i, "\xc3\xa4", 2);
	text[before + 2 * length] = '\0';
	pcapng_block_init(&block);
	pcapng_format_packet(&block, &packet);
	assert_int_equal(block.error, 0);
	stored = block.bytes[30] | (size_t)block.bytes[31] << 8;
	assert_int_equal(stored, expected);
	assert_memory_equal(block.bytes + 32, text, stored);
	assert_int_equal(block.used, 32 + (stored + 3) / 4 * 4 + 4 + 4);
	pcapng_block_done(&block);
	free(text);
}

static void test_long_comment(void **state)
{
	(void)state;
	check_long_comment(0, 10, 20);
	check_long_comment(65535, 0, 65535);
	check_long_comment(65536, 0, 65535);
	check_long_comment(1, 32767, 65535);
	check_long_comment(1, 32768, 65535);
	check_long_comment(0, 32768, 65534); /* not in the middle of a character */
}

/* A block that is too large is empty, and the next one is not affected. */
static void test_too_large(void **state)
{
	uint8_t *bytes = calloc(1, LIMIT_PCAPNG_BLOCK);
	struct pcapng_packet packet = {.captured_length = LIMIT_PCAPNG_BLOCK,
				       .bytes = bytes};
	struct pcapng_block block;

	(void)state;
	assert_non_null(bytes);
	pcapng_block_init(&block);
	pcapng_format_packet(&block, &packet);
	assert_int_equal(block.error, -E2BIG);
	assert_int_equal(block.used, 0);

	packet.captured_length = LIMIT_PCAPNG_BLOCK - 32; /* the largest that fits */
	pcapng_format_packet(&block, &packet);
	assert_int_equal(block.error, 0);
	assert_int_equal(block.used, LIMIT_PCAPNG_BLOCK);

	packet.captured_length++;
	pcapng_format_packet(&block, &packet);
	assert_int_equal(block.error, -E2BIG);
	assert_int_equal(block.used, 0);
	pcapng_block_done(&block);
	free(bytes);
}

/* A frame without options takes a shorter way: into room that is there it is written as the
 * packet is, whatever lay in that room before. */
static void test_frame(void **state)
{
	uint8_t bytes[64];
	struct pcapng_block frames, packets;

	(void)state;
	memset(bytes, 0x5a, sizeof(bytes));
	pcapng_block_init(&frames);
	pcapng_block_init(&packets);
	for (unsigned i = 0; i < 2 * 3 * (sizeof(bytes) + 1) * 4; i++) {
		struct sonde_frame frame = {
			.at_ns = i % 4 == 3 ? INT64_MIN
					    : INT64_C(1700000000123456789) * (i % 2),
			.bytes = bytes,
			.captured_length = i / 4 % (sizeof(bytes) + 1),
			.direction = (uint8_t)(i / 4 / (sizeof(bytes) + 1) % 3),
			.pid = i % 4 == 2 ? 812 : 0,
		};
		struct pcapng_packet packet = {
			.interface = i % 5,
			.at_ns = frame.at_ns == INT64_MIN ? 0 : frame.at_ns,
			.bytes = bytes,
			.captured_length = frame.captured_length,
			.direction = frame.direction,
			.pid = frame.pid,
		};

		frame.wire_length = packet.wire_length = frame.captured_length + i % 3;
		if (frames.capacity)
			memset(frames.bytes + frames.start, 0xff,
			       frames.capacity - frames.start);
		pcapng_format_frame(&frames, i % 5, &frame);
		pcapng_format_packet(&packets, &packet);
		assert_int_equal(frames.error, 0);
		assert_int_equal(frames.used, packets.used);
		assert_memory_equal(frames.bytes, packets.bytes, frames.used);
		if (i % 16 == 15) {
			pcapng_block_clear(&frames);
			pcapng_block_clear(&packets);
		} else {
			pcapng_block_keep(&frames);
			pcapng_block_keep(&packets);
		}
	}
	pcapng_block_done(&frames);
	pcapng_block_done(&packets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section),     cmocka_unit_test(test_interface),
		cmocka_unit_test(test_packet),      cmocka_unit_test(test_frame),
		cmocka_unit_test(test_bare_packet), cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_journal),     cmocka_unit_test(test_long_comment),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
