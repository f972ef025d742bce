/* Streams: the plain one, the pair, and what all have in common. */
#include "io/stream.h"

#include <errno.h>
#include <poll.h>
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
