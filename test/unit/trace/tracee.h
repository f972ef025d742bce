/* Programs for tests to look at: started, stopped at marked system calls, continued. */
#ifndef TEST_TRACEE_H
#define TEST_TRACEE_H

#include <stdbool.h>
#include <sys/types.h>

/* Called when thread tid of process pid stands at the entry of a marked system call:
 * getppid, accept4, exit_group; and at the first one of all after an exec (number -1). */
typedef void tracee_mark(void *context, pid_t pid, pid_t tid, long number);

/* Runs the program until it and all its children have ended, at most for a minute.
 * Returns its wait status. */
int tracee_run(char *const arguments[], tracee_mark *mark, void *context);

#endif
