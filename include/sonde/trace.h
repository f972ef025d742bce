/* Run programs, record their socket calls and packets.
 *
 *	struct sonde_trace *trace;
 *	sonde_trace_start(&options, &trace, &error);
 *	while (sonde_trace_wait(trace, signal_fd, &error) > 0)
 *		...  a signal came: sonde_trace_signal() ...
 *	recording = sonde_trace_recording(trace);
 *	... build and show the timeline ...
 *	sonde_trace_save(trace, &timeline, &error);  (where a capture file is wanted)
 *	sonde_trace_free(trace);
 *
 * The tracer is a process of its own, so that the caller's children, namespaces and
 * signals are not touched.  When the caller dies, tracer and programs die too.  The kernel
 * takes the thread that called sonde_trace_start() for the caller here: it has to live
 * until sonde_trace_wait() has returned 0, or its end is that of the run.
 */
#ifndef SONDE_TRACE_H
#define SONDE_TRACE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/recording.h>
#include <sonde/timeline.h>

struct sonde_trace_options {
	char *const
		*arguments; /* the main program, NULL-terminated, as execvp(3) wants it */
	const char *const *with; /* shell command lines that start before it, in order */
	size_t with_count;
	const char *path; /* where programs are searched, as in PATH; NULL: the default */
	bool isolate;     /* in a network namespace of their own; no privilege needed */
	/* pcapng; NULL none.  A pipe needs its reader at the start; it is written without
	 * waiting, so that a slow one holds nothing up. */
	const char *capture_path;
	bool stdout_to_stderr; /* the programs' standard output */
	bool pin;              /* tracer and programs on one processor */
	bool no_lines;         /* calls and packets alone */
	/* The signals that are blocked in the programs at first; NULL: those that the
	 * caller has blocked now.  A caller that blocks some for a signalfd before it
	 * starts the programs gives what was there before that. */
	const sigset_t *signal_mask;
};

enum {
	SONDE_TRACE_NOT_EXECUTABLE = -4096, /* exit status 126 */
	SONDE_TRACE_NOT_FOUND = -4097,      /* exit status 127 */
};

struct sonde_trace;

/* Starts the programs.  Returns 0, SONDE_TRACE_NOT_FOUND, SONDE_TRACE_NOT_EXECUTABLE, or
 * a negative errno; then nothing runs. */
SONDE_API int sonde_trace_start(const struct sonde_trace_options *options,
				struct sonde_trace **ret, struct sonde_error *err);

/* Records until the programs have ended (returns 0), or also_fd (-1 none) is readable
 * (1). A negative errno: the tracer failed; what was recorded until then can be shown. */
SONDE_API int sonde_trace_wait(struct sonde_trace *trace, int also_fd,
			       struct sonde_error *err);

/* Passes a signal on to the programs that sonde started.  -EAGAIN: the tracer is behind
 * with those before; nothing waits for it. */
SONDE_API int sonde_trace_signal(struct sonde_trace *trace, int signal);
/* Ends all programs now; sonde_trace_wait() then soon returns 0 (an error where the
 * tracer itself had to be ended, because it did not listen any more). */
SONDE_API void sonde_trace_stop(struct sonde_trace *trace);

/* As waitpid(2) gave it, of the main program; -1 while it is not known. */
SONDE_API int sonde_trace_status(const struct sonde_trace *trace);

/* Borrowed; sealed once sonde_trace_wait() has returned 0. */
SONDE_API struct sonde_recording *sonde_trace_recording(struct sonde_trace *trace);

/* Puts the calls into their places by time and adds a comment to each packet, by writing
 * the capture file anew beside itself and renaming.  The file is whole before, too.  What
 * cannot be replaced (a pipe, a device, an open file by its name in /dev or /proc, a file
 * of somebody whom it would not belong to then) stays as it is, and a note says why.
 * Sets the packets' frame numbers. */
SONDE_API int sonde_trace_save(struct sonde_trace *trace,
			       const struct sonde_timeline *timeline,
			       struct sonde_error *err);

SONDE_API void sonde_trace_free(struct sonde_trace *trace);

#endif
