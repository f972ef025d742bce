/* Whether a thread slept in a call, as the scheduler's own counters tell. */
#ifndef TRACE_SLEEP_H
#define TRACE_SLEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero-initialised. */
struct sleep_watch {
	pid_t tid;
	int runs_fd, switches_fd; /* + 1; 0: not kept open; -1: cannot be opened */
	bool is_entered;
	uint64_t runs;     /* how often it got a processor, at the entry */
	int64_t preempted; /* how often it lost one, as last read; valid after the first */
	bool has_preempted;
};

/* The thread is stopped before the call. */
void sleep_enter(struct sleep_watch *watch, pid_t tid);
/* It is stopped after it: SONDE_CALL_STAYED, SONDE_CALL_SLEPT, or 0 where that cannot be
 * told, or sleep_enter() was not called for it. */
uint8_t sleep_return(struct sleep_watch *watch);
void sleep_done(struct sleep_watch *watch);

#endif
