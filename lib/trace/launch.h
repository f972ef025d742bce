/* Starting a program that is traced from its first instruction. */
#ifndef TRACE_LAUNCH_H
#define TRACE_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* The signals that the tracer's process takes for itself: programs must have them as the
 * user's shell set them. */
enum { LAUNCH_SIGNALS = 6 };

struct launch_signals {
	sigset_t mask; /* of the programs */
	struct sigaction before[LAUNCH_SIGNALS];
};

/* Takes INT, QUIT, TERM and HUP (not ended by them), PIPE (ignored) and ALRM (a tick). */
void launch_take_signals(struct launch_signals *signals, void (*on_tick)(int signal));

struct launched {
	pid_t pid;
	int error_fd; /* says why the program could not be executed; owned */
};

/* Forks a process that runs arguments (as execvp) once it is traced and filtered; this
 * returns when it is traced.  0 or a negative errno. */
int launch(char *const *arguments, bool stdout_to_stderr,
	   const struct launch_signals *signals, struct launched *ret);

/* After the process has ended: 0 where it was executed; the errno of the exec, positive;
 * or a negative one, where it could not even be prepared. */
int launch_error(struct launched *launched);

#endif
