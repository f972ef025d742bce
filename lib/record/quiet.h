/* Writes whose failure is an errno and no signal: a library must not die of SIGPIPE or
 * SIGXFSZ, nor change what the program does with them. */
#ifndef RECORD_QUIET_H
#define RECORD_QUIET_H

#include <signal.h>

struct quiet {
	sigset_t before;     /* the thread's mask */
	sigset_t were_there; /* pending already: somebody else's */
};

/* Between the two, this thread gets neither signal. */
void quiet_begin(struct quiet *quiet);
void quiet_end(struct quiet *quiet);

#endif
