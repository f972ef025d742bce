/* One client's bytes to others: to all of them (broker), as lines with its number (chat),
 * or to this program's own output, while its input goes to all.
 *
 * Here many hear what one says, so that a client which takes nothing must not stop it: what
 * it owes is queued, up to LIMIT_TALK_QUEUE bytes, and then it is let go, with a word. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/array.h"
#include "talk/listener.h"
#include "talk/outlet.h"

enum { QUEUE_FIRST = 4096, ROUNDS = 4 };

/* ---- queues */

/* -ENOBUFS: full. */
static int queue_add(struct queue *queue, const void *bytes, size_t n)
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

static void queue_empty(struct queue *queue)
{
	if (queue->at == queue->used)
		queue_done(queue); /* an idle client holds no memory */
}

/* ---- to one client */

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
	}
	queue_empty(queue);
	return 0;
}

/* Closes the client when it cannot take it. */
static void give(struct caller *client, const void *bytes, size_t n)
{
	size_t at = 0;
	int r = 0;

	if (client->near.was_told)
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
	if (r == 0 && at < n)
		r = queue_add(&client->queue, (const uint8_t *)bytes + at, n - at);
	if (r == -ENOBUFS)
		caller_close(client, false, true,
			     "it does not read: %d bytes wait for it already",
			     LIMIT_TALK_QUEUE);
	else if (r < 0)
		caller_close(client, false, true, "%s", strerrordesc_np(-r));
	else
		caller_watch(client);
}

static void give_others(struct caller *from, const void *bytes, size_t n)
{
	struct caller *next;

	for (struct caller *it = from->listener->clients; it; it = next) {
		next = it->next;
		if (it != from && it->state == CLIENT_OPEN)
			give(it, bytes, n);
	}
}

/* ---- chat */

static unsigned count_open(const struct sonde_listener *listener)
{
	unsigned count = 0;

	for (const struct caller *it = listener->clients; it; it = it->next)
		count += it->state == CLIENT_OPEN;
	return count;
}

static void announce(struct caller *client, const char *what)
{
	unsigned count = count_open(client->listener);
	char text[SONDE_ENDPOINT_CHARS + 96];
	int n = snprintf(text, sizeof(text), "* %llu (%s) %s, %u here\n",
			 (unsigned long long)client->number,
			 client->peer[0] ? client->peer : "unix", what, count);

	give_others(client, text, (size_t)n);
}

static void say_line(struct caller *client, size_t n)
{
	/* A control character may be four times as long when it is escaped. */
	char text[4 * LIMIT_LISTEN_LINE + 32];
	struct sonde_text line;

	while (n > 0 && (client->line[n - 1] == '\n' || client->line[n - 1] == '\r'))
		n--;
	sonde_text_init(&line, text, sizeof(text));
	sonde_text_add(&line, "%llu: ", (unsigned long long)client->number);
	sonde_text_add_escaped(&line, client->line, n);
	sonde_text_add(&line, "\n");
	give_others(client, text, line.used);
}

static int chat(struct caller *client, const uint8_t *bytes, size_t n)
{
	if (!client->line)
		client->line = array_new(LIMIT_LISTEN_LINE, 1);
	if (!client->line)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		client->line[client->line_used++] = bytes[i];
		if (bytes[i] == '\n' || client->line_used == LIMIT_LISTEN_LINE) {
			say_line(client, client->line_used);
			client->line_used = 0;
		}
	}
	return 0;
}

/* ---- our own input and output */

static void write_output(struct sonde_listener *listener, const uint8_t *bytes, size_t n)
{
	char text[4 * 1024];
	struct sonde_text shown;

	if (!listener->options.escapes) {
		if (queue_add(&listener->out_queue, bytes, n) < 0)
			listener_fail(listener, -ENOMEM, "write", "standard output");
		return;
	}
	for (size_t at = 0; at < n;) {
		size_t part = n - at < 512 ? n - at : 512;

		sonde_text_init(&shown, text, sizeof(text));
		for (size_t i = at; i < at + part; i++) {
			if (bytes[i] == '\n' || bytes[i] == '\t')
				sonde_text_add(&shown, "%c", bytes[i]);
			else
				sonde_text_add_escaped(&shown, &bytes[i], 1);
		}
		if (queue_add(&listener->out_queue, text, shown.used) < 0)
			listener_fail(listener, -ENOMEM, "write", "standard output");
		at += part;
	}
}

void hub_write_output(struct sonde_listener *listener)
{
	struct queue *queue = &listener->out_queue;

	while (queue->at < queue->used) {
		ssize_t n = outlet_write(&listener->out, queue->bytes + queue->at,
					 queue->used - queue->at);
		if (n == -EAGAIN)
			break;
		if (n == -EPIPE) {
			listener->is_done = true; /* nobody reads any more */
			return;
		}
		if (n < 0) {
			listener_fail(listener, (int)n, "write", "standard output");
			return;
		}
		queue->at += (size_t)n;
	}
	queue_empty(queue);
	/* While it is full nobody is read. */
	if (listener->out_slot >= 0)
		loop_watch(listener->loop, listener->out_slot,
			   queue->used ? EPOLLOUT : 0);
}

/* Our input waits until every client has taken what came before. */
static void watch_input(struct sonde_listener *listener)
{
	bool waits = false;

	if (listener->in_slot < 0)
		return;
	for (const struct caller *it = listener->clients; it && !waits; it = it->next)
		waits = it->queue.used > 0;
	listener->in_waits = waits;
	if (listener->in_is_file)
		loop_set_deadline(listener->loop, listener->in_slot,
				  waits ? LOOP_NEVER : loop_now_ns(listener->loop));
	else
		loop_watch(listener->loop, listener->in_slot, waits ? 0 : EPOLLIN);
}

void hub_read_input(struct sonde_listener *listener)
{
	uint8_t *bytes = listener->scratch;
	struct caller *next;
	ssize_t got;

	do {
		got = read(listener->options.in_fd, bytes, LIMIT_LISTEN_INPUT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got < 0) {
		listener_fail(listener, -errno, "read", "standard input");
		return;
	}
	listener->in_ended = got == 0;
	for (struct caller *it = listener->clients; it; it = next) {
		next = it->next;
		if (it->state != CLIENT_OPEN)
			continue;
		if (got > 0)
			give(it, bytes, (size_t)got);
		else
			hub_ready(it);
	}
	if (got == 0) {
		loop_close(listener->loop, listener->in_slot);
		listener->in_slot = -1;
	} else {
		watch_input(listener);
	}
}

int hub_open_pipe(struct sonde_listener *listener, struct sonde_error *err)
{
	int in_fd = listener->options.in_fd;

	outlet_open(&listener->out, listener->options.out_fd);
	listener->options.out_fd = -1;
	if (listener->out.fd >= 0)
		listener->out_slot = loop_add(listener->loop, KIND_OUTPUT,
					      listener->out.fd, 0, listener);
	if (in_fd < 0) {
		listener->in_ended = true;
		return 0;
	}
	listener->in_slot =
		loop_add(listener->loop, KIND_INPUT, in_fd, EPOLLIN, listener);
	if (listener->in_slot == -EPERM) { /* a file: there is always something */
		listener->in_is_file = true;
		listener->in_slot = loop_add(listener->loop, KIND_INPUT, -1, 0, listener);
		if (listener->in_slot >= 0)
			loop_set_deadline(listener->loop, listener->in_slot, 0);
	}
	if (listener->in_slot < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, listener->in_slot,
				       "read", "standard input", NULL);
	return 0;
}

/* ---- a client */

void hub_add(struct caller *client)
{
	if (client->listener->options.use == SONDE_LISTEN_CHAT)
		announce(client, "came");
}

void hub_remove(struct caller *client)
{
	if (client->listener->in_waits)
		watch_input(client->listener);
	if (client->listener->options.use == SONDE_LISTEN_CHAT)
		announce(client, "left");
}

static int pass(struct caller *client, const uint8_t *bytes, size_t n)
{
	caller_count_received(client, bytes, n);
	switch (client->listener->options.use) {
	case SONDE_LISTEN_CHAT:
		return chat(client, bytes, n);
	case SONDE_LISTEN_BROKER:
		give_others(client, bytes, n);
		return 0;
	default:
		write_output(client->listener, bytes, n);
		hub_write_output(client->listener);
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
	int r = write_queue(client);

	for (int i = 0; i < ROUNDS && r == 0 && !near->has_ended; i++) {
		/* Our output is full: the client waits. */
		if (listener->out_queue.used > 0)
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
		if (client->state == CLIENT_CLOSED)
			return;
	}
	if (listener->in_waits && client->queue.used == 0)
		watch_input(listener);
	if (r == 0 && owes_end(client)) {
		r = stream_shutdown(near->stream);
		if (r == 0 || r == -EOPNOTSUPP || r == -ENOTCONN)
			near->was_told = true;
		r = r == -EAGAIN || near->was_told ? 0 : r;
	}
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
