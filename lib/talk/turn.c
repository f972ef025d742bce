/* A session in a caller's loop: a queue of what is to be sent, and one turn after the
 * other.  Neither waits. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "talk/encode.h"
#include "talk/session.h"

enum { READS_PER_TURN = 4 }; /* then the caller may look at other things */

int session_queue(struct sonde_session *session, const void *bytes, size_t n)
{
	size_t waiting = session->queue_used - session->queue_at;

	if (waiting + n > LIMIT_TALK_QUEUE)
		return -EAGAIN;
	if (session->queue_at > 0) {
		memmove(session->queue, session->queue + session->queue_at, waiting);
		session->queue_at = 0;
		session->queue_used = waiting;
	}
	int r = array_reserve(&session->queue, &session->queue_capacity, waiting + n, 1);
	if (r < 0)
		return r;
	memcpy(session->queue + waiting, bytes, n);
	session->queue_used += n;
	return 0;
}

int session_flush(struct sonde_session *session)
{
	while (session->queue_at < session->queue_used) {
		ssize_t sent = session_write(session, session->queue + session->queue_at,
					     session->queue_used - session->queue_at);
		if (sent < 0)
			return (int)sent;
		session->queue_at += (size_t)sent;
	}
	if (!session->owes_end)
		return 0;
	int r = session_shutdown(session);
	if (r != -EAGAIN)
		session->owes_end = false;
	return r;
}

int sonde_session_fd(const struct sonde_session *session)
{
	return session->stream ? stream_fd(session->stream) : -1;
}

short sonde_session_events(const struct sonde_session *session)
{
	if (!session->stream)
		return 0;
	bool writes = session->owes_end || session->queue_at < session->queue_used;
	return (short)stream_events(session->stream, !session->peer_end, writes);
}

bool sonde_session_is_ready(const struct sonde_session *session)
{
	return session->stream && stream_has_pending(session->stream);
}

static int fail(struct sonde_session *session, const char *operation, int error,
		struct sonde_error *err)
{
	struct sonde_error ignored;

	if (!err)
		err = &ignored;
	session_fail(session, operation, error, err);
	session_close(session, false, err->reason);
	return error;
}

static int send_encoded(struct sonde_session *session, const void *bytes, size_t n)
{
	if (session_is_datagram(session)) {
		ssize_t sent = session_write(session, bytes, n);
		return sent < 0 ? (int)sent : 0;
	}
	int r = session_queue(session, bytes, n);
	return r < 0 ? r : session_flush(session);
}

int sonde_session_send(struct sonde_session *session, const void *bytes, size_t n,
		       struct sonde_error *err)
{
	if (!session->stream)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -ENOTCONN, "send to",
				       "a peer", "there is no connection");
	if (session->sent_end || session->owes_end)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EPIPE, "send to",
				       session->peer, "our half is closed");
	if (session->queue_used - session->queue_at + n * ENCODE_GROWS > LIMIT_TALK_QUEUE)
		return -EAGAIN;
	int r;
	if (encode_is_needed(session)) {
		uint8_t *encoded = array_new(n + 1, ENCODE_GROWS);
		if (!encoded)
			return fail(session, "send to", -ENOMEM, err);
		r = send_encoded(session, encoded,
				 encode_sent(session, bytes, n, encoded));
		array_free(encoded);
	} else {
		r = send_encoded(session, bytes, n);
	}
	/* The queue has it. */
	if (r == -EAGAIN && !session_is_datagram(session))
		return 0;
	return r < 0 && r != -EAGAIN ? fail(session, "send to", r, err) : r;
}

int sonde_session_end(struct sonde_session *session, struct sonde_error *err)
{
	if (!session->stream || session->sent_end)
		return 0;
	session->owes_end = true;
	int r = session_flush(session);
	return r < 0 && r != -EAGAIN ? fail(session, "send to", r, err) : 0;
}

int sonde_session_turn(struct sonde_session *session, struct sonde_error *err)
{
	if (!session->incoming) {
		session->incoming = array_new(1, LIMIT_CLIENT_INPUT);
		if (!session->incoming)
			return fail(session, "receive from", -ENOMEM, err);
	}
	int broken = session_flush(session);
	if (broken == -EAGAIN)
		broken = 0;
	for (int i = 0; i < READS_PER_TURN && !session->peer_end; i++) {
		ssize_t got =
			session_read(session, session->incoming, LIMIT_CLIENT_INPUT);
		if (got == -EAGAIN && broken == 0)
			return 1;
		if (got < 0 || (got == 0 && broken < 0 && !session_is_datagram(session)))
			return fail(session, broken < 0 ? "send to" : "receive from",
				    broken < 0 ? broken : (int)got, err);
	}
	if (broken < 0)
		return fail(session, "send to", broken, err);
	return session->peer_end ? 0 : 1;
}

enum sonde_session_typing sonde_session_typing(const struct sonde_session *session)
{
	if (!session->stream || !session->has_telnet ||
	    !telnet_is_echoed(&session->telnet))
		return SONDE_TYPING_LINES;
	return telnet_wants_keys(&session->telnet) ? SONDE_TYPING_KEYS
						   : SONDE_TYPING_HIDDEN;
}

int sonde_session_resize(struct sonde_session *session, uint16_t columns, uint16_t rows)
{
	uint8_t answer[TELNET_ANSWER_BYTES];
	struct telnet_output out = {.answer = answer, .answer_room = sizeof(answer)};

	session->options.columns = columns; /* for the next connection */
	session->options.rows = rows;
	if (!session->stream || session->sent_end || session->owes_end)
		return 0;
	telnet_resize(&session->telnet, columns, rows, &out);
	int r = session_queue(session, answer, out.answer_used);
	if (r == 0)
		r = session_flush(session);
	return r == -EAGAIN ? 0 : r;
}

int64_t sonde_session_idle_ms(const struct sonde_session *session)
{
	int64_t deadline_ns = session_idle_deadline_ns(session);

	if (!session->stream || deadline_ns == SOCK_NEVER)
		return -1;
	int64_t left_ns = deadline_ns - clock_monotonic_ns();
	return left_ns <= 0 ? 0 : (left_ns + NS_PER_MS - 1) / NS_PER_MS;
}

int sonde_session_fail_idle(struct sonde_session *session, struct sonde_error *err)
{
	return session_fail_idle(session, err);
}
