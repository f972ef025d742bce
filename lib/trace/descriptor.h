/* Descriptors of the traced processes: which of them are sockets, and which sockets. */
#ifndef TRACE_DESCRIPTOR_H
#define TRACE_DESCRIPTOR_H

#include "trace/state.h"

/* The socket behind a descriptor, 0 where it is none; looks it up at its first use. */
uint32_t descriptor_socket(struct tracer *tracer, struct process *process, int fd);
/* As descriptor_socket(), but what was never looked at is not looked at now: for closes,
 * where a second descriptor, however short, must not hold the socket. */
uint32_t descriptor_known_socket(struct process *process, int fd);
/* Whether anybody still holds the socket, as far as is known. */
bool descriptor_is_open(const struct traced_socket *socket);
/* The number of the epoll instance behind a descriptor, 0 where it is none. */
uint32_t descriptor_epoll(struct process *process, int fd);

/* The call made a descriptor: of a new socket, of an instance, or of something. */
uint32_t descriptor_opened(struct tracer *tracer, struct process *process, int fd,
			   uint32_t accepted_by);
void descriptor_opened_epoll(struct tracer *tracer, struct process *process, int fd);
/* Something may have come under a number that was none: look again at the next use. */
void descriptor_forget(struct process *process, int fd);
/* The close has returned: whatever is opened under that number next is looked at. */
void descriptor_freed(struct process *process, const struct syscall *syscall,
		      const uint64_t arguments[6]);
/* A message brought it: whatever was known under that number is gone.  The socket, or
 * 0. */
uint32_t descriptor_arrived(struct tracer *tracer, struct process *process, int fd);
/* A reference that travelled in a message does so no more. */
void descriptor_landed(struct tracer *tracer, uint32_t socket, uint32_t call);
/* fd `to` now stands for what `from` stands for. */
void descriptor_copied(struct tracer *tracer, struct process *process, int from, int to);

/* The call closed it, or all of [first, last].  Of a socket whose last reference that was,
 * the call is closed_by now. */
void descriptor_closed(struct tracer *tracer, struct process *process, int fd,
		       uint32_t call);
void descriptor_closed_range(struct tracer *tracer, struct process *process,
			     unsigned first, unsigned last, uint32_t call);
/* All that it has, where no other process shares them. */
void descriptor_closed_all(struct tracer *tracer, struct process *process, uint32_t call);
/* The first socket among the known descriptors in [first, last], or 0. */
uint32_t descriptor_first_socket(struct process *process, unsigned first, unsigned last);

/* Whether the end of the process closes a socket, or the last of an end of a pipe. */
bool descriptor_end_closes(struct tracer *tracer, const struct process *process);
/* Whether this descriptor is the last one of its end of a pipe. */
bool descriptor_is_last(struct tracer *tracer, uint32_t socket);

/* A child has all that its parent has. */
void descriptor_inherit(struct tracer *tracer, const struct process *parent,
			struct process *child);
/* After an exec: what is open no more is closed by that call. */
void descriptor_check_exec(struct tracer *tracer, struct process *process,
			   uint32_t (*closing_call)(struct tracer *tracer,
						    struct process *process,
						    uint32_t socket));

/* Asks the kernel for a socket's addresses anew and feeds what has changed.  The peer that
 * it had is kept where the kernel names none, unless it is known to have a new one. */
void descriptor_refresh(struct tracer *tracer, struct process *process, int fd,
			bool has_new_peer);

#endif
