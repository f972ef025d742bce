/* One system call of a traced thread, from its entry to its return. */
#ifndef TRACE_CALL_H
#define TRACE_CALL_H

#include "trace/state.h"

/* The task is stopped before the call.  Returns whether it is to be stopped when it comes
 * out (task->syscall is set then). */
bool call_enter(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		const uint64_t arguments[6]);
/* The task has come out of task->syscall. */
void call_return(struct tracer *tracer, struct task *task, int64_t result);

/* Marks the call where it dropped the last reference to its own socket. */
void call_flag_last_reference(struct tracer *tracer, struct sonde_call *call);

/* A call that no system call stands for: the end of a process by a signal, an exec that
 * closes.  It enters now; feed_return() tells when it is over. */
struct sonde_call call_made_up(struct tracer *tracer, const struct process *process,
			       uint32_t tid, enum sonde_call_kind kind, const char *name,
			       uint32_t socket);

#endif
