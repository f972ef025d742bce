/* Whether a program can be executed, asked before anything is started. */
#ifndef RECORD_FIND_PROGRAM_H
#define RECORD_FIND_PROGRAM_H

#include <sonde/error.h>

/* As execvp(3) would search for name in path (the value of PATH; NULL: its default).
 * 0, SONDE_TRACE_NOT_FOUND or SONDE_TRACE_NOT_EXECUTABLE. */
int find_program(const char *name, const char *path, struct sonde_error *err);

#endif
