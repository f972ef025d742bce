/* Python scripts whose stacks are read from outside at every marked call (tracee.h), and
 * held against what is expected and what the interpreter itself says when it is asked. */
#ifndef TEST_PYTHON_SCRIPT_H
#define TEST_PYTHON_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pythons.h"
#include "trace/source.h"

struct CMUnitTest;

enum { PROCESSES = 64, STACKS = 512, STACK_CHARS = 512 };

/* What one run of a program showed. */
struct run {
	struct {
		pid_t pid;
		enum source_found found;
		struct source_python *python;
		char version[32];
	} processes[PROCESSES];
	unsigned process_count;
	char stacks[STACKS][STACK_CHARS];
	unsigned count;
	bool marks_exits, marks_accepts, marks_start;
	unsigned depth; /* of the last stack */
	bool is_cut;
	int at_start;     /* what the reader said at the program's very first call */
	bool shows_lines; /* of system modules too */
};

extern struct run run;
extern const struct python *python; /* the one that is tested now */

/* Runs NAME, of this text, and fails the test where the interpreter's stacks cannot be read;
 * what was read stands in run. */
void script_run(const char *name, const char *text);
/* The same, whatever the reader says of the interpreter. */
void script_try(const char *name, const char *text);
/* Forgets what the last one showed; the second is the setup of a test. */
void script_drop(void);
int script_begin(void **state);
/* The script's stacks, in order; expected ends with NULL. */
void script_expect(const char *name, const char *text, const char *const *expected);

#define EXPECT(name, text, ...)                                                          \
	script_expect(name, text, (const char *const[]){__VA_ARGS__, NULL})

/* Reads the stack of what tracee_run() runs, into run. */
void script_look(void *context, pid_t pid, pid_t tid, long number);

/* Runs the tests with every interpreter whose stacks can be read (or with every other one),
 * with its version in front of each test's name.  Returns how many failed; 1 where there is
 * no interpreter at all. */
int script_test(const struct CMUnitTest *tests, size_t n, bool with_known);

#endif
