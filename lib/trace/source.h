/* Where a stopped thread is in its source.  A reader looks from outside, by reading the
 * other process's memory; it never runs anything there.
 *
 * Every pointer that comes from the program is taken for what it is: a number that may be
 * stale or hostile.  A reader that is not sure answers "no line". */
#ifndef TRACE_SOURCE_H
#define TRACE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"

/* One frame; the strings belong to the reader and live until its next reading. */
struct source_frame {
	uint64_t code;   /* identifies the code object; of native code, the instruction */
	uint32_t offset; /* of the instruction in it; of native code, how many functions
			    were inlined into this one there */
	const char *file;     /* as the program knows it; NULL not known */
	const char *function; /* "symbol+0x12" where the line is not known; NULL */
	int line;             /* 0 not known */
	bool is_system;       /* standard library or system module */
};

struct source_stack {
	unsigned count;
	bool is_cut;
	struct source_frame frames[LIMIT_STACK_DEPTH]; /* innermost first */
};

/* What is known of one process; made at its first socket call, dropped at exec and exit.
 */
struct source_python;
struct source_dwarf;

enum source_found {
	SOURCE_NOT_MINE = 0, /* this process is no CPython */
	SOURCE_READY = 1,
	SOURCE_UNKNOWN_VERSION = 2, /* CPython, of a layout that is not in the table */
};

/* Looks whether process pid is a CPython (a mapped file whose dynamic symbols hold
 * _PyRuntime, or Py_GetVersion).  *ret is set for READY only; version[] ("Python 3.11.2", before 3.11 no
 * more than "Python 3.10") for READY and UNKNOWN_VERSION. */
enum source_found source_python_open(pid_t pid, struct source_python **ret,
				     char version[32]);
void source_python_free(struct source_python *python);

/* The stack of thread tid, which must be stopped.  Returns 0, or -ENOENT: no Python frame
 * (the interpreter is starting, ending, or the thread is not its own), or -EFAULT: what
 * was read did not make sense. */
int source_python_read(struct source_python *python, pid_t tid, struct source_stack *ret);

/* The reader of native code, for any process.  *ret_has_lines: the program itself has
 * debug information.  0, or a negative errno: its memory map is out of reach. */
int source_dwarf_open(pid_t pid, struct source_dwarf **ret, bool *ret_has_lines);
void source_dwarf_free(struct source_dwarf *dwarf);
/* Grows whenever the process turns out to have loaded or dropped something. */
uint32_t source_dwarf_maps(const struct source_dwarf *dwarf);

/* The stack of thread tid, which must be stopped in a system call, out to main().  The
 * innermost frame that is not marked as the system's is the statement.  Returns 0, or a
 * negative errno. */
int source_dwarf_read(struct source_dwarf *dwarf, pid_t tid, struct source_stack *ret);

/* The text of a line of a source file as the process would open it (its root and working
 * directory), without indent and line end, at most LIMIT_SOURCE_LINE bytes, invalid UTF-8
 * replaced.  Reads regular files only; remembers nothing.  0, or a negative errno. */
int source_text_read(pid_t pid, const char *file, int line,
		     char ret[LIMIT_SOURCE_LINE + 1]);

#endif
