/* Bytes from one end to another.
 *
 * A direction reads into the listener's one scratch buffer and writes from there; only
 * what the other end does not take now is kept, in a buffer of its own, and then nothing
 * more is read.  So an idle client costs no buffer, and a slow one a single one.  What comes
 * in large pieces, and nobody wants to see, the kernel moves (splice.c).
 *
 * An end is passed on when all before it has been.  When nothing can be written to an end
 * any more, its own bytes still come: that direction goes on until it ends by itself, and
 * what is for nobody any more is read and dropped. */
#include "talk/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* From pieces of this size on it pays to move them without a copy: less than half of the
 * time of a relay.  Below, the detour through a pipe costs more than the copy. */
enum { BULK_BYTES = 1 << 15 };

int end_open(struct end *end, struct caller *client, struct stream *stream)
{
	struct loop *loop = client->listener->loop;
	int slot = loop_add(loop, KIND_END, stream_fd(stream), 0, end);
	int write_slot = -1;

	if (slot >= 0 && stream->write_fd != stream->fd) {
		write_slot =
			loop_add(loop, KIND_END_WRITE, stream->write_fd, EPOLLET, end);
		if (write_slot < 0) {
			end->client = client;
			client->refs++;
			loop_close(loop, slot);
			slot = write_slot;
		}
	}
	if (slot < 0) {
		stream_close(stream);
		return slot;
	}
	end->stream = stream;
	end->slot = slot;
	end->write_slot = write_slot;
	end->client = client;
	end->watched = 0;
	client->refs += write_slot >= 0 ? 2 : 1;
	return 0;
}

static void stop_writing(struct end *end)
{
	if (end->write_slot >= 0)
		loop_close(end->client->listener->loop, end->write_slot);
	end->write_slot = -1;
}

void end_close(struct end *end)
{
	if (!end->stream)
		return;
	stop_writing(end);
	loop_close(end->client->listener->loop, end->slot);
	stream_close(end->stream);
	end->stream = NULL;
	end->slot = -1;
}

static void count(struct end *from, const void *bytes, size_t n)
{
	struct caller *client = from->client;

	if (from == &client->near)
		caller_count_received(client, bytes, n);
	else
		caller_count_sent(client, bytes, n);
}

static void let_go(struct end *from)
{
	if (from->kept)
		listener_give_buffer(from->client->listener, from->kept);
	from->kept = NULL;
	from->keeps = false;
	from->kept_at = from->kept_used = 0;
}

static int keep(struct end *from, const uint8_t *bytes, size_t n)
{
	from->kept = listener_take_buffer(from->client->listener);
	if (!from->kept)
		return -ENOMEM;
	memcpy(from->kept, bytes, n);
	from->kept_at = 0;
	from->kept_used = n;
	from->keeps = true;
	return 0;
}

/* Writes as much as is taken.  0: all; -EAGAIN: some are left at *at; or -errno. */
static int write_all(struct end *to, const uint8_t *bytes, size_t *at, size_t n)
{
	do {
		ssize_t written = stream_write(to->stream, bytes + *at, n - *at);

		/* A datagram that the other side has no room or no ear for is lost, as
		 * datagrams are. */
		if (written < 0 && written != -EAGAIN && to->stream->is_datagram)
			return 0;
		if (written < 0)
			return (int)written;
		*at += (size_t)written;
	} while (*at < n);
	return 0;
}

void pump_break(struct end *from, struct end *to)
{
	to->is_broken = true;
	stop_writing(to);
	let_go(from);
}

static bool is_gone(int error)
{
	return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN;
}

static int pass_end(struct end *to)
{
	int r;

	if (to->was_told || to->is_broken)
		return 0;
	stop_writing(to);
	r = stream_shutdown(to->stream);
	if (r == -EAGAIN)
		return r;
	to->was_told = true;
	to->heard_it = r == 0;
	/* Without a half-close the end is told by closing, when all is over. */
	return r == -EOPNOTSUPP || r == -ENOTCONN ? 0 : r;
}

static int write_kept(struct end *from, struct end *to, struct end **ret_failed)
{
	size_t at = from->kept_at;
	int r = write_all(to, from->kept, &at, from->kept_used);

	count(from, from->kept + from->kept_at, at - from->kept_at);
	from->kept_at = at;
	if (r == 0) {
		let_go(from);
	} else if (is_gone(r)) {
		pump_break(from, to);
		r = 0;
	} else if (r != -EAGAIN) {
		*ret_failed = to;
	}
	return r;
}

/* Whether the kernel may move what comes in large pieces by itself. */
static bool is_spliced(const struct end *from, const struct end *to)
{
	return from->is_bulky && from->stream->is_bare && to->stream->is_bare &&
	       !from->client->listener->options.wants_bytes;
}

/* Turns to reading where it cannot be done. */
static int splice_some(struct end *from, struct end *to, struct end **ret_failed)
{
	struct sonde_listener *listener = from->client->listener;
	struct splice_result result;
	int kept;

	if (!splice_once(&listener->splicing, stream_fd(from->stream),
			 to->stream->write_fd, listener->scratch, LIMIT_TALK_BYTES,
			 &result) ||
	    result.from_error == -EINVAL) {
		from->is_bulky = from->stream->is_bare = false;
		return 0;
	}
	*ret_failed = from;
	if (result.from_error < 0)
		return result.from_error;
	from->has_ended = result.has_ended;
	from->is_bulky = result.moved + result.left >= BULK_BYTES;
	count(from, NULL, result.moved);
	if (is_gone(result.to_error)) {
		pump_break(from, to);
		return 0;
	}
	if (result.left > 0) {
		kept = keep(from, listener->scratch, result.left);
		if (kept < 0)
			return kept;
	}
	if (result.to_error == -EINVAL) { /* it takes bytes only by being written to */
		to->stream->is_bare = false;
		return -EAGAIN;
	}
	if (result.to_error < 0 && result.to_error != -EAGAIN)
		*ret_failed = to;
	return result.to_error;
}

static int read_once(struct end *from, struct end *to, struct end **ret_failed)
{
	uint8_t *bytes = from->client->listener->scratch;
	ssize_t got = stream_read(from->stream, bytes, LIMIT_TALK_BYTES);
	size_t at = 0;
	int r;

	from->is_bulky = got >= BULK_BYTES;

	if (got < 0) {
		*ret_failed = from;
		return (int)got;
	}
	if (got == 0 && !from->stream->is_datagram) {
		from->has_ended = true;
		return 0;
	}
	r = write_all(to, bytes, &at, (size_t)got);
	count(from, bytes, at);
	if (r == -EAGAIN) {
		int kept = keep(from, bytes + at, (size_t)got - at);

		*ret_failed = from;
		return kept < 0 ? kept : -EAGAIN;
	}
	if (is_gone(r)) {
		pump_break(from, to);
		return 0;
	}
	if (r < 0)
		*ret_failed = to;
	return r;
}

/* Of bytes that lie unread the kernel makes a reset when the end is closed, which may
 * destroy what that end has not read yet. */
static int read_away(struct end *from, struct end **ret_failed)
{
	uint8_t *bytes = from->client->listener->scratch;
	ssize_t got = stream_read(from->stream, bytes, LIMIT_TALK_BYTES);

	*ret_failed = from;
	if (got > 0)
		from->wastes = true;
	from->has_ended = got == 0 && !from->stream->is_datagram;
	return got < 0 ? (int)got : 0;
}

int pump(struct end *from, struct end *to, struct end **ret_failed)
{
	int r = 0;

	if (from->keeps && !to->is_broken)
		r = write_kept(from, to, ret_failed);
	for (int i = 0; r == 0 && i < LIMIT_LISTEN_ROUNDS && !from->has_ended; i++)
		r = to->is_broken          ? read_away(from, ret_failed)
		    : is_spliced(from, to) ? splice_some(from, to, ret_failed)
					   : read_once(from, to, ret_failed);
	if (r == 0 && from->has_ended && !from->keeps) {
		r = pass_end(to);
		if (is_gone(r)) {
			to->is_broken = true;
			r = 0;
		}
		*ret_failed = to;
	}
	return r == -EAGAIN ? 0 : r;
}

bool pump_is_over(const struct end *from, const struct end *to)
{
	return to->is_broken || (from->has_ended && !from->keeps && to->was_told);
}

void pump_datagram(struct end *from, struct end *to, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	/* While another one waits it is lost, as datagrams are. */
	if (from->keeps || to->is_broken)
		return;
	if (write_all(to, bytes, &at, n) == -EAGAIN)
		(void)keep(from, bytes, n);
	else
		count(from, bytes, n);
}
