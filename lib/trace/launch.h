/* Starting a program that is traced from its first instruction. */
#ifndef TRACE_LAUNCH_H
#define TRACE_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* What the tracer's process changes for itself: programs must have it as the user's shell
 * set it. */
struct launch_state {
	sigset_t mask;                /* of the programs */
	struct sigaction pipe, alarm; /* SIGPIPE, SIGALRM */
	struct rlimit files;
};

/* Readies this process: signals are blocked, so that none that is meant for the programs
 * (a Ctrl-C, a kill of the group) ends it; but SIGALRM, the tick.  As many descriptors as
 * may be had: each traced process takes one.  mask is kept for the programs. */
void launch_prepare(struct launch_state *state, const sigset_t *mask,
		    void (*on_tick)(int signal));

struct launched {
	pid_t pid;
	int error_fd; /* says why the program could not be executed; owned */
};

/* Forks a process that runs arguments (as execvp) once it is traced and filtered; this
 * returns when it is traced.  0 or a negative errno. */
int launch(char *const *arguments, bool stdout_to_stderr,
	   const struct launch_state *state, struct launched *ret);

/* After the process has ended: 0 where it was executed; the errno of the exec, positive;
 * or a negative one, where it could not even be prepared. */
int launch_error(struct launched *launched);

#endif
