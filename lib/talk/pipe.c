/* A session between two descriptors: exact bytes both ways.
 *
 * Each direction has a buffer of its own and reads only when that is empty: who does not
 * take anything stops the one who sends, and nothing grows.  An end is passed on when all
 * before it has been: the end of in_fd closes our half of the connection, the peer's end
 * closes out_fd.  It is over when both are.
 *
 * Where standard input or output is a pipe, and the bytes are nobody's business, the kernel
 * moves that direction (splice.c).
 *
 * When sending fails, what the peer had sent before may still be there: it is read to its
 * end, and then the failure is told.  When out_fd takes nothing any more, the reader has
 * seen enough, or the disk is full: that ends both directions.
 *
 * Datagrams have no end.  After the end of in_fd answers are waited for, for as long as
 * they come. */
#include "talk/pipe.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "talk/duration.h"

enum { ANSWERS_MS = 1000 }; /* datagrams may still come after the end of in_fd */

/* --- waiting */

static bool is_over(const struct piping *piping)
{
	const struct sonde_session *session = piping->session;

	if (piping->out_is_gone)
		return true;
	if (!session->peer_end || !chunk_is_empty(&piping->receiving))
		return false;
	return piping->broken || (piping->in_end && chunk_is_empty(&piping->sending) &&
				  (session->sent_end || piping->pipe->ends_with_peer));
}

static bool waits_for_answers(const struct piping *piping)
{
	return session_is_datagram(piping->session) && piping->in_end &&
	       chunk_is_empty(&piping->sending) && chunk_is_empty(&piping->receiving);
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
	bool reads = !session->peer_end && chunk_is_empty(&piping->receiving) &&
		     !piping->out_is_full;
	bool writes = piping->stream_waits && !piping->broken;
	short events = (short)stream_events(session->stream, reads, writes);
	/* After the peer's end only a failure is news. */
	bool listens = events != 0 || session->peer_end;

	fds[POLL_IN] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (!piping->in_end && chunk_is_empty(&piping->sending) && !piping->stream_waits)
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
	pipe_break_sending(piping, -EPIPE);
}

/* Who asked wants to know; who only had something to say has done so. */
static void note_silence(struct sonde_session *session)
{
	char limit[DURATION_CHARS];

	if (session->transport != SONDE_TRANSPORT_UDP || session->sent == 0 ||
	    session->was_answered)
		return;
	duration_format(session->options.idle_timeout_ns > 0
				? session->options.idle_timeout_ns
				: ANSWERS_MS * NS_PER_MS,
			limit);
	session_tell_text(session, SONDE_SESSION_NOTE,
			  "no answer within %s; UDP does not say whether anything "
			  "arrived",
			  limit);
}

/* 0: go on; 1: also_fd; or -errno. */
static int turn(struct piping *piping)
{
	struct sonde_session *session = piping->session;
	struct pollfd fds[POLLED];
	int r = 0;

	watch(piping, fds);
	bool has_pending = stream_has_pending(session->stream) && !session->peer_end &&
			   chunk_is_empty(&piping->receiving);
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
			note_silence(session);
			return pipe_end_receiving(piping);
		}
		return session_fail_idle(session, piping->err);
	}
	if (fds[POLL_ALSO].revents)
		return 1;
	if (fds[POLL_OUT].revents) {
		piping->out_is_full = false;
		r = pipe_write_out(piping);
	}
	if (r == 0 && (fds[POLL_STREAM].revents || has_pending)) {
		notice_failure(piping, fds[POLL_STREAM].revents);
		if (!session->peer_end && chunk_is_empty(&piping->receiving))
			r = pipe_take_peer(piping);
		if (piping->stream_waits)
			pipe_write_peer(piping);
	}
	if (r == 0 && fds[POLL_IN].revents && piping->in_fd >= 0) {
		r = pipe_take_in(piping);
		if (!piping->stream_waits)
			pipe_write_peer(piping);
	}
	return r;
}

static int run(struct piping *piping)
{
	int r = 0;

	pipe_choose_ways(piping);

	if (piping->in_fd < 0) {
		piping->in_end = true;
		piping->in_end_ns = clock_monotonic_ns();
		pipe_write_peer(piping);
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
	pipe_close_in(&piping);
	int closed = outlet_close(&piping.out);
	if (r == 0 && closed < 0)
		r = pipe_fail_out(&piping, closed);
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
