/* One client's life: what it waits for, bytes both ways, and how it ended. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "talk/listener.h"

enum {
	DATAGRAM_IDLE_S = 60, /* UDP has no end: silence is one */
	LEAVING_MS = 1000,    /* for a client to notice that nobody wants more */
};

static bool is_hub(const struct sonde_listener *listener)
{
	return listener->options.use <= SONDE_LISTEN_CHAT;
}

void caller_tell(struct caller *client, struct sonde_listen_event *event)
{
	event->client = client->number;
	event->local = client->local;
	event->peer = client->peer;
	event->local_address = client->local_address;
	event->peer_address = client->peer_address;
	listener_tell(client->listener, event);
}

void caller_count_received(struct caller *client, const void *bytes, size_t n)
{
	client->received += n;
	client->active_ns = loop_now_ns(client->listener->loop);
	client->listener->totals.received += n;
	if (client->listener->options.wants_bytes && n > 0)
		caller_tell(client,
			    &(struct sonde_listen_event){.kind = SONDE_LISTEN_RECEIVED,
							 .bytes = bytes,
							 .count = n});
}

void caller_count_sent(struct caller *client, const void *bytes, size_t n)
{
	client->sent += n;
	client->active_ns = loop_now_ns(client->listener->loop);
	client->listener->totals.sent += n;
	if (client->listener->options.wants_bytes && n > 0)
		caller_tell(client,
			    &(struct sonde_listen_event){.kind = SONDE_LISTEN_SENT,
							 .bytes = bytes,
							 .count = n});
}

/* What it looks like on the wire. */
static const char *end_name(const struct caller *client)
{
	if (stream_is_tls(client->near.stream))
		return "close_notify";
	return client->listener->options.transport == SONDE_TRANSPORT_TCP ? "FIN"
									  : "shutdown";
}

void caller_tell_ends(struct caller *client)
{
	struct end *near = &client->near;
	struct sonde_listen_event event = {.text = end_name(client)};

	if (near->has_ended && !client->told_end) {
		client->told_end = true;
		event.kind = SONDE_LISTEN_ENDED;
		caller_tell(client, &event);
	}
	if (near->heard_it && !client->told_sent_end) {
		client->told_sent_end = true;
		event.kind = SONDE_LISTEN_SENT_END;
		caller_tell(client, &event);
	}
}

/* ---- the end */

static void close_end(struct end *end, bool is_reset)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct sonde_listener *listener = end->client->listener;

	if (!end->stream)
		return;
	if (is_reset && !end->stream->is_datagram)
		setsockopt(stream_fd(end->stream), SOL_SOCKET, SO_LINGER, &at_once,
			   sizeof(at_once));
	end_close(end);
	if (end->kept)
		listener_give_buffer(listener, end->kept);
	end->kept = NULL;
}

static void free_client(struct caller *client)
{
	queue_done(&client->queue);
	array_free(client->line.bytes);
	array_free(client);
}

void caller_free_end(struct end *end)
{
	struct caller *client = end->client;

	if (--client->refs == 0 && client->state == CLIENT_CLOSED)
		free_client(client);
}

void caller_close(struct caller *client, bool in_order, bool is_reset, const char *format,
		  ...)
{
	struct sonde_listener *listener = client->listener;
	bool was_open = client->state == CLIENT_OPEN;
	char text[256];
	va_list arguments;

	if (client->state == CLIENT_CLOSED)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (client->state == CLIENT_WAITING)
		listener->waiting_count--;
	client->state = CLIENT_CLOSED;
	if (client->next)
		client->next->link = client->link;
	*client->link = client->next;
	close_end(&client->near, is_reset);
	close_end(&client->far, is_reset);
	listener->client_count--;
	caller_tell(client, &(struct sonde_listen_event){
				    .kind = SONDE_LISTEN_CLOSED,
				    .text = text,
				    .received = client->received,
				    .sent = client->sent,
				    .lasted_ns = clock_monotonic_ns() - client->opened_ns,
				    .in_order = in_order,
			    });
	if (was_open && is_hub(listener))
		hub_remove(client);
	if (!in_order && !listener->options.keep_open && !listener->why_client) {
		listener->why_client = true;
		sonde_error_set(&listener->why, SONDE_ERROR_NETWORK, -ECONNABORTED,
				"serve", client->peer[0] ? client->peer : "the client",
				"%s", text);
	}
	if (!listener->options.keep_open)
		listener->is_done = true;
	listener_watch(listener);
	if (client->refs == 0)
		free_client(client);
}

/* What an end's failure is called, and whether it was a reset that the other end should
 * see, too. */
static void fail(struct caller *client, const struct end *end, int error)
{
	const char *who = end == &client->near ? "the client" : "the other end";
	const char *trouble = end->stream ? end->stream->trouble : "";

	if (trouble[0])
		caller_close(client, false, true, "%s: %s", who, trouble);
	else if (error == -ECONNRESET)
		caller_close(client, false, true, "%s reset the connection (ECONNRESET)",
			     who);
	else if (error == -ETIMEDOUT)
		caller_close(client, false, true,
			     "%s does not answer any more (ETIMEDOUT)", who);
	else
		caller_close(client, false, true, "%s: %s", who, strerrordesc_np(-error));
}

/* ---- waiting */

/* Of an end that is not waited for a failure is told, and once: that both directions are
 * closed may stay so until the other end has taken what is left. */
void caller_watch_end(struct end *end, uint32_t events)
{
	struct loop *loop = end->client->listener->loop;

	if (events == 0)
		events = EPOLLET;
	if (!end->stream || end->watched == events)
		return;
	end->watched = events;
	if (end->write_slot >= 0) {
		loop_watch(loop, end->write_slot,
			   (events & EPOLLOUT) ? EPOLLOUT : EPOLLET);
		events &= ~(uint32_t)EPOLLOUT;
	}
	loop_watch(loop, end->slot, events ? events : EPOLLET);
}

static uint32_t wants_of(const struct end *end)
{
	const struct end *other = end->other;
	bool reads, writes;

	if (!end->stream)
		return 0;
	reads = !end->has_ended && !end->keeps;
	writes =
		!end->is_broken && (other->keeps || (other->has_ended && !end->was_told));
	return stream_events(end->stream, reads, writes);
}

static int64_t idle_ns(const struct caller *client)
{
	int64_t limit_ns = client->listener->options.idle_timeout_ns;

	if (limit_ns <= 0 && listener_is_datagram(client->listener))
		limit_ns = DATAGRAM_IDLE_S * NS_PER_S;
	return limit_ns > 0 ? clock_after_ns(client->active_ns, limit_ns) : LOOP_NEVER;
}

/* Bytes that a stream has already are not told by the kernel: the deadline is now. */
static bool has_more(const struct end *end)
{
	return end->stream && stream_has_pending(end->stream) && !end->has_ended &&
	       !end->keeps;
}

void caller_watch(struct caller *client)
{
	struct loop *loop = client->listener->loop;
	int64_t until_ns = client->deadline_ns;

	if (client->state == CLIENT_CLOSED)
		return;
	if (client->state == CLIENT_OPEN) {
		until_ns = idle_ns(client);
		if (is_hub(client->listener)) {
			bool has_bytes = client->queue.used > client->queue.at;

			caller_watch_end(&client->near,
					 stream_events(client->near.stream,
						       !client->near.has_ended,
						       has_bytes));
		} else {
			caller_watch_end(&client->near, wants_of(&client->near));
			caller_watch_end(&client->far, wants_of(&client->far));
		}
		if (has_more(&client->near) || has_more(&client->far) || client->failing)
			until_ns = loop_now_ns(loop);
	}
	loop_set_deadline(loop, client->near.slot, until_ns);
}

/* ---- moving bytes */

/* It was still sending when all was over: closed now it would get a reset, and perhaps not
 * what it was sent last. */
static void begin_leaving(struct caller *client)
{
	end_close(&client->far);
	client->state = CLIENT_LEAVING;
	client->deadline_ns =
		loop_now_ns(client->listener->loop) + LEAVING_MS * NS_PER_MS;
	caller_watch_end(&client->near, stream_events(client->near.stream, true, false));
	caller_watch(client);
}

static void leave(struct caller *client)
{
	struct end *near = &client->near;
	ssize_t got = 1;

	for (int i = 0; i < LIMIT_LISTEN_ROUNDS && got > 0; i++)
		got = stream_read(near->stream, client->listener->scratch,
				  LIMIT_TALK_BYTES);
	if (got == -EAGAIN || got > 0)
		caller_watch(client);
	else
		caller_close(client, true, false, "both ends are done");
}

static void move(struct caller *client)
{
	struct end *near = &client->near, *far = &client->far, *failed = NULL;
	int r = pump(near, far, &failed);

	if (r == 0)
		r = pump(far, near, &failed);
	if (r < 0) {
		fail(client, failed, r);
		return;
	}
	caller_tell_ends(client);
	if (!pump_is_over(near, far) || !pump_is_over(far, near))
		caller_watch(client);
	else if (near->wastes && !near->has_ended)
		begin_leaving(client);
	else
		caller_close(client, true, false, "both ends are done");
}

void caller_opened(struct caller *client)
{
	client->state = CLIENT_OPEN;
	client->active_ns = loop_now_ns(client->listener->loop);
	if (is_hub(client->listener)) {
		hub_add(client);
		if (client->state == CLIENT_OPEN)
			hub_ready(client);
		return;
	}
	client->near.other = &client->far;
	client->far.other = &client->near;
	move(client);
}

void caller_take_datagram(struct caller *client, const uint8_t *bytes, size_t n)
{
	if (client->state != CLIENT_OPEN && client->state != CLIENT_REACHING)
		return;
	client->active_ns = loop_now_ns(client->listener->loop);
	if (is_hub(client->listener)) {
		hub_pass(client, bytes, n);
	} else if (client->far.stream) {
		pump_datagram(&client->near, &client->far, bytes, n);
		caller_watch(client);
	}
}

/* ---- events */

void caller_ready(struct caller *client, struct end *end, uint32_t events)
{
	int error = 0;
	socklen_t size = sizeof(error);

	switch (client->state) {
	case CLIENT_HANDSHAKE:
		caller_shake_hands(client);
		return;
	case CLIENT_REACHING:
		if (end == &client->far) {
			reach_ready(client);
		} else if (events & (EPOLLERR | EPOLLHUP)) {
			caller_close(client, false, true,
				     "the client left before it was relayed");
		}
		return;
	case CLIENT_WAITING:
		if (events & (EPOLLERR | EPOLLHUP))
			caller_close(client, false, true,
				     "the client left before it was its turn");
		return;
	case CLIENT_LEAVING:
		leave(client);
		return;
	case CLIENT_CLOSED:
		return;
	case CLIENT_OPEN:
		break;
	}
	if (end->watched == EPOLLET && (events & (EPOLLERR | EPOLLHUP))) {
		getsockopt(stream_fd(end->stream), SOL_SOCKET, SO_ERROR, &error, &size);
		if (error)
			fail(client, end, -error);
		return;
	}
	if (is_hub(client->listener))
		hub_ready(client);
	else
		move(client);
}

void caller_write_ready(struct caller *client, struct end *end, uint32_t events)
{
	if (client->state != CLIENT_OPEN)
		return;
	if (events & (EPOLLERR | EPOLLHUP))
		pump_break(end->other, end);
	move(client);
}

void caller_late(struct caller *client)
{
	int64_t now_ns = loop_now_ns(client->listener->loop);

	if (client->state == CLIENT_CLOSED)
		return;
	if (client->state == CLIENT_HANDSHAKE) {
		caller_close(client, false, true, "TLS: the handshake took too long");
	} else if (client->state == CLIENT_REACHING) {
		reach_late(client);
	} else if (client->state == CLIENT_WAITING) {
		caller_begin_again(client);
	} else if (client->state == CLIENT_LEAVING) {
		caller_close(client, true, false, "both ends are done");
	} else if (client->failing) {
		hub_fail(client);
	} else if (idle_ns(client) <= now_ns) {
		caller_close(client, listener_is_datagram(client->listener), false,
			     "nothing came or went for too long");
	} else if (is_hub(client->listener)) {
		hub_ready(client);
	} else {
		move(client);
	}
}
