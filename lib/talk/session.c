/* The life of a session: what it tells, what failures are called, bytes in and out. */
#include "talk/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "talk/duration.h"
#include "talk/splice.h"

const char *sonde_transport_name(enum sonde_transport transport)
{
	static const char *const names[] = {
		[SONDE_TRANSPORT_TCP] = "tcp",
		[SONDE_TRANSPORT_UDP] = "udp",
		[SONDE_TRANSPORT_UNIX] = "unix",
		[SONDE_TRANSPORT_UNIX_DATAGRAM] = "unix-dgram",
	};

	return names[transport];
}

size_t sonde_transport_format(enum sonde_transport transport, const char *endpoint,
			      char *ret, size_t capacity)
{
	bool is_path = transport == SONDE_TRANSPORT_UNIX ||
		       transport == SONDE_TRANSPORT_UNIX_DATAGRAM;
	struct sonde_text text;

	sonde_text_init(&text, ret, capacity);
	sonde_text_add(&text, is_path ? "%s (%s)" : "%s/%s", endpoint,
		       sonde_transport_name(transport));
	return text.used;
}

int sonde_session_new(const struct sonde_session_options *options,
		      struct sonde_session **ret, struct sonde_error *err)
{
	struct sonde_session *session = array_new(1, sizeof(*session));

	if (!session)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "start",
				       "a session", NULL);
	session->options = *options;
	session->also_fd = -1;
	*ret = session;
	return 0;
}

static void drop(struct sonde_session *session)
{
	stream_close(session->stream);
	session->stream = NULL;
	if (session->bound_path[0])
		unlink(session->bound_path);
	session->bound_path[0] = '\0';
	session->queue_at = 0;
	session->queue_used = 0;
	session->owes_end = false;
}

void sonde_session_free(struct sonde_session *session)
{
	if (!session)
		return;
	drop(session);
	array_free(session->queue);
	array_free(session->incoming);
	array_free(session);
}

void sonde_session_heed(struct sonde_session *session, int also_fd)
{
	session->also_fd = also_fd;
}

bool sonde_session_is_open(const struct sonde_session *session)
{
	return session->stream != NULL;
}

bool session_is_datagram(const struct sonde_session *session)
{
	return session->transport == SONDE_TRANSPORT_UDP ||
	       session->transport == SONDE_TRANSPORT_UNIX_DATAGRAM;
}

void sonde_session_get_totals(const struct sonde_session *session,
			      struct sonde_session_totals *ret)
{
	*ret = (struct sonde_session_totals){
		.sent = session->sent,
		.received = session->received,
		.lasted_ns = session->stream ? clock_monotonic_ns() - session->opened_ns
					     : session->lasted_ns,
		.peer_ended_first = session->peer_ended_first,
	};
}

void sonde_session_get_place(const struct sonde_session *session,
			     struct sonde_session_place *ret)
{
	*ret = (struct sonde_session_place){
		.transport = session->transport,
		.gave_address = session->gave_address,
		.gave_port = session->gave_port,
		.is_tls = session->stream && stream_is_tls(session->stream),
	};
	memcpy(ret->local, session->local, sizeof(ret->local));
	memcpy(ret->peer, session->peer, sizeof(ret->peer));
}

/* --- words */

void session_tell(struct sonde_session *session, struct sonde_session_event *event)
{
	if (!session->options.observer)
		return;
	event->at_ns = clock_realtime_ns();
	event->transport = session->transport;
	if (!event->local)
		event->local = session->local;
	if (!event->peer)
		event->peer = session->peer;
	event->local_address = session->local_address;
	event->peer_address = session->peer_address;
	event->gave_address = session->gave_address;
	event->gave_port = session->gave_port;
	session->options.observer(session->options.context, event);
}

void session_tell_text(struct sonde_session *session, enum sonde_session_event_kind kind,
		       const char *format, ...)
{
	struct sonde_session_event event = {.kind = kind};
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	event.text = text;
	session_tell(session, &event);
}

void session_format_subject(const struct sonde_session *session,
			    char ret[SESSION_SUBJECT_CHARS])
{
	sonde_transport_format(session->transport, session->peer, ret,
			       SESSION_SUBJECT_CHARS);
}

int session_fail(struct sonde_session *session, const char *operation, int error,
		 struct sonde_error *err)
{
	char subject[SESSION_SUBJECT_CHARS];
	const char *trouble = session->stream ? session->stream->trouble : "";

	session_format_subject(session, subject);
	if (trouble[0]) {
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation, subject, "%s",
				trouble);
		/* It says so after the handshake, which is over for us by then. */
		if (stream_is_tls(session->stream) &&
		    tls_get_fault(session->stream) == TLS_FAULT_NONE_SHOWN)
			sonde_error_hint(err, "--cert shows it a certificate, with --key "
					      "its key");
		return error;
	}
	switch (-error) {
	case ECONNRESET:
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation, subject,
				"the peer reset the connection (ECONNRESET)");
		sonde_error_hint(err, "its program ended or closed without reading all "
				      "that was sent to it");
		return error;
	case EPIPE:
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation, subject,
				"the peer takes nothing any more (EPIPE)");
		sonde_error_hint(err, "what was sent last may not have been read");
		return error;
	case ECONNREFUSED:
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation, subject,
				"nothing receives there (ECONNREFUSED)");
		if (session_is_datagram(session))
			sonde_error_hint(err, "the peer's machine answered that the "
					      "port is closed");
		return error;
	case EINTR: /* only also_fd ends what waits */
		return sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation,
				       subject, "told to end meanwhile");
	case ETIMEDOUT:
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation, subject,
				"the peer does not answer any more (ETIMEDOUT)");
		sonde_error_hint(err, "what was sent again and again was never "
				      "confirmed");
		return error;
	case EMSGSIZE:
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation, subject,
				"too long for a datagram (EMSGSIZE)");
		return error;
	default:
		return sonde_error_set(err, sonde_error_kind_of(-error), error, operation,
				       subject, NULL);
	}
}

/* --- bytes */

/* What the end of a direction looks like on the wire. */
static const char *end_name(const struct sonde_session *session)
{
	if (stream_is_tls(session->stream))
		return "close_notify";
	return session->transport == SONDE_TRANSPORT_TCP ? "FIN" : "shutdown";
}

static void tell_telnet(struct sonde_session *session, const struct telnet_output *out)
{
	session_tell_text(session, SONDE_SESSION_TELNET,
			  "the peer said %s %s (%u), we %s", telnet_verb_name(out->verb),
			  telnet_option_name(out->option), out->option,
			  telnet_verb_name(out->answered));
}

/* Takes telnet's commands out of bytes[0..n), and queues the answers.  Returns how many
 * are left, or -errno. */
static ssize_t take_telnet(struct sonde_session *session, uint8_t *bytes, size_t n)
{
	uint8_t answer[LIMIT_TELNET_ANSWER];
	struct telnet_output out = {.data = bytes};

	if (session->telnet_if_asked && telnet_is_asked(bytes, n)) {
		session->has_telnet = true;
		session->telnet_if_asked = false;
	}
	if (!session->has_telnet)
		return (ssize_t)n;
	for (size_t at = 0; at < n;) {
		out.answer = answer;
		out.answer_room = sizeof(answer);
		out.answer_used = 0;
		at += telnet_feed(&session->telnet, bytes + at, n - at, &out);
		/* Who has closed his half answers nothing any more. */
		bool answers = !session->sent_end && !session->owes_end;
		if (out.answer_used > 0 && answers &&
		    session_queue(session, answer, out.answer_used) < 0) {
			snprintf(session->stream->trouble,
				 sizeof(session->stream->trouble),
				 "it negotiates without end, and reads no answers");
			return -ENOBUFS;
		}
		if (out.verb)
			tell_telnet(session, &out);
	}
	int r = session->is_mid_chunk ? 0 : session_flush(session);
	return r < 0 && r != -EAGAIN ? r : (ssize_t)out.data_used;
}

/* What a read said, to be counted and told. */
static void note_read(struct sonde_session *session, const void *bytes, ssize_t got)
{
	if (got > 0 || (got == 0 && session_is_datagram(session))) {
		struct sonde_session_event event = {
			.kind = SONDE_SESSION_RECEIVED,
			.bytes = bytes,
			.count = (size_t)got,
		};
		session->received += (uint64_t)got;
		session->was_answered = true;
		session->active_ns = clock_monotonic_ns();
		session_tell(session, &event);
	} else if (got == 0 && !session->peer_end) {
		struct sonde_session_event event = {
			.kind = SONDE_SESSION_PEER_END,
			.text = end_name(session),
		};
		session->peer_end = true;
		session->peer_ended_first = !session->sent_end;
		session_tell(session, &event);
	}
}

ssize_t session_read(struct sonde_session *session, void *bytes, size_t n)
{
	ssize_t got = stream_read(session->stream, bytes, n);

	if (got > 0 && (session->has_telnet || session->telnet_if_asked)) {
		got = take_telnet(session, bytes, (size_t)got);
		if (got == 0) /* there were only commands */
			return -EAGAIN;
	}
	note_read(session, bytes, got);
	return got;
}

ssize_t session_splice_to(struct sonde_session *session, int out_fd)
{
	ssize_t got =
		splice_straight(stream_fd(session->stream), out_fd, LIMIT_TALK_BYTES);

	note_read(session, NULL, got);
	return got;
}

static void note_written(struct sonde_session *session, const void *bytes, ssize_t sent)
{
	if (sent >= 0) {
		struct sonde_session_event event = {
			.kind = SONDE_SESSION_SENT,
			.bytes = bytes,
			.count = (size_t)sent,
		};
		session->sent += (uint64_t)sent;
		session->active_ns = clock_monotonic_ns();
		session_tell(session, &event);
	}
}

ssize_t session_write(struct sonde_session *session, const void *bytes, size_t n)
{
	ssize_t sent = stream_write(session->stream, bytes, n);

	note_written(session, bytes, sent);
	return sent;
}

ssize_t session_splice_from(struct sonde_session *session, int in_fd)
{
	ssize_t sent =
		splice_straight(in_fd, stream_fd(session->stream), LIMIT_TALK_BYTES);

	if (sent != 0) /* that is the end of in_fd */
		note_written(session, NULL, sent);
	return sent;
}

int session_shutdown(struct sonde_session *session)
{
	if (session->sent_end)
		return 0;
	int r = stream_shutdown(session->stream);
	if (r == -EAGAIN)
		return r;
	if (r == -EOPNOTSUPP && !session_is_datagram(session))
		session_tell_text(session, SONDE_SESSION_NOTE,
				  "this version of TLS cannot close one half: the peer "
				  "is told at the end");
	session->sent_end = true;
	if (r == 0) {
		struct sonde_session_event event = {
			.kind = SONDE_SESSION_SENT_END,
			.text = end_name(session),
		};
		session_tell(session, &event);
	}
	/* The peer is gone already: it will hear nothing, and reading tells more. */
	return r == -EOPNOTSUPP || r == -ENOTCONN ? 0 : r;
}

int64_t session_idle_deadline_ns(const struct sonde_session *session)
{
	if (session->options.idle_timeout_ns <= 0)
		return SOCK_NEVER;
	return clock_after_ns(session->active_ns, session->options.idle_timeout_ns);
}

int session_fail_idle(struct sonde_session *session, struct sonde_error *err)
{
	char subject[SESSION_SUBJECT_CHARS], limit[DURATION_CHARS];

	session_format_subject(session, subject);
	duration_format(session->options.idle_timeout_ns, limit);
	return sonde_error_set(err, SONDE_ERROR_NETWORK, -ETIMEDOUT, "talk to", subject,
			       "nothing came or went for %s (--idle-timeout)", limit);
}

void session_close(struct sonde_session *session, bool in_order, const char *why)
{
	if (!session->stream)
		return;
	session->lasted_ns = clock_monotonic_ns() - session->opened_ns;
	drop(session);
	struct sonde_session_event event = {
		.kind = SONDE_SESSION_CLOSED,
		.text = why,
		.by_user = in_order,
		.took_ns = session->lasted_ns,
	};
	session_tell(session, &event);
}

void sonde_session_close(struct sonde_session *session, const char *why)
{
	session_close(session, true, why);
}
