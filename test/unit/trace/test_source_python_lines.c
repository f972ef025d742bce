/* The line tables: whole, cut at every byte, and with every byte changed. */
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
		assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, table,
						   sizeof(table), 10, answers[i].offset,
						   &line),
				 0);
		assert_int_equal(line.line, answers[i].line);
		assert_int_equal(line.begin, answers[i].begin);
		assert_int_equal(line.end, answers[i].end);
	}
	assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, table, sizeof(table),
					   10, 28, &line),
			 -EBADMSG);
	assert_int_equal(
		python_lines_find(PYTHON_LINES_LOCATIONS, table, 0, 10, 0, &line),
		-EBADMSG);
}

/* What it says was used is enough for the same answer. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct python_line whole, cut;
		python_lines_find(PYTHON_LINES_LOCATIONS, table, sizeof(table), 10,
				  answers[i].offset, &whole);
		for (size_t n = 0; n <= sizeof(table); n++) {
			int r = python_lines_find(PYTHON_LINES_LOCATIONS, table, n, 10,
						  answers[i].offset, &cut);
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
			int r = python_lines_find(PYTHON_LINES_LOCATIONS, bytes,
						  sizeof(bytes), 10, 26, &line);
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
	assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, broken, sizeof(broken),
					   10, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, endless,
					   sizeof(endless), 10, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, below, sizeof(below),
					   10, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, below, sizeof(below),
					   11, 0, &line),
			 0);
	assert_int_equal(line.line, 0);
	assert_int_equal(python_lines_find(PYTHON_LINES_LOCATIONS, beyond, sizeof(beyond),
					   INT32_MAX, 0, &line),
			 -EBADMSG);
}

/* ---- the older tables ---- */

/* Bytes 0 to 5 line 10; 6 to 7 line 11; 8 to 307 line 311 (300 bytes, 300 lines); 308 to
 * 309 line 11 again; from 310 line 12. */
static const uint8_t lnotab[] = {6,  1,    2, 127,  0, 127,          0, 46, 255, 0,
				 45, 0x80, 0, 0x80, 0, (uint8_t)-44, 2, 1};
/* The same with ranges; 310 to 311 are line 12, 312 to 313 of none, 314 to 315 line 13. */
static const uint8_t ranges[] = {6,  0,  2, 1,    0,    127, 0,    127, 254,
				 46, 46, 0, 0,    0x81, 0,   0x81, 2,   (uint8_t)-46,
				 2,  1,  2, 0x80, 2,    1};

struct answer {
	uint32_t offset, begin, end;
	int line;
};

static const struct answer lnotab_answers[] = {
	{0, 0, 6, 10},
	{4, 0, 6, 10},
	{6, 6, 8, 11},
	{8, 8, 263, 311},
	{262, 8, 263, 311},
	{264, 263, 308, 311},
	{306, 263, 308, 311},
	{308, 308, 310, 11},
	{310, 310, UINT32_MAX, 12},
	{9999, 310, UINT32_MAX, 12},
};
static const struct answer range_answers[] = {
	{0, 0, 6, 10},       {6, 6, 8, 11},        {8, 8, 262, 311},
	{260, 8, 262, 311},  {262, 262, 308, 311}, {306, 262, 308, 311},
	{308, 308, 310, 11}, {310, 310, 312, 12},  {312, 312, 314, 0},
	{314, 314, 316, 13},
};

/* Whole, and cut at every byte: what it says was used is enough for the same answer. */
static void check_form(enum python_lines form, const uint8_t *bytes, size_t n,
		       const struct answer *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct python_line whole, cut;
		assert_int_equal(
			python_lines_find(form, bytes, n, 10, wanted[i].offset, &whole),
			0);
		assert_int_equal(whole.line, wanted[i].line);
		assert_int_equal(whole.begin, wanted[i].begin);
		assert_int_equal(whole.end, wanted[i].end);
		for (size_t part = whole.table_used; part <= n; part++) {
			assert_int_equal(python_lines_find(form, bytes, part, 10,
							   wanted[i].offset, &cut),
					 0);
			assert_int_equal(cut.line, whole.line);
			assert_int_equal(cut.begin, whole.begin);
			assert_int_equal(cut.end, whole.end);
			assert_int_equal(cut.table_used, whole.table_used);
		}
		for (size_t part = 0; part < whole.table_used; part++) {
			int r = python_lines_find(form, bytes, part, 10, wanted[i].offset,
						  &cut);
			/* A cut lnotab goes on with the line where it was cut. */
			assert_int_equal(r, form == PYTHON_LINES_LNOTAB ? 0 : -EBADMSG);
		}
	}
}

static void test_lnotab(void **state)
{
	static const uint8_t below[] = {2, 0x80};
	static const uint8_t beyond[] = {2, 1};
	struct python_line line;

	(void)state;
	check_form(PYTHON_LINES_LNOTAB, lnotab, sizeof(lnotab), lnotab_answers,
		   sizeof(lnotab_answers) / sizeof(lnotab_answers[0]));
	/* A function of one line has an empty one. */
	assert_int_equal(python_lines_find(PYTHON_LINES_LNOTAB, lnotab, 0, 7, 40, &line),
			 0);
	assert_int_equal(line.line, 7);
	assert_int_equal(python_lines_find(PYTHON_LINES_LNOTAB, below, 2, 127, 0, &line),
			 0);
	assert_int_equal(python_lines_find(PYTHON_LINES_LNOTAB, below, 2, 127, 2, &line),
			 -EBADMSG);
	assert_int_equal(
		python_lines_find(PYTHON_LINES_LNOTAB, beyond, 2, INT32_MAX, 2, &line),
		-EBADMSG);
}

static void test_ranges(void **state)
{
	static const uint8_t below[] = {2, 0x81};
	static const uint8_t beyond[] = {2, 1};
	struct python_line line;

	(void)state;
	check_form(PYTHON_LINES_RANGES, ranges, sizeof(ranges), range_answers,
		   sizeof(range_answers) / sizeof(range_answers[0]));
	assert_int_equal(python_lines_find(PYTHON_LINES_RANGES, ranges, sizeof(ranges),
					   10, 316, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(PYTHON_LINES_RANGES, ranges, 0, 10, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(PYTHON_LINES_RANGES, below, 2, 126, 0, &line),
			 -EBADMSG);
	assert_int_equal(python_lines_find(PYTHON_LINES_RANGES, below, 2, 127, 0, &line),
			 0);
	assert_int_equal(
		python_lines_find(PYTHON_LINES_RANGES, beyond, 2, INT32_MAX, 0, &line),
		-EBADMSG);
}

static void test_garbage_of_older_forms(void **state)
{
	static const enum python_lines forms[] = {PYTHON_LINES_LNOTAB,
						  PYTHON_LINES_RANGES};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		for (size_t at = 0; at < sizeof(ranges); at++)
			for (unsigned value = 0; value < 256; value++) {
				uint8_t bytes[sizeof(ranges)];
				struct python_line line = {.line = -1};
				memcpy(bytes, ranges, sizeof(ranges));
				bytes[at] = (uint8_t)value;
				int r = python_lines_find(forms[i], bytes, sizeof(bytes),
							  10, 308, &line);
				assert_true(r == 0 || r == -EBADMSG);
				if (r < 0)
					continue;
				assert_true(line.line >= 0);
				assert_true(line.begin <= 308 && line.end > 308);
				assert_true(line.table_used <= sizeof(bytes));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_lnotab),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_garbage_of_older_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
