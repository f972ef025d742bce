/* Where received bytes go: a descriptor that may be shared with other processes, and of
 * any kind.  Writing to it does not block, although its flags are left as they are: a
 * pipe or a terminal is opened once more, a socket is asked call by call, and where
 * neither can be done a pipe gets no more than it certainly has room for.  Files do not
 * block. */
#ifndef TALK_OUTLET_H
#define TALK_OUTLET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct outlet {
	int fd; /* owned; -1: closed, or none */
	unsigned kind;
};

/* Takes fd; -1 is fine: what is written to it is gone. */
void outlet_open(struct outlet *outlet, int fd);
/* How many bytes were taken; -EAGAIN: poll outlet->fd for POLLOUT; or -errno. */
ssize_t outlet_write(struct outlet *outlet, const void *bytes, size_t n);
/* 0, or what the last writes had to say for themselves. */
int outlet_close(struct outlet *outlet);

/* A pipe's buffer, made larger where the system permits. */
void outlet_widen(int fd);

#endif
