/* What a program is called by those who wrote it. */
#ifndef IO_PROGRAM_NAME_H
#define IO_PROGRAM_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* The script where an interpreter runs one ("client.py", of python3 client.py), or the
 * last part of the program's own name; "?" where there is none.  Points into the
 * arguments. */
const char *program_name(const char *const *arguments, size_t count);

/* Whether that is a script of a language with a runtime of its own (node, perl, ruby ...):
 * its lines are not those of the program that runs it. */
bool program_is_script(const char *const *arguments, size_t count);

#endif
