/* One client's bytes to others: to all of them (broker), as lines with its number (chat),
 * or to this program's own output alone; its own input goes to all.
 *
 * Here many hear what one says, so that a client which takes nothing must not stop it: what
 * it is owed is queued, up to LIMIT_TALK_QUEUE bytes, and then it is let go, with a word.
 * All of them together are owed LIMIT_LISTEN_QUEUED; then the one that is owed the most goes.
 *
 * Who goes, goes in a turn of its own: the others may be told of it (chat), and one of them
 * may be the next. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "talk/listener.h"

enum { QUEUE_FIRST = 4096, ROUNDS = 4 };

/* ---- queues */

int queue_add(struct queue *queue, const void *bytes, size_t n)
{
	if (n > LIMIT_TALK_QUEUE - (queue->used - queue->at))
		return -ENOBUFS;
	if (queue->at > 0 && queue->used + n > queue->room) {
		memmove(queue->bytes, queue->bytes + queue->at, queue->used - queue->at);
		queue->used -= queue->at;
		queue->at = 0;
	}
	if (array_reserve(&queue->bytes, &queue->room,
			  queue->used + n > QUEUE_FIRST ? queue->used + n : QUEUE_FIRST,
			  1) < 0)
		return -ENOMEM;
	memcpy(queue->bytes + queue->used, bytes, n);
	queue->used += n;
	return 0;
}

void queue_done(struct queue *queue)
{
	array_free(queue->bytes);
	*queue = (struct queue){0};
}

void queue_empty(struct queue *queue)
{
	if (queue->at == queue->used)
		queue_done(queue); /* an idle client holds no memory */
}

/* ---- to one client */

static void drop_queue(struct caller *client)
{
	client->listener->queued -= client->queue.used - client->queue.at;
	queue_done(&client->queue);
}

static int write_queue(struct caller *client)
{
	struct queue *queue = &client->queue;

	while (queue->at < queue->used) {
		ssize_t sent = stream_write(client->near.stream, queue->bytes + queue->at,
					    queue->used - queue->at);
		if (sent < 0)
			return sent == -EAGAIN ? 0 : (int)sent;
		caller_count_sent(client, queue->bytes + queue->at, (size_t)sent);
		queue->at += (size_t)sent;
		client->listener->queued -= (uint64_t)sent;
	}
	queue_empty(queue);
	return 0;
}

static void fail_later(struct caller *client, int error)
{
	client->failing = error;
	drop_queue(client);
	caller_watch(client);
}

void hub_fail(struct caller *client)
{
	const char *trouble = client->near.stream->trouble;

	if (client->failing == -ENOBUFS)
		caller_close(client, false, true,
			     "it does not read: %d bytes wait for it already",
			     LIMIT_TALK_QUEUE);
	else if (client->failing == -EDQUOT)
		caller_close(client, false, true,
			     "it does not read, and %d bytes wait for all clients",
			     LIMIT_LISTEN_QUEUED);
	else
		caller_close(client, false, true, "%s",
			     trouble[0] ? trouble : strerrordesc_np(-client->failing));
}

/* So that n bytes more may wait: lets go who is owed the most. */
static void make_room(struct sonde_listener *listener, size_t n)
{
	while (listener->queued + n > LIMIT_LISTEN_QUEUED) {
		struct caller *most = NULL;
		size_t most_bytes = 0;

		for (struct caller *it = listener->clients; it; it = it->next) {
			size_t bytes = it->queue.used - it->queue.at;

			if (bytes > most_bytes) {
				most = it;
				most_bytes = bytes;
			}
		}
		if (!most)
			return;
		fail_later(most, -EDQUOT);
	}
}

/* Lets the client go when it cannot take it. */
static void give(struct caller *client, const void *bytes, size_t n)
{
	size_t at = 0;
	int r = 0;

	if (client->near.was_told || client->failing)
		return;
	if (client->queue.used == 0) {
		ssize_t sent = stream_write(client->near.stream, bytes, n);

		if (sent >= 0) {
			at = (size_t)sent;
			caller_count_sent(client, bytes, at);
		} else if (sent != -EAGAIN) {
			r = (int)sent;
		}
		if (client->near.stream->is_datagram)
			return;
	}
	if (r == 0 && at < n) {
		make_room(client->listener, n - at);
		if (client->failing)
			return;
		r = queue_add(&client->queue, (const uint8_t *)bytes + at, n - at);
		if (r == 0)
			client->listener->queued += n - at;
	}
	if (r < 0)
		fail_later(client, r);
	else
		caller_watch(client);
}

void hub_say(struct sonde_listener *listener, struct caller *from, const void *bytes,
	     size_t n)
{
	struct caller *next;

	for (struct caller *it = listener->clients; it; it = next) {
		next = it->next;
		if (it != from && it->state == CLIENT_OPEN)
			give(it, bytes, n);
	}
	if (from)
		hub_show(from, bytes, n);
}

/* ---- a client */

void hub_add(struct caller *client)
{
	if (client->listener->options.use == SONDE_LISTEN_CHAT)
		hub_announce(client, "came");
}

void hub_remove(struct caller *client)
{
	drop_queue(client);
	if (client->listener->in_waits)
		hub_watch_input(client->listener);
	if (client->held.used > 0)
		hub_show_last(client);
	hub_chat_end(client);
	if (client->listener->options.use == SONDE_LISTEN_CHAT)
		hub_announce(client, "left");
}

static int pass(struct caller *client, const uint8_t *bytes, size_t n)
{
	caller_count_received(client, bytes, n);
	switch (client->listener->options.use) {
	case SONDE_LISTEN_CHAT:
		return hub_chat(client->listener, client, bytes, n);
	case SONDE_LISTEN_BROKER:
		hub_say(client->listener, client, bytes, n);
		return 0;
	default:
		hub_show(client, bytes, n);
		return 0;
	}
}

/* Nothing more will be sent to it: our input has ended. */
static bool owes_end(const struct caller *client)
{
	const struct sonde_listener *listener = client->listener;

	return listener->options.use == SONDE_LISTEN_PIPE && listener->in_ended &&
	       !client->near.was_told && client->queue.used == 0;
}

void hub_ready(struct caller *client)
{
	struct sonde_listener *listener = client->listener;
	struct end *near = &client->near;

	if (client->failing) {
		hub_fail(client);
		return;
	}
	int r = write_queue(client);

	for (int i = 0; i < ROUNDS && r == 0 && !near->has_ended; i++) {
		/* Our output is full: the client waits. */
		if (hub_output_is_full(listener))
			break;
		ssize_t got =
			stream_read(near->stream, listener->scratch, LIMIT_LISTEN_INPUT);
		if (got == -EAGAIN)
			break;
		if (got == 0 && !near->stream->is_datagram)
			near->has_ended = true;
		else
			r = got < 0 ? (int)got
				    : pass(client, listener->scratch, (size_t)got);
		if (client->state == CLIENT_CLOSED || client->failing)
			return;
	}
	if (listener->in_waits && client->queue.used == 0)
		hub_watch_input(listener);
	if (r == 0 && owes_end(client)) {
		r = stream_shutdown(near->stream);
		near->heard_it = r == 0;
		if (r == 0 || r == -EOPNOTSUPP || r == -ENOTCONN)
			near->was_told = true;
		r = r == -EAGAIN || near->was_told ? 0 : r;
	}
	caller_tell_ends(client);
	if (r < 0) {
		caller_close(client, false, true, "%s",
			     near->stream->trouble[0] ? near->stream->trouble
						      : strerrordesc_np(-r));
		return;
	}
	/* Who sends no more still listens, until it closes or our side is over, too: a
	 * client of a broker that has ended its half is done. */
	if (near->has_ended &&
	    (near->was_told || listener->options.use != SONDE_LISTEN_PIPE) &&
	    client->queue.used == 0) {
		caller_close(client, true, false, "the client ended first");
		return;
	}
	caller_watch(client);
}

void hub_pass(struct caller *client, const uint8_t *bytes, size_t n)
{
	int r = pass(client, bytes, n);

	if (r < 0)
		caller_close(client, false, true, "%s", strerrordesc_np(-r));
}
