/* CPython's location table (PEP 657): from an instruction to its line.  Pure. */
#ifndef TRACE_SOURCE_PYTHON_LINES_H
#define TRACE_SOURCE_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

struct python_line {
	int line;            /* 0: the instruction has none */
	uint32_t begin, end; /* the bytes of code that the entry speaks of */
	size_t table_used;   /* what of the table says so: its first bytes */
};

/* The entry for the byte `offset` of the code.  Returns 0, or -EBADMSG where the table
 * does not make sense or ends before it. */
int python_lines_find(const uint8_t *table, size_t n, int first_line, uint32_t offset,
		      struct python_line *ret);

#endif
