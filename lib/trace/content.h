/* What a call moved, as a number: tells which of several datagrams it was. */
#ifndef TRACE_CONTENT_H
#define TRACE_CONTENT_H

#include "trace/state.h"

/* The call is entered: notes which thread sends. */
void content_sends(struct tracer *tracer, const struct sonde_call *call);
/* Whether anybody will ask what the call moved, once it has returned. */
bool content_matters(struct tracer *tracer, const struct sonde_call *call);
/* The content_hash of what it moved; 0: it is not to be had.  Of several messages that of
 * the first, where it was received. */
uint64_t content_read(const struct task *task, const struct syscall *syscall);

#endif
