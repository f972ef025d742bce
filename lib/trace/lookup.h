/* Asking the kernel what stands behind a descriptor of a traced process. */
#ifndef TRACE_LOOKUP_H
#define TRACE_LOOKUP_H

#include "trace/state.h"

/* A copy of the descriptor, which the caller closes before the program goes on.  -EBADF:
 * nothing is open under that number; any other negative errno: it cannot be told. */
int lookup_copy(struct tracer *tracer, struct process *process, int fd);

/* The number of the socket that the copy is, known or new; 0 where it is none. */
uint32_t lookup_socket(struct tracer *tracer, const struct process *process, int fd,
		       int copy, bool is_inherited, uint32_t accepted_by);

/* Both addresses, as far as it has them, and whether it listens. */
void lookup_state(int copy, struct sonde_socket *ret);

#endif
