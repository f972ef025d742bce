/* Descriptors that travel in messages of Unix sockets (SCM_RIGHTS).  Between the send and
 * the receive no process has them, and yet their sockets live. */
#ifndef TRACE_RIGHTS_H
#define TRACE_RIGHTS_H

#include <sys/socket.h>

#include "trace/state.h"

/* The call is about to send messages: what they carry is on its way from now on. */
void rights_enter(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		  const uint64_t arguments[6]);
/* It has sent this many of them, or failed (negative); what the others carry is not on
 * its way. */
void rights_sent(struct tracer *tracer, struct task *task, int64_t messages);
/* A message has come. */
void rights_received(struct tracer *tracer, struct task *task,
		     const struct msghdr *message);

#endif
