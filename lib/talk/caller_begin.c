/* The beginning of a client: its socket, TLS, and what it is connected with. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "talk/listener.h"

void caller_fail(struct caller *client, const struct sonde_error *why, const char *what)
{
	struct sonde_listener *listener = client->listener;
	int64_t now_ns = clock_monotonic_ns();

	if (!listener->options.keep_open && !listener->why_client) {
		listener->why_client = true;
		listener->why = *why;
	} else if (listener->options.keep_open &&
		   now_ns >= listener->fail_quiet_until_ns) {
		listener->fail_quiet_until_ns = now_ns + LISTENER_QUIET_MS * NS_PER_MS;
		listener_note(listener, "client %" PRIu64 " (%s) %s: %s%s%s",
			      client->number, client->peer, what, why->reason,
			      why->hint[0] ? "; " : "", why->hint);
	}
	caller_close(client, false, true, "%s: %s", what, why->reason);
}

static void fail_exec(struct caller *client, int error)
{
	struct sonde_error why;

	sonde_error_set(&why, SONDE_ERROR_TROUBLE, error, "run",
			client->listener->options.command, NULL);
	if (error == -EMFILE)
		sonde_error_hint(&why, "ulimit -n sets how many may be open");
	caller_fail(client, &why, "did not get its command");
}

/* Without descriptors for its other end it waits, as those do that were not accepted yet.
 * Not where none can come free, because nobody else is there that has some; and not with
 * datagrams, which get lost as it is. */
static bool wait_for_room(struct caller *client, int error)
{
	struct sonde_listener *listener = client->listener;
	bool others = listener->client_count > listener->waiting_count + 1 ||
		      listener->children;

	if (!listener->options.keep_open || listener_is_datagram(listener) ||
	    (error != -EMFILE && error != -ENFILE) || (error == -EMFILE && !others))
		return false;
	client->state = CLIENT_WAITING;
	listener->waiting_count++;
	listener_watch(listener);
	client->deadline_ns = loop_now_ns(listener->loop) + LISTENER_PAUSE_MS * NS_PER_MS;
	caller_watch_end(&client->near, 0);
	caller_watch(client);
	listener_note_wait(listener, error);
	return true;
}

static void begin_use(struct caller *client)
{
	int r = 0;

	switch (client->listener->options.use) {
	case SONDE_LISTEN_EXEC:
		r = child_start(client);
		if (r < 0 && !wait_for_room(client, r))
			fail_exec(client, r);
		break;
	case SONDE_LISTEN_RELAY:
		client->state = CLIENT_REACHING;
		client->reach_until_ns = loop_now_ns(client->listener->loop) +
					 LIMIT_LISTEN_REACH_MS * NS_PER_MS;
		caller_watch_end(&client->near, 0);
		client->to_try = 0;
		r = reach_begin(client);
		if (r >= 0)
			caller_watch(client);
		else if (!wait_for_room(client, r))
			reach_fail(client, r);
		break;
	default:
		caller_opened(client);
		break;
	}
}

void caller_begin_again(struct caller *client)
{
	struct sonde_listener *listener = client->listener;

	client->state = CLIENT_HANDSHAKE;
	listener->waiting_count--;
	begin_use(client); /* after which it may be gone */
	listener_watch(listener);
}

void caller_shake_hands(struct caller *client)
{
	struct sonde_tls_details details;
	int r = tls_handshake(client->near.stream);

	if (r == -EAGAIN) {
		caller_watch_end(&client->near,
				 stream_events(client->near.stream, true, false));
		caller_watch(client);
		return;
	}
	if (r < 0) {
		caller_close(client, false, false, "TLS: %s",
			     client->near.stream->trouble[0]
				     ? client->near.stream->trouble
				     : strerrordesc_np(-r));
		return;
	}
	tls_describe(client->near.stream, &details);
	caller_tell(client, &(struct sonde_listen_event){.kind = SONDE_LISTEN_SECURED,
							 .tls = &details});
	begin_use(client);
}

static int open_near(struct caller *client, struct stream *stream)
{
	struct sonde_listener *listener = client->listener;
	int r;

	if (listener->tls) {
		struct stream *secured = NULL;

		r = tls_start(listener->tls, NULL, stream, &secured);
		if (r < 0)
			return r;
		stream = secured;
	}
	return end_open(&client->near, client, stream);
}

void caller_new(struct sonde_listener *listener, struct stream *stream,
		const struct peer *peer)
{
	struct caller *client = array_new(1, sizeof(*client));
	int r;

	if (!client) {
		stream_close(stream);
		listener_note(listener, "no memory for another client");
		return;
	}
	client->listener = listener;
	client->near.client = client->far.client = client;
	client->near.slot = client->far.slot = -1;
	client->near.write_slot = client->far.write_slot = -1;
	client->opened_ns = client->active_ns = loop_now_ns(listener->loop);
	listener_name_ends(stream_fd(stream), peer, client);
	r = open_near(client, stream);
	if (r < 0) {
		array_free(client);
		listener_note(listener, "a client was closed at once: %s",
			      strerrordesc_np(-r));
		return;
	}
	client->number = ++listener->totals.clients;
	if (client->number == 1)
		listener->began_ns = clock_monotonic_ns();
	listener->client_count++;
	client->link = &listener->clients;
	client->next = listener->clients;
	if (client->next)
		client->next->link = &client->next;
	listener->clients = client;
	caller_tell(client, &(struct sonde_listen_event){.kind = SONDE_LISTEN_ACCEPTED});
	client->deadline_ns =
		loop_now_ns(listener->loop) + LIMIT_LISTEN_REACH_MS * NS_PER_MS;
	if (listener->tls)
		caller_shake_hands(client);
	else
		begin_use(client);
}
