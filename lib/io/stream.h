/* A way to a peer: bytes out, bytes in.  Plain (a descriptor), or one that wraps another:
 * TLS.  Nothing blocks.
 *
 * Five methods: read, write, shutdown, close, name.  What a stream waits for is not always
 * what its user wants (TLS may have to write before it can read), and bytes may be there
 * although the descriptor has none.  Therefore, before you wait:
 *
 *	if (!stream_has_pending(stream))
 *		poll stream_fd() for stream_events(stream, I want to read, to write)
 *
 * and after any event try what you want, until -EAGAIN. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/error.h>
#include <sonde/stream.h>

struct stream;

struct stream_kind {
	const char *name; /* "plain", "tls" */
	ssize_t (*read)(struct stream *stream, void *bytes, size_t n);
	ssize_t (*write)(struct stream *stream, const void *bytes, size_t n);
	int (*shutdown)(struct stream *stream);
	void (*close)(struct stream *stream);
};

/* The first member of every kind's own struct. */
struct stream {
	const struct stream_kind *kind;
	int fd; /* to be polled */
	/* Where write_wants is to be polled: fd, but of a pair; -1: a pair's that is shut. */
	int write_fd;
	/* What a read or write that said -EAGAIN waits for: POLLIN, POLLOUT (whose values
	 * are epoll's, too). */
	uint32_t read_wants, write_wants;
	size_t pending; /* bytes that a read has at once, whatever the descriptor says */
	bool is_bare;   /* its descriptors carry its very bytes, and may be spliced */
	bool is_datagram; /* a write is a datagram, a read another; an empty one reads 0 */
	/* The last failure in words that an errno does not have; "" none.  May hold bytes
	 * of the network: escape it. */
	char trouble[160];
};

/* Takes fd, which does not block.  NULL without memory: then fd is still the caller's. */
struct stream *stream_new_plain(int fd, bool is_datagram);

/* The same of one peer's datagrams: fd is connected to it, and takes nothing of others; what
 * they sent before it was connected is dropped.  queue_fd (-1 none; taken): a socket to which
 * the peer's first datagrams came, with those of others; they are read first, and nothing
 * is added to them any more.  NULL without memory: then both are still the caller's. */
struct stream *stream_new_datagrams(int fd, int queue_fd, const void *peer,
				    size_t length);

/* Two descriptors, which do not block: what comes is read from the one, what goes is written
 * to the other, and its end told by closing that.  SIGPIPE should be ignored. */
struct stream *stream_new_pair(int read_fd, int write_fd);

/* > 0: so many bytes; 0: the peer sends no more; -EAGAIN, or what went wrong.  An end of
 * TLS that was not announced, which may be somebody's cut, is -ECONNABORTED. */
ssize_t stream_read(struct stream *stream, void *bytes, size_t n);
/* How many were taken, which may be fewer; never SIGPIPE.  After -EAGAIN of TLS the same
 * bytes must come again (at any place, and more behind them). */
ssize_t stream_write(struct stream *stream, const void *bytes, size_t n);
/* No more will be written; reading goes on.  0, -EAGAIN (call again), or:
 * -EOPNOTSUPP where the protocol has no half-close (before TLS 1.3 a peer would drop what
 * it still had to say): then the end is told by closing. */
int stream_shutdown(struct stream *stream);
/* Closes, and frees; also those below.  NULL is fine. */
void stream_close(struct stream *stream);

static inline int stream_fd(const struct stream *stream)
{
	return stream->fd;
}

static inline bool stream_has_pending(const struct stream *stream)
{
	return stream->pending > 0;
}

/* POLLIN, POLLOUT. */
uint32_t stream_events(const struct stream *stream, bool reading, bool writing);

#endif
