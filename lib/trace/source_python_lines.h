/* CPython's line tables: from an instruction to its line.  Pure. */
#ifndef TRACE_SOURCE_PYTHON_LINES_H
#define TRACE_SOURCE_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

enum python_lines {
	PYTHON_LINES_LNOTAB,    /* to 3.9 */
	PYTHON_LINES_RANGES,    /* 3.10: PEP 626 */
	PYTHON_LINES_LOCATIONS, /* from 3.11: PEP 657 */
};

struct python_line {
	int line;            /* 0: the instruction has none */
	uint32_t begin, end; /* the bytes of code that the entry speaks of */
	size_t table_used;   /* what of the table says so: its first bytes */
};

/* The entry for the byte `offset` of the code.  Returns 0, or -EBADMSG where the table
 * does not make sense or ends before it (which an lnotab never does: what comes behind
 * its last entry, up to UINT32_MAX, is of the last line). */
int python_lines_find(enum python_lines form, const uint8_t *table, size_t n,
		      int first_line, uint32_t offset, struct python_line *ret);

#endif
