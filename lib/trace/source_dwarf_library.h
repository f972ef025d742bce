/* Which code is a language's own: the standard libraries of Go and Rust, which are linked
 * into each program, with lines, and lie in no folder of the system. */
#ifndef TRACE_SOURCE_DWARF_LIBRARY_H
#define TRACE_SOURCE_DWARF_LIBRARY_H

#include <elfutils/libdw.h>

#include "trace/source_dwarf_modules.h"

/* By the path of the file, with the folder in which the unit was compiled. */
bool dwarf_library_has_file(struct dwarf_module *module, Dwarf_Die *unit,
			    const char *file);

/* The same, of a file of Go and one of Rust.  root: where the program has Go's sources. */
bool dwarf_library_is_go(const char *root, const char *file);
bool dwarf_library_is_rust(const char *file);

/* By the name of a symbol that has no line. */
bool dwarf_library_has_symbol(const char *name);

/* Whether what is outside of this function cannot be told from its frame: Go changes
 * stacks there, and the return address is one of the stack that was left. */
bool dwarf_library_is_outermost(Dwarf_Die *unit, const char *function);

#endif
