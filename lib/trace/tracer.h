/* The tracer's process: starts the programs, follows every thread of theirs, and feeds
 * what it sees until all have ended. */
#ifndef TRACE_TRACER_H
#define TRACE_TRACER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Within this of a call's entry, whether it blocked is not known: between the stamp and
 * the kernel's own code lie a context switch and the caller's way in. */
#define TRACER_MARGIN_NS INT64_C(50000)

struct tracer_options {
	char *const *arguments; /* the main program */
	const char *const *with;
	size_t with_count;
	bool isolate;
	bool stdout_to_stderr;
	bool pin;
	bool no_lines;
	sigset_t program_mask;
	int feed_fd;    /* records go here */
	int control_fd; /* a SOCK_SEQPACKET socket: the ring goes out, commands come in */
};

/* What the other side may ask for, one message each. */
enum tracer_command {
	TRACER_SIGNAL = 1, /* pass a signal to the programs of the command line */
	TRACER_STOP,       /* end everything now */
};

struct tracer_message {
	int32_t command; /* enum tracer_command */
	int32_t signal;
};

/* The first message to the other side: 0 and the descriptor of the packet ring, or the
 * negative errno for which there is none. */
struct tracer_ring_message {
	int32_t error;
};

/* Runs in a process that was forked for it; returns its exit status. */
int tracer_run(const struct tracer_options *options);

#endif
