/* Fuzz target: CPython's line tables of all forms, which come out of another process's
 * memory.
 *
 * Properties: the entry found covers the instruction and begins where the one before it
 * ends; the bytes that were used give the same answer alone; one after the last entry
 * there is none (in an lnotab the last one has no end). */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace/source_python_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* With exactly n bytes of memory, so that a sanitizer sees one too many. */
static int find(enum python_lines form, const uint8_t *bytes, size_t n, int first,
		uint32_t offset, struct python_line *ret)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, bytes, n);
	int r = python_lines_find(form, copy, n, first, offset, ret);
	free(copy);
	return r;
}

static void walk(enum python_lines form, const uint8_t *bytes, size_t n, int first)
{
	uint32_t offset = 0;
	size_t used = 0;

	for (;;) {
		struct python_line line, again;
		int r = find(form, bytes, n, first, offset, &line);

		require(r == 0 || r == -EBADMSG);
		if (r < 0)
			break;
		bool is_endless = form == PYTHON_LINES_LNOTAB && line.end == UINT32_MAX;
		require(line.line >= 0 && line.begin == offset && line.end > offset);
		require((line.table_used > used || is_endless) && line.table_used <= n);
		require(find(form, bytes, line.table_used, first, line.end - 1, &again) ==
			0);
		require(again.line == line.line && again.begin == line.begin &&
			again.end == line.end && again.table_used == line.table_used);
		if (is_endless)
			break;
		offset = line.end;
		used = line.table_used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	int first = 1;

	if (n > 4096)
		return 0;
	if (n > 0)
		first = bytes[0] % 2 ? INT32_MAX : bytes[0];
	walk(PYTHON_LINES_LNOTAB, bytes, n, first);
	walk(PYTHON_LINES_RANGES, bytes, n, first);
	walk(PYTHON_LINES_LOCATIONS, bytes, n, first);
	return 0;
}
