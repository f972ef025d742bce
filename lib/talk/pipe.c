/* A session between two descriptors: exact bytes both ways.
 *
 * Each direction has a buffer of its own and reads only when that is empty: who does not
 * take anything stops the one who sends, and nothing grows.  An end is passed on when all
 * before it has been: the end of in_fd closes our half of the connection, the peer's end
 * closes out_fd.  It is over when both are.
 *
 * When sending fails, what the peer had sent before may still be there: it is read to its
 * end, and then the failure is told.  When out_fd takes nothing any more, the reader has
 * seen enough, or the disk is full: that ends both directions.
 *
 * Datagrams have no end.  After the end of in_fd answers are waited for, for as long as
 * they come. */
#include "talk/session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "talk/encode.h"
#include "talk/outlet.h"

enum { ANSWERS_MS = 1000 }; /* datagrams may still come after the end of in_fd */

struct chunk {
	uint8_t *bytes; /* owned */
	size_t at, used;
};

struct piping {
	struct sonde_session *session;
	const struct sonde_pipe *pipe;
	int in_fd; /* -1: at its end */
	struct outlet out;
	uint8_t *raw; /* owned; what was read, before it is put into another form */
	struct chunk sending, receiving;
	bool in_end;       /* all of in_fd was read */
	bool out_is_gone;  /* nobody reads any more */
	bool out_is_full;  /* its last write wants to be waited for */
	bool stream_waits; /* the peer took nothing */
	int broken;        /* sending failed: the negative errno */
	int64_t in_end_ns;
	struct sonde_error *err;
	struct sonde_error broken_err;
};

static bool is_empty(const struct chunk *chunk)
{
	return chunk->at == chunk->used;
}

/* --- to the peer */

static void close_in(struct piping *piping)
{
	if (piping->in_fd >= 0)
		close(piping->in_fd);
	piping->in_fd = -1;
}

/* What cannot be sent any more is not read, either. */
static void break_sending(struct piping *piping, int error)
{
	piping->broken =
		session_fail(piping->session, "send to", error, &piping->broken_err);
	piping->sending.at = piping->sending.used = 0;
	piping->in_end = true;
	close_in(piping);
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
		close_in(piping);
		return 0;
	}
	piping->sending.at = 0;
	piping->sending.used = is_plain ? (size_t)got
					: encode_sent(session, piping->raw, (size_t)got,
						      piping->sending.bytes);
	return 0;
}

static void write_peer(struct piping *piping)
{
	struct sonde_session *session = piping->session;
	struct chunk *sending = &piping->sending;

	while (!is_empty(sending)) {
		ssize_t sent = session_write(session, sending->bytes + sending->at,
					     sending->used - sending->at);
		piping->stream_waits = sent == -EAGAIN;
		if (sent == -EAGAIN)
			return;
		if (sent < 0) {
			break_sending(piping, (int)sent);
			return;
		}
		sending->at += (size_t)sent;
	}
	/* Answers of telnet: between two chunks. */
	int flushed = session_flush(session);
	piping->stream_waits = flushed == -EAGAIN;
	if (flushed == -EAGAIN)
		return;
	if (flushed < 0) {
		break_sending(piping, flushed);
		return;
	}
	if (!piping->in_end || session->sent_end || piping->broken)
		return;
	int r = session_shutdown(session);
	piping->stream_waits = r == -EAGAIN;
	if (r < 0 && r != -EAGAIN)
		break_sending(piping, r);
}

/* --- from the peer */

static int fail_out(struct piping *piping, int error)
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

static int write_out(struct piping *piping)
{
	struct chunk *receiving = &piping->receiving;

	while (!is_empty(receiving)) {
		ssize_t written =
			outlet_write(&piping->out, receiving->bytes + receiving->at,
				     receiving->used - receiving->at);
		piping->out_is_full = written == -EAGAIN;
		if (written == -EAGAIN)
			return 0;
		if (written < 0)
			return fail_out(piping, (int)written);
		receiving->at += (size_t)written;
	}
	return 0;
}

/* The peer's half is over: so is out_fd. */
static int end_receiving(struct piping *piping)
{
	if (piping->pipe->ends_with_peer) {
		piping->in_end = true;
		close_in(piping);
	}
	piping->receiving.at = 0;
	piping->receiving.used =
		encode_received_end(piping->session, piping->receiving.bytes);
	int r = write_out(piping);
	if (r == 0)
		r = outlet_close(&piping->out);
	return r < 0 ? fail_out(piping, r) : 0;
}

/* A peer that closed in order and then refused what we sent (it did not read it) has said
 * all it had to say: whether the refusal overtakes the end is chance. */
static bool is_end_in_order(const struct piping *piping, ssize_t got)
{
	return got == -EPIPE && piping->in_end && is_empty(&piping->sending);
}

static int read_peer(struct piping *piping)
{
	struct sonde_session *session = piping->session;
	struct chunk *receiving = &piping->receiving;
	bool is_plain = !encode_received_is_needed(session, piping->pipe->escapes);
	ssize_t got = session_read(session, is_plain ? receiving->bytes : piping->raw,
				   is_plain ? LIMIT_TALK_BYTES : ENCODE_READ_BYTES);

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
		return end_receiving(piping);
	receiving->at = 0;
	receiving->used =
		is_plain ? (size_t)got
			 : encode_received(session, piping->raw, (size_t)got,
					   piping->pipe->escapes, receiving->bytes);
	return write_out(piping);
}

/* --- waiting */

static bool is_over(const struct piping *piping)
{
	const struct sonde_session *session = piping->session;

	if (piping->out_is_gone)
		return true;
	if (!session->peer_end || !is_empty(&piping->receiving))
		return false;
	return piping->broken || (piping->in_end && is_empty(&piping->sending) &&
				  (session->sent_end || piping->pipe->ends_with_peer));
}

static bool waits_for_answers(const struct piping *piping)
{
	return session_is_datagram(piping->session) && piping->in_end &&
	       is_empty(&piping->sending) && is_empty(&piping->receiving);
}

static int64_t deadline_ns(const struct piping *piping)
{
	const struct sonde_session *session = piping->session;
	int64_t idle_ns = session_idle_deadline_ns(session);

	if (idle_ns != SOCK_NEVER || !waits_for_answers(piping))
		return idle_ns;
	int64_t since_ns = session->active_ns > piping->in_end_ns ? session->active_ns
								  : piping->in_end_ns;
	return since_ns + ANSWERS_MS * NS_PER_MS;
}

static int timeout_ms(int64_t until_ns)
{
	if (until_ns == SOCK_NEVER)
		return -1;
	int64_t left_ns = until_ns - clock_monotonic_ns();
	if (left_ns <= 0)
		return 0;
	int64_t left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
	return left_ms > 3600 * 1000 ? 3600 * 1000 : (int)left_ms;
}

enum { POLL_IN = 0, POLL_OUT, POLL_STREAM, POLL_ALSO, POLLED };

/* What is not waited for is left out: an error or a hang-up would be told again and
 * again. */
static void watch(const struct piping *piping, struct pollfd fds[POLLED])
{
	const struct sonde_session *session = piping->session;
	bool reads = !session->peer_end && is_empty(&piping->receiving);
	bool writes = piping->stream_waits && !piping->broken;
	short events = (short)stream_events(session->stream, reads, writes);
	/* After the peer's end only a failure is news. */
	bool listens = events != 0 || session->peer_end;

	fds[POLL_IN] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (!piping->in_end && is_empty(&piping->sending))
		fds[POLL_IN].fd = piping->in_fd;
	fds[POLL_OUT] = (struct pollfd){.fd = -1, .events = POLLOUT};
	if (piping->out_is_full)
		fds[POLL_OUT].fd = piping->out.fd;
	fds[POLL_STREAM] = (struct pollfd){
		.fd = listens ? stream_fd(session->stream) : -1,
		.events = events,
	};
	fds[POLL_ALSO] = (struct pollfd){.fd = piping->pipe->also_fd, .events = POLLIN};
}

/* An event on the connection that nobody asked for: it broke after the peer's end. */
static void notice_failure(struct piping *piping, short events)
{
	struct sonde_session *session = piping->session;

	if (!session->peer_end || !(events & (POLLERR | POLLHUP)) || piping->in_end)
		return;
	break_sending(piping, -EPIPE);
}

/* 0: go on; 1: also_fd; or -errno. */
static int turn(struct piping *piping)
{
	struct sonde_session *session = piping->session;
	struct pollfd fds[POLLED];
	int r = 0;

	watch(piping, fds);
	bool has_pending = stream_has_pending(session->stream) && !session->peer_end &&
			   is_empty(&piping->receiving);
	int64_t until_ns = has_pending ? 0 : deadline_ns(piping);
	int count = poll(fds, POLLED, timeout_ms(until_ns));
	if (count < 0 && errno != EINTR)
		return sonde_error_set(piping->err, SONDE_ERROR_TROUBLE, -errno,
				       "wait for", "the peer", NULL);
	if (count <= 0 && !has_pending) {
		if (count < 0 || clock_monotonic_ns() < until_ns)
			return 0;
		if (waits_for_answers(piping)) {
			session->peer_end = true;
			return end_receiving(piping);
		}
		return session_fail_idle(session, piping->err);
	}
	if (fds[POLL_ALSO].revents)
		return 1;
	if (fds[POLL_OUT].revents)
		r = write_out(piping);
	if (r == 0 && (fds[POLL_STREAM].revents || has_pending)) {
		notice_failure(piping, fds[POLL_STREAM].revents);
		if (!session->peer_end && is_empty(&piping->receiving))
			r = read_peer(piping);
		if (piping->stream_waits)
			write_peer(piping);
	}
	if (r == 0 && fds[POLL_IN].revents && piping->in_fd >= 0) {
		r = read_in(piping);
		write_peer(piping);
	}
	return r;
}

static int run(struct piping *piping)
{
	int r = 0;

	if (piping->in_fd < 0) {
		piping->in_end = true;
		piping->in_end_ns = clock_monotonic_ns();
		write_peer(piping);
	}
	while (r == 0 && !is_over(piping))
		r = turn(piping);
	if (r == 0 && piping->broken) {
		r = piping->broken;
		if (piping->err)
			*piping->err = piping->broken_err;
	}
	return r;
}

int sonde_session_run_pipe(struct sonde_session *session, const struct sonde_pipe *pipe,
			   struct sonde_error *err)
{
	struct sonde_error ignored = {0};
	struct piping piping = {
		.session = session,
		.pipe = pipe,
		.in_fd = pipe->in_fd,
		.err = err ? err : &ignored,
	};
	int r;

	outlet_widen(pipe->in_fd);
	outlet_open(&piping.out, pipe->out_fd);
	piping.sending.bytes = array_new(1, LIMIT_TALK_BYTES);
	piping.receiving.bytes = array_new(1, LIMIT_TALK_BYTES);
	piping.raw = array_new(1, LIMIT_TALK_BYTES);
	if (!piping.sending.bytes || !piping.receiving.bytes || !piping.raw)
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "start",
				    "a session", NULL);
	else
		r = run(&piping);
	close_in(&piping);
	int closed = outlet_close(&piping.out);
	if (r == 0 && closed < 0)
		r = fail_out(&piping, closed);
	session_close(session, r == 0,
		      r < 0                ? piping.err->reason
		      : r > 0              ? "told to end"
		      : piping.out_is_gone ? "nobody reads what is received any more"
		      : session->peer_ended_first ? "the peer ended first"
						  : "we ended first");
	array_free(piping.sending.bytes);
	array_free(piping.receiving.bytes);
	array_free(piping.raw);
	return r;
}
