/* Bytes from one descriptor to another that this process does not look at: the kernel moves
 * them through a pipe, without a copy into our memory and one out of it.
 *
 * Many pairs of descriptors share the pipe, one after the other: it is empty between two
 * calls.  What the receiver does not take comes out as bytes. */
#ifndef TALK_SPLICE_H
#define TALK_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct splice_pipe {
	int fds[2];     /* owned; 0 0: not opened yet */
	bool is_absent; /* there is no descriptor for it */
};

void splice_pipe_done(struct splice_pipe *pipe);

struct splice_result {
	size_t moved;   /* bytes that `to` has taken */
	size_t left;    /* that it did not: in rest[0..left) */
	bool has_ended; /* `from` sends no more */
	int from_error; /* -errno, also -EAGAIN; -EINVAL: it cannot be spliced */
	int to_error;   /* the same of `to`, to which the rest cannot go */
};

/* Once, at most n bytes, for which rest has room.  False: there is no pipe, and nothing was
 * done.  SIGPIPE should be ignored. */
bool splice_once(struct splice_pipe *pipe, int from_fd, int to_fd, uint8_t *rest,
		 size_t n, struct splice_result *ret);

/* Straight, where one of the two is a pipe: how many bytes; 0 the end; -EAGAIN: one has
 * nothing, or the other no room; or -errno. */
ssize_t splice_straight(int from_fd, int to_fd, size_t n);

#endif
