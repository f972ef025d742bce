/* CPython's line tables.
 *
 * An lnotab (3.8, 3.9) is pairs of bytes: so many bytes of code further, so many lines
 * (signed) further; where one byte does not hold a number, pairs follow each other of
 * which one half is 0.
 *
 * The ranges (3.10) are pairs too: so many bytes of code are so many lines (signed) after
 * the line of the range before; -128 says that they have no line, and moves none.
 *
 * The locations (from 3.11).  An entry begins with a byte whose highest bit is set:
 * 1cccclll, code c, length l+1 in units of two bytes; the bytes that follow have it
 * clear.  Only the codes that move the line matter here:
 *
 *	10, 11, 12   0, 1, 2 lines further (and two bytes of columns)
 *	13, 14       a signed number of lines, then columns
 *	15           no location
 *
 * All others stay on the line. */
#include <errno.h>
#include <stdbool.h>

#include "trace/source_python_lines.h"

enum {
	CODE_ONE_LINE0 = 10,
	CODE_ONE_LINE2 = 12,
	CODE_NO_COLUMNS = 13,
	CODE_LONG = 14,
	CODE_NONE = 15,
	BEGINS_ENTRY = 0x80,
	RANGE_WITHOUT_LINE = -128,
};

/* Six bits a byte, least significant first, bit 6 says that more follow; the lowest bit
 * of the number is its sign. */
static int read_signed(const uint8_t *table, size_t n, size_t at, int64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; at < n && shift < 36; at++, shift += 6) {
		if (table[at] & BEGINS_ENTRY)
			break;
		value |= (uint64_t)(table[at] & 63) << shift;
		if (!(table[at] & 64)) {
			int64_t size = (int64_t)(value >> 1);
			*ret = value & 1 ? -size : size;
			return 0;
		}
	}
	return -EBADMSG;
}

static int find_lnotab(const uint8_t *table, size_t n, int first_line, uint32_t offset,
		       struct python_line *ret)
{
	int64_t line = first_line;
	uint32_t begin = 0, end = UINT32_MAX;
	size_t at = 0;

	for (; at + 1 < n; at += 2) {
		if (table[at] != 0) {
			end = begin + table[at];
			if (offset < end) {
				at += 2;
				break;
			}
			begin = end;
			end = UINT32_MAX;
		}
		line += (int8_t)table[at + 1];
	}
	if (line < 0 || line > INT32_MAX)
		return -EBADMSG;
	*ret = (struct python_line){
		.line = (int)line,
		.begin = begin,
		.end = end,
		.table_used = end == UINT32_MAX ? n : at,
	};
	return 0;
}

static int find_range(const uint8_t *table, size_t n, int first_line, uint32_t offset,
		      struct python_line *ret)
{
	int64_t line = first_line;
	uint32_t begin = 0;

	for (size_t at = 0; at + 1 < n; at += 2) {
		uint32_t end = begin + table[at];
		int8_t delta = (int8_t)table[at + 1];

		if (delta != RANGE_WITHOUT_LINE)
			line += delta;
		if (line < 0 || line > INT32_MAX)
			return -EBADMSG;
		if (offset < end) {
			*ret = (struct python_line){
				.line = delta == RANGE_WITHOUT_LINE ? 0 : (int)line,
				.begin = begin,
				.end = end,
				.table_used = at + 2,
			};
			return 0;
		}
		begin = end;
	}
	return -EBADMSG;
}

static int find_location(const uint8_t *table, size_t n, int first_line, uint32_t offset,
			 struct python_line *ret)
{
	int64_t line = first_line, delta;
	uint32_t begin = 0;
	size_t at = 0;

	while (at < n) {
		uint8_t first = table[at];
		unsigned code = first >> 3 & 15;
		uint32_t end = begin + ((first & 7) + 1U) * 2;

		if (!(first & BEGINS_ENTRY))
			return -EBADMSG;
		delta = 0;
		if (code >= CODE_ONE_LINE0 && code <= CODE_ONE_LINE2)
			delta = code - CODE_ONE_LINE0;
		else if ((code == CODE_NO_COLUMNS || code == CODE_LONG) &&
			 read_signed(table, n, at + 1, &delta) < 0)
			return -EBADMSG;
		line += delta;
		if (line < 0 || line > INT32_MAX)
			return -EBADMSG;
		for (at++; at < n && !(table[at] & BEGINS_ENTRY); at++)
			;
		if (offset < end) {
			*ret = (struct python_line){
				.line = code == CODE_NONE ? 0 : (int)line,
				.begin = begin,
				.end = end,
				.table_used = at,
			};
			return 0;
		}
		begin = end;
	}
	return -EBADMSG;
}

int python_lines_find(enum python_lines form, const uint8_t *table, size_t n,
		      int first_line, uint32_t offset, struct python_line *ret)
{
	switch (form) {
	case PYTHON_LINES_LNOTAB:
		return find_lnotab(table, n, first_line, offset, ret);
	case PYTHON_LINES_RANGES:
		return find_range(table, n, first_line, offset, ret);
	case PYTHON_LINES_LOCATIONS:
		break;
	}
	return find_location(table, n, first_line, offset, ret);
}
