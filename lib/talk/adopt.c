/* A connection that was accepted becomes a session: its events become those of the
 * listener. */
#include "talk/adopt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "talk/session.h"

static void observe(void *context, const struct sonde_session_event *event)
{
	struct sonde_listener *listener = context;
	struct sonde_listen_event told = {
		.client = 1,
		.local = event->local,
		.peer = event->peer,
		.local_address = event->local_address,
		.peer_address = event->peer_address,
		.text = event->text,
		.bytes = event->bytes,
		.count = event->count,
	};

	switch (event->kind) {
	case SONDE_SESSION_SENT:
		listener->totals.sent += event->count;
		if (!listener->options.wants_bytes)
			return;
		told.kind = SONDE_LISTEN_SENT;
		break;
	case SONDE_SESSION_RECEIVED:
		listener->totals.received += event->count;
		if (!listener->options.wants_bytes)
			return;
		told.kind = SONDE_LISTEN_RECEIVED;
		break;
	case SONDE_SESSION_PEER_END:
		told.kind = SONDE_LISTEN_ENDED;
		break;
	case SONDE_SESSION_SENT_END:
		told.kind = SONDE_LISTEN_SENT_END;
		break;
	case SONDE_SESSION_TLS:
		told.kind = SONDE_LISTEN_SECURED;
		told.tls = event->tls;
		break;
	case SONDE_SESSION_NOTE:
		told.kind = SONDE_LISTEN_NOTE;
		break;
	case SONDE_SESSION_CLOSED:
		told.kind = SONDE_LISTEN_CLOSED;
		told.in_order = event->by_user;
		told.lasted_ns = event->took_ns;
		told.received = listener->totals.received;
		told.sent = listener->totals.sent;
		break;
	default:
		return;
	}
	listener_tell(listener, &told);
}

static int open_session(struct sonde_listener *listener, struct sonde_session *session,
			struct stream *stream, struct sonde_error *err)
{
	struct caller names = {0};
	struct sonde_listen_event event = {.kind = SONDE_LISTEN_ACCEPTED, .client = 1};

	session->transport = listener->options.transport;
	session->stream = stream;
	listener_name_ends(stream_fd(stream), &listener->single_peer, &names);
	memcpy(session->local, names.local, sizeof(session->local));
	memcpy(session->peer, names.peer, sizeof(session->peer));
	session->local_address = names.local_address;
	session->peer_address = names.peer_address;
	session->opened_ns = session->active_ns = clock_monotonic_ns();
	listener->totals.clients = 1;
	listener->began_ns = session->opened_ns;
	event.local = session->local;
	event.peer = session->peer;
	event.local_address = session->local_address;
	event.peer_address = session->peer_address;
	listener_tell(listener, &event);
	if (!listener->tls)
		return 0;
	return session_secure(session, listener->tls,
			      session->opened_ns + LIMIT_LISTEN_REACH_MS * NS_PER_MS,
			      err);
}

int adopt_client(struct sonde_listener *listener, struct stream *stream, int also_fd,
		 struct sonde_error *err)
{
	const struct sonde_session_options options = {
		.idle_timeout_ns = listener->options.idle_timeout_ns,
		.crlf = listener->options.crlf,
		.observer = observe,
		.context = listener,
	};
	const struct sonde_pipe pipe = {
		.in_fd = listener->options.in_fd,
		.out_fd = listener->options.out_fd,
		.also_fd = also_fd,
		.escapes = listener->options.escapes,
		.ends_with_peer = listener->options.in_is_terminal,
		.without_bytes = !listener->options.wants_bytes,
	};
	struct sonde_session *session;
	int r = sonde_session_new(&options, &session, err);

	if (r < 0) {
		stream_close(stream);
		return r;
	}
	session->also_fd = also_fd;
	r = open_session(listener, session, stream, err);
	if (r == 0)
		r = sonde_session_run_pipe(session, &pipe, err);
	sonde_session_free(session);
	return r == -EINTR ? 1 : r;
}
