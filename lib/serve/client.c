/* One TCP client of a server.
 *
 * Goals: one recv and one send for all requests that arrived together; no memory held
 * and no system call made for a client that is idle; an answer that was given is never
 * lost by the close behind it.
 *
 *	OPEN		reads and answers
 *	ENDING		takes no more input; its output is still being sent
 *	LINGERING	our FIN is sent; what still comes is thrown away until the
 *			client's FIN, or for a second.  A close with unread input would
 *			send a RST, and a RST may destroy the answers at the client.
 *	CLOSED		nothing but memory, until the end of the turn
 *
 * Input is read into the server's one buffer and answers are written into another one.
 * Only what could not be done at once becomes the client's own: `input` holds the start
 * of a request that was cut (or what waits behind a full output), `output` what the
 * client did not take yet.  Both are freed as soon as they are empty.
 *
 * While a client is only read from, epoll tells of it once for all that came (EPOLLET): the
 * kernel then does not look at each connection again after it was served.  What one recv
 * may have left behind is asked for anew (a recv stops before the byte that is urgent), and
 * so is the end where it was seen coming.
 *
 * Back-pressure: where LIMIT_CLIENT_OUTPUT bytes wait, the service gets no more room, and
 * then nothing is read until the client has taken them. */
#include "serve/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <sonde/text.h>

#include "base/clock.h"
#include "base/limits.h"
#include "serve/crew.h"

/* Told once for all that came. */
#define EVENTS_READS                                                                     \
	((uint32_t)EPOLLIN | (uint32_t)EPOLLPRI | (uint32_t)EPOLLRDHUP |                 \
	 (uint32_t)EPOLLET)

static void *take_bytes(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n);

	if (copy)
		memcpy(copy, bytes, n);
	return copy;
}

void client_tell(struct sonde_server *server, const struct client *client,
		 enum sonde_serve_event_kind kind, size_t bytes, uint32_t requests,
		 const char *reason)
{
	struct sonde_serve_event event = {
		.kind = kind,
		.service = client->spec->service->name,
		.peer = client->peer,
		.client = client->number,
		.bytes = bytes,
		.requests = requests,
		.reason = reason,
	};
	if (kind == SONDE_SERVE_CLOSED) {
		event.received = client->received;
		event.sent = client->sent;
		event.answered = client->answered;
		event.lasted_ns = clock_monotonic_ns() - client->came_ns;
	}
	server_notify(server, &event);
}

static void count_sent(struct client *client, size_t n)
{
	client->sent += n;
	counts_add(&client_counts(client)->sent, n);
}

struct client *client_next(const struct client *client)
{
	return client->next;
}

/* --- output */

/* Sends bytes[0..n) behind what waits; false where the connection is broken, which has
 * closed it. */
static bool send_or_keep(struct sonde_server *server, struct client *client,
			 const uint8_t *bytes, size_t n)
{
	size_t sent = 0;

	if (n == 0)
		return true;
	if (waiting_left(&client->output) == 0) {
		ssize_t r = send(client->fd, bytes, n, MSG_NOSIGNAL);
		if (r < 0 && errno != EAGAIN && errno != EINTR) {
			client_close_broken(server, client, errno);
			return false;
		}
		sent = r > 0 ? (size_t)r : 0;
		count_sent(client, sent);
	}
	if (sent == n)
		return true;

	size_t waiting = waiting_left(&client->output);
	uint8_t *kept = malloc(waiting + n - sent);
	if (!kept) {
		client_close_broken(server, client, ENOMEM);
		return false;
	}
	if (waiting > 0)
		memcpy(kept, client->output.bytes + client->output.at, waiting);
	memcpy(kept + waiting, bytes + sent, n - sent);
	waiting_drop(&client->output);
	client->output = (struct waiting){kept, 0, (uint32_t)(waiting + n - sent)};
	return true;
}

/* Sends what waits, as far as it goes. */
static bool flush(struct sonde_server *server, struct client *client)
{
	struct waiting *output = &client->output;

	ssize_t r = send(client->fd, output->bytes + output->at, waiting_left(output),
			 MSG_NOSIGNAL);
	if (r < 0 && errno != EAGAIN && errno != EINTR) {
		client_close_broken(server, client, errno);
		return false;
	}
	if (r > 0) {
		output->at += (uint32_t)r;
		count_sent(client, (size_t)r);
		client->active_ns = loop_now_ns(server->loop);
	}
	if (waiting_left(output) == 0)
		waiting_drop(output);
	return true;
}

/* --- input */

static void tell(struct sonde_server *server, struct client *client,
		 const struct service_turn *turn)
{
	if (turn->answered > 0) {
		client->answered += turn->answered;
		counts_add(&client_counts(client)->answered, turn->answered);
		client_notify(server, client, SONDE_SERVE_ANSWERED, turn->given,
			      turn->answered, turn_remark(turn));
	}
	if (turn->refused && !server->stopping) {
		counts_add(&client_counts(client)->refused, 1);
		client_notify(server, client, SONDE_SERVE_REFUSED, 0, 0, turn->reason);
	}
}

/* Lets the service answer bytes[0..n), which are all that is not answered yet; keeps what
 * it does not take. */
static void work(struct sonde_server *server, struct client *client, const uint8_t *bytes,
		 size_t n, bool paused)
{
	const struct service *service = client->spec->service;
	bool refused = false, awaits_pause = false;

	for (int i = 0; i < LIMIT_CLIENT_ROUNDS; i++) {
		struct service_turn turn;
		turn_begin(server, client->spec, &turn);
		turn.state = client->service_state;
		turn.input = bytes;
		turn.input_bytes = n;
		turn.input_ended = client->finished || server->stopping;
		turn.input_paused = paused;
		turn.output = server->output;
		turn.output_capacity =
			LIMIT_CLIENT_OUTPUT - waiting_left(&client->output);
		client->wish = (uint8_t)service->feed(&turn);
		assert(turn.taken <= n && turn.given <= turn.output_capacity);
		bytes += turn.taken;
		n -= turn.taken;
		if (!send_or_keep(server, client, server->output, turn.given))
			return;
		refused = refused || turn.refused;
		awaits_pause = turn.awaits_pause;
		tell(server, client, &turn);
		if (client->wish != SERVICE_NEEDS_ROOM ||
		    waiting_left(&client->output) > 0)
			break;
	}
	if (client->wish == SERVICE_CLOSES) {
		client_end(client,
			   refused ? "a request that cannot be answered" : "all is said");
		return;
	}
	if (client->spec->once && client->answered > 0) {
		client_end(client, "one answer was asked for (once)");
		return;
	}
	if (client->wish == SERVICE_NEEDS_INPUT && n > service->request_bytes) {
		client_end(client, "a request without an end");
		return;
	}
	struct waiting kept = {n > 0 ? take_bytes(bytes, n) : NULL, 0, (uint32_t)n};
	waiting_drop(&client->input);
	if (n > 0 && !kept.bytes) {
		client_close_broken(server, client, ENOMEM);
		return;
	}
	client->input = kept;
	if (awaits_pause) {
		client->pause_ns =
			loop_now_ns(server->loop) + LIMIT_MESSAGE_PAUSE_MS * NS_PER_MS;
		loop_set_deadline(server->loop, client->slot, client->pause_ns);
	}
}

static void receive(struct sonde_server *server, struct client *client,
		    bool may_have_more)
{
	size_t kept = waiting_left(&client->input);

	if (kept > 0)
		memcpy(server->input, client->input.bytes + client->input.at, kept);
	ssize_t n = recv(client->fd, server->input + kept, LIMIT_CLIENT_INPUT, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client_close_broken(server, client, errno);
		return;
	}
	client->active_ns = loop_now_ns(server->loop);
	client->unread = n == LIMIT_CLIENT_INPUT || (n > 0 && may_have_more);
	if (n > 0) {
		client->received += (uint64_t)n;
		counts_add(&client_counts(client)->received, (uint64_t)n);
		client_notify(server, client, SONDE_SERVE_RECEIVED, (size_t)n, 0, NULL);
	} else {
		client->finished = true;
	}
	if (!client->spec->service->ignores_input)
		work(server, client, server->input, kept + (size_t)n, false);
}

/* Goes on with input that waited for room, or for a pause. */
static void resume(struct sonde_server *server, struct client *client, bool paused)
{
	size_t kept = waiting_left(&client->input);

	if (kept > 0)
		memcpy(server->input, client->input.bytes + client->input.at, kept);
	work(server, client, server->input, kept, paused);
}

/* --- the turn of a client */

/* After every event: goes on to the state that is due, and watches for what it needs. */
static void settle(struct sonde_server *server, struct client *client)
{
	bool ended = client->finished || server->stopping;
	uint32_t events = 0;

	if (client->state == CLIENT_OPEN && ended && client->wish == SERVICE_NEEDS_INPUT)
		client_end(client,
			   server->stopping ? "the server stops" : "the client closed");
	if (client->state == CLIENT_ENDING && waiting_left(&client->output) == 0) {
		client_finish(server, client);
		return;
	}
	if (client->state != CLIENT_OPEN && client->state != CLIENT_ENDING)
		return;
	if (client->wish == SERVICE_NEEDS_INPUT && !ended &&
	    waiting_left(&client->output) < LIMIT_CLIENT_OUTPUT)
		events |= EPOLLIN;
	if (waiting_left(&client->output) > 0 || client->wish == SERVICE_NEEDS_ROOM)
		events |= EPOLLOUT;
	/* What nobody looks at is taken off the wire even while the output is full. */
	if (client->spec->service->ignores_input && !ended)
		events |= EPOLLIN;
	if (events == EPOLLIN)
		events = EVENTS_READS;
	int r = client->unread ? loop_watch_anew(server->loop, client->slot, events)
			       : loop_watch(server->loop, client->slot, events);
	client->unread = false;
	if (r < 0)
		client_close_broken(server, client, -r);
}

void client_ready(void *context, void *object, uint32_t events)
{
	struct sonde_server *server = context;
	struct client *client = object;
	bool broken = events & (EPOLLERR | EPOLLHUP);
	bool hung_up = broken || events & EPOLLRDHUP;
	bool may_have_more = hung_up || events & EPOLLPRI;

	if (client->state == CLIENT_LINGERING) {
		client_linger(server, client);
		return;
	}
	if (waiting_left(&client->output) > 0 && (broken || events & EPOLLOUT)) {
		if (!flush(server, client))
			return;
		if (broken && waiting_left(&client->output) > 0) {
			client_close_broken(server, client, ECONNRESET);
			return;
		}
	}
	if (client->state == CLIENT_OPEN && client->spec->service->ignores_input &&
	    events & EPOLLIN && !client->finished)
		receive(server, client, may_have_more);
	if (client->state == CLIENT_OPEN) {
		if (client->wish == SERVICE_NEEDS_ROOM)
			resume(server, client, false);
		else if (may_have_more || events & EPOLLIN)
			receive(server, client, may_have_more);
	}
	settle(server, client);
}

void client_late(void *context, void *object)
{
	struct sonde_server *server = context;
	struct client *client = object;

	if (client->state == CLIENT_LINGERING) {
		client_close(server, client, client->reason);
		return;
	}
	if (client->pause_ns > 0 && client->state == CLIENT_OPEN) {
		client->pause_ns = 0;
		resume(server, client, true);
		settle(server, client);
		if (client->state != CLIENT_OPEN)
			return;
	}
	if (server->options.idle_timeout_ns == 0)
		return;
	/* Activity does not move the deadline, which would cost with every request: it is
	 * looked at when the deadline comes. */
	int64_t due_ns =
		clock_after_ns(client->active_ns, server->options.idle_timeout_ns);
	if (due_ns > loop_now_ns(server->loop)) {
		loop_set_deadline(server->loop, client->slot, due_ns);
		return;
	}
	char reason[64];
	struct sonde_text text;
	sonde_text_init(&text, reason, sizeof(reason));
	sonde_text_add(&text, "idle for ");
	sonde_text_add_duration(&text, server->options.idle_timeout_ns);
	client_close(server, client, reason);
}

void client_stop(struct sonde_server *server, struct client *client)
{
	if (client->state == CLIENT_LINGERING) {
		client_linger(server, client);
		return;
	}
	if (client->spec->service->ignores_input)
		client_end(client, "the server stops");
	bool has_room =
		client->wish == SERVICE_NEEDS_ROOM && waiting_left(&client->output) == 0;
	if (client->state == CLIENT_OPEN && (has_room || client->pause_ns > 0)) {
		client->pause_ns = 0;
		resume(server, client, false);
	}
	settle(server, client);
}

int client_new(struct sonde_server *server, int fd, const struct serve_spec *spec,
	       const struct sonde_address *peer)
{
	struct client *client = aligned_alloc(CACHE_LINE, sizeof(*client));
	int r = -ENOMEM;

	if (!client)
		return r;
	memset(client, 0, sizeof(*client));
	if (spec->service->state_bytes > 0) {
		client->service_state = calloc(1, spec->service->state_bytes);
		if (!client->service_state)
			goto out;
	}
	client->spec = spec;
	client->fd = fd;
	client->peer = *peer;
	client->came_ns = clock_monotonic_ns();
	client->active_ns = loop_now_ns(server->loop);
	r = loop_add(server->loop, SERVER_CLIENT, fd, EVENTS_READS, client);
	if (r < 0)
		goto out;
	client->slot = r;
	client->number = atomic_fetch_add(&server->crew->accepted, 1) + 1;
	client->next = server->clients;
	if (client->next)
		client->next->previous = client;
	server->clients = client;
	if (server->options.idle_timeout_ns > 0)
		loop_set_deadline(server->loop, client->slot,
				  clock_after_ns(client->active_ns,
						 server->options.idle_timeout_ns));
	counts_add(&client_counts(client)->clients, 1);
	client_notify(server, client, SONDE_SERVE_ACCEPTED, 0, 0, NULL);
	if (spec->service->speaks_first) {
		work(server, client, server->input, 0, false);
		settle(server, client);
	}
	return 0;
out:
	client_free(server, client);
	return r;
}
