/* What an instruction belongs to: the line that it was compiled from, and the functions
 * around it, those that the compiler inlined too. */
#ifndef TRACE_SOURCE_DWARF_LINES_H
#define TRACE_SOURCE_DWARF_LINES_H

#include "trace/source.h"
#include "trace/source_dwarf_modules.h"

enum dwarf_origin {
	DWARF_OWN = 0, /* compiled with debug information, no file of the system */
	DWARF_UNKNOWN, /* of a module that is no system library; no debug information */
	DWARF_SYSTEM,
};

struct dwarf_line {
	char *file;     /* owned; NULL not known */
	char *function; /* owned; with "+0x12" where there is no line; NULL not known */
	int line;       /* 0 not known */
	uint8_t origin; /* enum dwarf_origin */
};

/* Innermost first; at least one. */
struct dwarf_lines {
	struct dwarf_line *items; /* owned */
	size_t count, capacity;
	bool is_outermost; /* the program's function main, or what else nothing outside of
			      matters */
	bool is_start;     /* what called main, and will go on when it has returned */
};

/* address: inside the instruction; pc: what is shown as its place. */
int dwarf_lines_read(struct dwarf_module *module, uint64_t address, uint64_t pc,
		     struct dwarf_lines *ret);
void dwarf_lines_done(struct dwarf_lines *lines);

/* Whether the module has debug information. */
bool dwarf_lines_has(const struct dwarf_module *module);

#endif
