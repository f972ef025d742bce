/* Bytes between two descriptors and a peer: each direction for itself. */
#include "talk/pipe.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "talk/encode.h"

/* --- to the peer */

void pipe_close_in(struct piping *piping)
{
	if (piping->in_fd >= 0)
		close(piping->in_fd);
	piping->in_fd = -1;
}

void pipe_break_sending(struct piping *piping, int error)
{
	piping->broken =
		session_fail(piping->session, "send to", error, &piping->broken_err);
	piping->sending.at = piping->sending.used = 0;
	piping->session->is_mid_chunk = false;
	piping->in_end = true;
	pipe_close_in(piping);
}

static int read_in(struct piping *piping)
{
	struct sonde_session *session = piping->session;
	bool is_datagram = session_is_datagram(session);
	bool is_plain = !encode_is_needed(session);
	size_t room = is_datagram ? LIMIT_TALK_DATAGRAM : LIMIT_TALK_BYTES;
	ssize_t got;

	do {
		got = read(piping->in_fd, is_plain ? piping->sending.bytes : piping->raw,
			   is_plain ? room : room / ENCODE_GROWS);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0)
		return sonde_error_set(piping->err, SONDE_ERROR_TROUBLE, -errno, "read",
				       "standard input", NULL);
	if (got == 0) {
		piping->in_end = true;
		piping->in_end_ns = clock_monotonic_ns();
		pipe_close_in(piping);
		return 0;
	}
	piping->sending.at = 0;
	piping->sending.used = is_plain ? (size_t)got
					: encode_sent(session, piping->raw, (size_t)got,
						      piping->sending.bytes);
	return 0;
}

/* in_fd has something: that nothing was moved means that the peer takes nothing. */
static int splice_in(struct piping *piping)
{
	ssize_t sent = session_splice_from(piping->session, piping->in_fd);

	piping->stream_waits = sent == -EAGAIN;
	if (sent > 0 || sent == -EAGAIN)
		return 0;
	if (sent == 0 || sent == -EINVAL) { /* the end; or it has to be read */
		piping->splices_in = false;
		return read_in(piping);
	}
	pipe_break_sending(piping, (int)sent);
	return 0;
}

int pipe_take_in(struct piping *piping)
{
	return piping->splices_in ? splice_in(piping) : read_in(piping);
}

void pipe_write_peer(struct piping *piping)
{
	struct sonde_session *session = piping->session;
	struct chunk *sending = &piping->sending;

	while (!chunk_is_empty(sending)) {
		ssize_t sent = session_write(session, sending->bytes + sending->at,
					     sending->used - sending->at);
		piping->stream_waits = sent == -EAGAIN;
		session->is_mid_chunk = true;
		if (sent == -EAGAIN)
			return;
		if (sent < 0) {
			pipe_break_sending(piping, (int)sent);
			return;
		}
		sending->at += (size_t)sent;
	}
	session->is_mid_chunk = false;
	/* Answers of telnet: between two chunks. */
	int flushed = session_flush(session);
	piping->stream_waits = flushed == -EAGAIN;
	if (flushed == -EAGAIN)
		return;
	if (flushed < 0) {
		pipe_break_sending(piping, flushed);
		return;
	}
	if (!piping->in_end || session->sent_end || piping->broken)
		return;
	int r = session_shutdown(session);
	piping->stream_waits = r == -EAGAIN;
	if (r < 0 && r != -EAGAIN)
		pipe_break_sending(piping, r);
}

/* --- from the peer */

int pipe_fail_out(struct piping *piping, int error)
{
	if (error == -EPIPE) {
		piping->out_is_gone = true;
		return 0;
	}
	sonde_error_set(piping->err, SONDE_ERROR_TROUBLE, error, "write",
			"standard output", NULL);
	sonde_error_hint(piping->err, "what was received is not complete");
	return error;
}

int pipe_write_out(struct piping *piping)
{
	struct chunk *receiving = &piping->receiving;

	while (!chunk_is_empty(receiving)) {
		ssize_t written =
			outlet_write(&piping->out, receiving->bytes + receiving->at,
				     receiving->used - receiving->at);
		piping->out_is_full = written == -EAGAIN;
		if (written == -EAGAIN)
			return 0;
		if (written < 0)
			return pipe_fail_out(piping, (int)written);
		receiving->at += (size_t)written;
	}
	if (!piping->out_ends)
		return 0;
	int r = outlet_close(&piping->out);
	return r < 0 ? pipe_fail_out(piping, r) : 0;
}

int pipe_end_receiving(struct piping *piping)
{
	if (piping->pipe->ends_with_peer) {
		piping->in_end = true;
		pipe_close_in(piping);
	}
	piping->receiving.at = 0;
	piping->receiving.used =
		encode_received_end(piping->session, piping->receiving.bytes);
	piping->out_ends = true;
	return pipe_write_out(piping);
}

/* A peer that closed in order and then refused what we sent (it did not read it) has said
 * all it had to say: whether the refusal overtakes the end is chance. */
static bool is_end_in_order(const struct piping *piping, ssize_t got)
{
	return got == -EPIPE && piping->in_end && chunk_is_empty(&piping->sending);
}

static int take_received(struct piping *piping, ssize_t got)
{
	struct sonde_session *session = piping->session;
	struct chunk *receiving = &piping->receiving;
	bool is_plain = !encode_received_is_needed(session, piping->pipe->escapes);

	if (got == -EAGAIN)
		return 0;
	if (got < 0 && !is_end_in_order(piping, got)) {
		if (!piping->broken)
			return session_fail(session, "receive from", (int)got,
					    piping->err);
		session->peer_end = true;
	} else if (got == -EPIPE) {
		session->peer_end = true;
	}
	if (session->peer_end)
		return pipe_end_receiving(piping);
	receiving->at = 0;
	receiving->used =
		is_plain ? (size_t)got
			 : encode_received(session, piping->raw, (size_t)got,
					   piping->pipe->escapes, receiving->bytes);
	return pipe_write_out(piping);
}

static int read_peer(struct piping *piping)
{
	bool is_plain =
		!encode_received_is_needed(piping->session, piping->pipe->escapes);

	return take_received(
		piping, session_read(piping->session,
				     is_plain ? piping->receiving.bytes : piping->raw,
				     is_plain ? LIMIT_TALK_BYTES : ENCODE_READ_BYTES));
}

/* The connection may say EPIPE, too. */
static bool has_no_reader(int fd)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* The peer has said something: that nothing was moved means that out_fd has no room, or
 * nobody reads there. */
static int splice_out(struct piping *piping)
{
	ssize_t got = session_splice_to(piping->session, piping->out.fd);

	piping->out_is_full = got == -EAGAIN;
	if (got > 0 || got == -EAGAIN)
		return 0;
	if (got == -EPIPE && has_no_reader(piping->out.fd))
		return pipe_fail_out(piping, -EPIPE);
	if (got == -EINVAL) { /* it has to be read */
		piping->splices_out = false;
		return 0;
	}
	return take_received(piping, got);
}

int pipe_take_peer(struct piping *piping)
{
	return piping->splices_out ? splice_out(piping) : read_peer(piping);
}

/* --- how */

static bool is_pipe(int fd)
{
	struct stat about;

	return fd >= 0 && fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode);
}

/* Where neither side has another form, and nobody wants to see the bytes. */
void pipe_choose_ways(struct piping *piping)
{
	const struct sonde_session *session = piping->session;
	bool is_bare = piping->pipe->without_bytes && session->stream->is_bare;

	piping->splices_in =
		is_bare && !encode_is_needed(session) && is_pipe(piping->in_fd);
	piping->splices_out = is_bare && !session->has_telnet &&
			      !session->telnet_if_asked && !piping->pipe->escapes &&
			      is_pipe(piping->out.fd);
}
