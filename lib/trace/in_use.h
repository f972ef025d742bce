/* A bind() or listen() failed because somebody has the address: who it is.  A connect() was
 * refused: who is near the address. */
#ifndef TRACE_IN_USE_H
#define TRACE_IN_USE_H

#include "trace/state.h"

/* Of a call that failed with EADDRINUSE: sets task->call.holder, and feeds what it stands
 * for, where it is not known from a moment ago. */
void in_use_note(struct tracer *tracer, struct task *task, const struct syscall *syscall);
/* Of a connect that was refused: the same, where this machine refused it. */
void in_use_note_refused(struct tracer *tracer, struct task *task,
			 const struct syscall *syscall);

#endif
