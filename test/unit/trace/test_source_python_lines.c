/* The location table: whole, cut at every byte, and with every byte changed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "trace/source_python_lines.h"

#define ENTRY(code, units) (uint8_t)(0x80 | (code) << 3 | ((units)-1))

/* Units 0 to 1: short form, the line stays; 2: one line further; 3 to 10: 300 lines
 * further, long form; 11: none; 12: 299 lines back; 13: two lines further. */
static const uint8_t table[] = {
	ENTRY(0, 2),
	0x11, /* short form, columns */
	ENTRY(11, 1),
	1,
	2, /* one line further */
	ENTRY(14, 8),
	0x40 | (600 & 63),
	600 >> 6,
	0,
	1,
	2,
	ENTRY(15, 1), /* no location */
	ENTRY(13, 1),
	0x40 | (599 & 63),
	599 >> 6, /* odd: backward */
	ENTRY(12, 1),
	3,
	4,
};

static const struct {
	uint32_t offset, begin, end;
	int line;
} answers[] = {
	{0, 0, 4, 10},    {2, 0, 4, 10},   {4, 4, 6, 11},    {6, 6, 22, 311},
	{20, 6, 22, 311}, {22, 22, 24, 0}, {24, 24, 26, 12}, {26, 26, 28, 14},
};

static void test_lines(void **state)
{
	struct python_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(python_lines_find(table, sizeof(table), 10,
						   answers[i].offset, &line),
				 0);
		assert_int_equal(line.line, answers[i].line);
		assert_int_equal(line.begin, answers[i].begin);
		assert_int_equal(line.end, answers[i].end);
	}
	assert_int_equal(python_lines_find(table, sizeof(table), 10, 28, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(table, 0, 10, 0, &line), -EBADMSG);
}

/* What it says was used is enough for the same answer. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct python_line whole, cut;
		python_lines_find(table, sizeof(table), 10, answers[i].offset, &whole);
		for (size_t n = 0; n <= sizeof(table); n++) {
			int r = python_lines_find(table, n, 10, answers[i].offset, &cut);
			if (n >= whole.table_used) {
				assert_int_equal(r, 0);
				assert_int_equal(cut.line, whole.line);
				assert_int_equal(cut.begin, whole.begin);
				assert_int_equal(cut.end, whole.end);
				assert_int_equal(cut.table_used, whole.table_used);
			} else if (r == 0) {
				/* Only columns were cut off. */
				assert_int_equal(cut.line, whole.line);
			}
		}
	}
}

static void test_garbage(void **state)
{
	(void)state;
	for (size_t at = 0; at < sizeof(table); at++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t bytes[sizeof(table)];
			struct python_line line = {.line = -1};
			memcpy(bytes, table, sizeof(table));
			bytes[at] = (uint8_t)value;
			int r = python_lines_find(bytes, sizeof(bytes), 10, 26, &line);
			assert_true(r == 0 || r == -EBADMSG);
			if (r == 0) {
				assert_true(line.line >= 0);
				assert_true(line.begin <= 26 && line.end > 26);
				assert_true(line.table_used <= sizeof(bytes));
			}
		}
}

static void test_numbers(void **state)
{
	/* Too long a number, a line below zero, one beyond an int. */
	static const uint8_t endless[] = {ENTRY(13, 1), 0x7f, 0x7f, 0x7f, 0x7f,
					  0x7f,         0x7f, 0x7f, 0x3f};
	static const uint8_t below[] = {ENTRY(13, 1), 23};
	static const uint8_t beyond[] = {ENTRY(13, 1), 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 3};
	/* A number that goes on into the next entry. */
	static const uint8_t broken[] = {ENTRY(13, 1), 0x42, ENTRY(13, 1), 0};
	struct python_line line;

	(void)state;
	assert_int_equal(python_lines_find(broken, sizeof(broken), 10, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(endless, sizeof(endless), 10, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(below, sizeof(below), 10, 0, &line), -EBADMSG);
	assert_int_equal(python_lines_find(below, sizeof(below), 11, 0, &line), 0);
	assert_int_equal(line.line, 0);
	assert_int_equal(python_lines_find(beyond, sizeof(beyond), INT32_MAX, 0, &line),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
