/* CPython's location table.  An entry begins with a byte whose highest bit is set:
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

int python_lines_find(const uint8_t *table, size_t n, int first_line, uint32_t offset,
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
