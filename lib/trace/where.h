/* Where in its source a stopped thread is, as the number of a stack that has been fed. */
#ifndef TRACE_WHERE_H
#define TRACE_WHERE_H

#include "trace/state.h"

/* 0: no line.  The first time for a process, finds out whether its language has a reader.
 */
uint32_t where_stack(struct tracer *tracer, struct process *process, pid_t tid);
/* The process runs another image now. */
void where_forget(struct process *process);

#endif
