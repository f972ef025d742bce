/* Streams: the plain one, the pair, and what all have in common. */
#include "io/stream.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"

static ssize_t plain_read(struct stream *stream, void *bytes, size_t n)
{
	ssize_t got;

	do {
		got = recv(stream->fd, bytes, n, 0);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static ssize_t plain_write(struct stream *stream, const void *bytes, size_t n)
{
	ssize_t sent;

	do {
		sent = send(stream->fd, bytes, n, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* A datagram socket has no end that it could tell. */
static int plain_shutdown(struct stream *stream)
{
	if (stream->is_datagram)
		return -EOPNOTSUPP;
	return shutdown(stream->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void plain_close(struct stream *stream)
{
	close(stream->fd);
	array_free(stream);
}

static const struct stream_kind plain_kind = {
	.name = "plain",
	.read = plain_read,
	.write = plain_write,
	.shutdown = plain_shutdown,
	.close = plain_close,
};

struct stream *stream_new_plain(int fd, bool is_datagram)
{
	struct stream *stream = array_new(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->kind = &plain_kind;
	stream->fd = stream->write_fd = fd;
	stream->is_datagram = is_datagram;
	stream->is_bare = !is_datagram;
	stream->read_wants = POLLIN;
	stream->write_wants = POLLOUT;
	return stream;
}

/* --- one peer's datagrams */

struct datagrams {
	struct stream stream;
	int queue_fd; /* -1: read to its end */
	struct sockaddr_storage peer;
	socklen_t length;
};

static ssize_t receive_from(const struct datagrams *it, int fd, void *bytes, size_t n)
{
	for (;;) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		ssize_t got =
			recvfrom(fd, bytes, n, 0, (struct sockaddr *)&from, &length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (length == it->length && memcmp(&from, &it->peer, length) == 0)
			return got;
	}
}

static ssize_t datagrams_read(struct stream *stream, void *bytes, size_t n)
{
	struct datagrams *it = (struct datagrams *)stream; /* its first member */

	if (it->queue_fd >= 0) {
		ssize_t got = receive_from(it, it->queue_fd, bytes, n);
		if (got >= 0)
			return got;
		close(it->queue_fd);
		it->queue_fd = -1;
		stream->pending = 0;
	}
	return receive_from(it, stream->fd, bytes, n);
}

static void datagrams_close(struct stream *stream)
{
	struct datagrams *it = (struct datagrams *)stream;

	if (it->queue_fd >= 0)
		close(it->queue_fd);
	plain_close(stream);
}

static const struct stream_kind datagrams_kind = {
	.name = "datagrams",
	.read = datagrams_read,
	.write = plain_write,
	.shutdown = plain_shutdown,
	.close = datagrams_close,
};

/* Who sends fast could keep it from its end for ever. */
static void let_nothing_in(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = {.len = 1, .filter = &drop};

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

struct stream *stream_new_datagrams(int fd, int queue_fd, const void *peer, size_t length)
{
	struct datagrams *it = array_new(1, sizeof(*it));

	if (!it)
		return NULL;
	it->stream.kind = &datagrams_kind;
	it->stream.fd = it->stream.write_fd = fd;
	it->stream.is_datagram = true;
	it->stream.read_wants = POLLIN;
	it->stream.write_wants = POLLOUT;
	it->queue_fd = queue_fd;
	if (queue_fd >= 0) {
		let_nothing_in(queue_fd);
		it->stream.pending = 1; /* so that it is read unasked */
	}
	memcpy(&it->peer, peer, length);
	it->length = (socklen_t)length;
	return &it->stream;
}

/* --- a pair */

static ssize_t pair_read(struct stream *stream, void *bytes, size_t n)
{
	ssize_t got;

	do {
		got = read(stream->fd, bytes, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static ssize_t pair_write(struct stream *stream, const void *bytes, size_t n)
{
	ssize_t written;

	do {
		written = write(stream->write_fd, bytes, n);
	} while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : written;
}

static int pair_shutdown(struct stream *stream)
{
	if (stream->write_fd >= 0)
		close(stream->write_fd);
	stream->write_fd = -1;
	return 0;
}

static void pair_close(struct stream *stream)
{
	pair_shutdown(stream);
	close(stream->fd);
	array_free(stream);
}

static const struct stream_kind pair_kind = {
	.name = "pair",
	.read = pair_read,
	.write = pair_write,
	.shutdown = pair_shutdown,
	.close = pair_close,
};

struct stream *stream_new_pair(int read_fd, int write_fd)
{
	struct stream *stream = array_new(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->kind = &pair_kind;
	stream->fd = read_fd;
	stream->write_fd = write_fd;
	stream->is_bare = true;
	stream->read_wants = POLLIN;
	stream->write_wants = POLLOUT;
	return stream;
}

/* --- all */

ssize_t stream_read(struct stream *stream, void *bytes, size_t n)
{
	return stream->kind->read(stream, bytes, n);
}

ssize_t stream_write(struct stream *stream, const void *bytes, size_t n)
{
	return stream->kind->write(stream, bytes, n);
}

int stream_shutdown(struct stream *stream)
{
	return stream->kind->shutdown(stream);
}

void stream_close(struct stream *stream)
{
	if (stream)
		stream->kind->close(stream);
}

uint32_t stream_events(const struct stream *stream, bool reading, bool writing)
{
	return (reading ? stream->read_wants : 0) | (writing ? stream->write_wants : 0);
}
