/* The cursor and its sticky error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/wire.h"

static const uint8_t sample[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x06, 0x87,
				 0x08, 0x09, 0x0a, 0x0b, 0xfc, 0xaa, 0xbb};

static void reads_both_orders(void **state)
{
	struct wire_reader reader;
	const uint8_t *rest;

	(void)state;
	wire_reader_init(&reader, sample, sizeof(sample));
	assert_int_equal(wire_left(&reader), sizeof(sample));
	assert_int_equal(wire_read_u8(&reader), 0x01);
	assert_int_equal(wire_read_be16(&reader), 0x8203);
	assert_int_equal(wire_read_be32(&reader), 0x84050687);
	wire_skip(&reader, 1);
	assert_int_equal(wire_read_le32(&reader), 0xfc0b0a09);
	rest = wire_read_bytes(&reader, 2);
	assert_ptr_equal(rest, sample + 12);
	assert_int_equal(wire_left(&reader), 0);
	assert_false(reader.failed);
	wire_reader_init(&reader, sample, 2);
	assert_int_equal(wire_read_le16(&reader), 0x8201);
	assert_false(reader.failed);
}

/* Cut at every byte: fails where the whole does not fit, and gives zeros from there. */
static void fails_once_and_for_good(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 13; size++) {
		struct wire_reader reader;
		size_t at;

		wire_reader_init(&reader, sample, size);
		assert_int_equal(wire_read_u8(&reader), size < 1 ? 0 : 0x01);
		assert_int_equal(wire_read_be16(&reader), size < 3 ? 0 : 0x8203);
		assert_int_equal(wire_read_le16(&reader), size < 5 ? 0 : 0x0584);
		assert_int_equal(wire_read_be32(&reader), size < 9 ? 0 : 0x06870809);
		assert_int_equal(wire_read_le32(&reader), size < 13 ? 0 : 0xaafc0b0a);
		assert_int_equal(reader.failed, size < 13);
		if (size == 13)
			continue;
		/* There may be bytes left, but no longer for reading. */
		at = reader.at;
		assert_int_equal(wire_left(&reader), 0);
		assert_int_equal(wire_read_u8(&reader), 0);
		assert_null(wire_read_bytes(&reader, 0));
		wire_skip(&reader, 0);
		assert_true(reader.failed);
		assert_int_equal(reader.at, at);
	}
}

static void huge_lengths_do_not_wrap(void **state)
{
	struct wire_reader reader;
	struct wire_writer writer;
	uint8_t bytes[4] = {0};

	(void)state;
	wire_reader_init(&reader, sample, sizeof(sample));
	wire_skip(&reader, 3);
	assert_null(wire_read_bytes(&reader, SIZE_MAX));
	assert_true(reader.failed);
	wire_writer_init(&writer, bytes, sizeof(bytes));
	wire_write_u8(&writer, 1);
	wire_write_zeros(&writer, SIZE_MAX);
	assert_true(writer.failed);
	assert_int_equal(writer.at, 1);
}

static void no_bytes_at_all(void **state)
{
	struct wire_reader reader;
	struct wire_writer writer;

	(void)state;
	wire_reader_init(&reader, NULL, 0);
	assert_non_null(wire_read_bytes(&reader, 0));
	assert_false(reader.failed);
	assert_int_equal(wire_read_u8(&reader), 0);
	assert_true(reader.failed);
	wire_writer_init(&writer, NULL, 0);
	wire_write_bytes(&writer, NULL, 0);
	wire_write_zeros(&writer, 0);
	assert_false(writer.failed);
	wire_write_u8(&writer, 1);
	assert_true(writer.failed);
}

static void writes_both_orders(void **state)
{
	static const uint8_t expected[] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x06,
					   0x87, 0xfc, 0x0b, 0x0a, 0x09, 'h',
					   'i',  0,    0,    0x34, 0x12};
	uint8_t bytes[sizeof(expected)];
	struct wire_writer writer;

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	wire_writer_init(&writer, bytes, sizeof(bytes));
	wire_write_u8(&writer, 0x01);
	wire_write_be16(&writer, 0x8203);
	wire_write_be32(&writer, 0x84050687);
	wire_write_le32(&writer, 0x090a0bfc);
	wire_write_bytes(&writer, "hi", 2);
	wire_write_zeros(&writer, 2);
	wire_write_le16(&writer, 0x1234);
	assert_false(writer.failed);
	assert_int_equal(writer.at, sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void writes_nothing_behind_a_failure(void **state)
{
	(void)state;
	for (size_t capacity = 0; capacity < 7; capacity++) {
		uint8_t bytes[8];
		struct wire_writer writer;
		size_t expected = capacity < 1 ? 0 : capacity < 3 ? 1 : 3;

		memset(bytes, 0xee, sizeof(bytes));
		wire_writer_init(&writer, bytes, capacity);
		wire_write_u8(&writer, 1);
		wire_write_be16(&writer, 0x0203);
		wire_write_be32(&writer, 0x04050607);
		assert_true(writer.failed);
		wire_write_u8(&writer, 9); /* would fit, often */
		assert_int_equal(writer.at, expected);
		for (size_t i = 0; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], i < expected ? i + 1 : 0xee);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_orders),
		cmocka_unit_test(fails_once_and_for_good),
		cmocka_unit_test(huge_lengths_do_not_wrap),
		cmocka_unit_test(no_bytes_at_all),
		cmocka_unit_test(writes_both_orders),
		cmocka_unit_test(writes_nothing_behind_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
