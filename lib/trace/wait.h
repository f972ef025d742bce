/* poll, select and epoll: which sockets a wait watches, and which it found ready. */
#ifndef TRACE_WAIT_H
#define TRACE_WAIT_H

#include "trace/state.h"

/* Fills task->watched and task->call (count, timeout, flags).  False where no socket is
 * among what it watches. */
bool wait_enter(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		const uint64_t arguments[6]);
/* Fills in what was ready. */
void wait_return(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		 int64_t result);

/* epoll_ctl has succeeded. */
void wait_epoll_changed(struct tracer *tracer, struct process *process, pid_t tid,
			const uint64_t arguments[6]);

#endif
