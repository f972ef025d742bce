/* Pipes and FIFOs of the traced programs. */
#ifndef TRACE_PIPE_H
#define TRACE_PIPE_H

#include "trace/state.h"

/* The number of the end of a pipe that the copy is, known or new; 0: it is none, or one
 * that leads out of the traced programs. */
uint32_t pipe_find(struct tracer *tracer, const struct process *process, int fd,
		   int copy);
/* The two are ends of one another; 0 is none. */
void pipe_link(struct tracer *tracer, uint32_t a, uint32_t b);

#endif
