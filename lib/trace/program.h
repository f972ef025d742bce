/* Program images: what runs in a process, and under which name people know it. */
#ifndef TRACE_PROGRAM_H
#define TRACE_PROGRAM_H

#include "trace/state.h"

/* A new image runs in the process: feeds it, and what must be said of it. */
void program_begin(struct tracer *tracer, struct process *process, uint32_t parent);
/* It ended: by an exec (replaced), or with a waitpid(2) status. */
void program_end(struct tracer *tracer, struct process *process, bool replaced,
		 int status);

#endif
