/* The beginning of a client: its socket, TLS, and what it is connected with. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "talk/listener.h"

static void begin_use(struct caller *client)
{
	int r = 0;

	switch (client->listener->options.use) {
	case SONDE_LISTEN_EXEC:
		r = child_start(client);
		if (r < 0)
			caller_close(client, false, true, "its command did not start: %s",
				     strerrordesc_np(-r));
		break;
	case SONDE_LISTEN_RELAY:
		client->state = CLIENT_REACHING;
		client->reach_until_ns = loop_now_ns(client->listener->loop) +
					 LIMIT_LISTEN_REACH_MS * NS_PER_MS;
		caller_watch_end(&client->near, 0);
		r = reach_begin(client);
		if (r < 0)
			reach_fail(client, r);
		else
			caller_watch(client);
		break;
	default:
		caller_opened(client);
		break;
	}
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
