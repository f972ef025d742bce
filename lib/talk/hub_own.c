/* Our own input and output, among many clients: what is typed here goes to all of them, what
 * any of them says is shown here.
 *
 * Who only passes bytes on to us (PIPE) waits while our output is full.  Of a broker and a
 * chat we are one listener among many, and keep nobody from talking: our output is let go,
 * as a client would be, when LIMIT_TALK_QUEUE bytes wait for it. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "talk/encode.h"
#include "talk/listener.h"
#include "talk/outlet.h"

/* ---- output */

static void give_up_output(struct sonde_listener *listener)
{
	listener_note(listener,
		      "standard output is not read: %d bytes wait for it already, the "
		      "clients go on without it",
		      LIMIT_TALK_QUEUE);
	if (listener->out_slot >= 0)
		loop_close(listener->loop, listener->out_slot);
	listener->out_slot = -1;
	outlet_close(&listener->out);
	queue_done(&listener->out_queue);
}

static void queue_output(struct sonde_listener *listener, const void *bytes, size_t n)
{
	int r = queue_add(&listener->out_queue, bytes, n);

	if (r == -ENOBUFS && listener->options.use != SONDE_LISTEN_PIPE)
		give_up_output(listener);
	else if (r < 0)
		listener_fail(listener, r, "write", "standard output");
}

static void queue_escaped(struct caller *from, const uint8_t *bytes, size_t n)
{
	struct sonde_listener *listener = from->listener;
	uint8_t *text = listener_take_buffer(listener);

	if (!text) {
		listener_fail(listener, -ENOMEM, "write", "standard output");
		return;
	}
	for (size_t at = 0; at < n;) {
		size_t part = n - at < ENCODE_READ_BYTES ? n - at : ENCODE_READ_BYTES;

		queue_output(listener, text,
			     encode_shown(&from->held, bytes + at, part, text,
					  LIMIT_TALK_BYTES));
		at += part;
	}
	listener_give_buffer(listener, text);
}

void hub_show(struct caller *from, const void *bytes, size_t n)
{
	struct sonde_listener *listener = from->listener;

	if (listener->out.fd < 0)
		return;
	/* A chat's lines are escaped, for everybody. */
	if (listener->options.escapes && listener->options.use != SONDE_LISTEN_CHAT)
		queue_escaped(from, bytes, n);
	else
		queue_output(listener, bytes, n);
	hub_write_output(listener);
}

void hub_show_last(struct caller *client)
{
	uint8_t text[4 * sizeof(client->held.bytes) + 1];

	queue_output(client->listener, text,
		     encode_shown_end(&client->held, text, sizeof(text)));
	hub_write_output(client->listener);
}

bool hub_output_is_full(const struct sonde_listener *listener)
{
	return listener->options.use == SONDE_LISTEN_PIPE && listener->out_queue.used > 0;
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
	if (listener_is_datagram(listener))
		listener_watch(listener);
}

/* ---- input */

/* Ours waits until every client has taken what came before; of a broker, where one that
 * does not read is let go in the end, until it has taken some of it. */
static bool is_awaited(const struct caller *client)
{
	size_t waits = client->queue.used - client->queue.at;

	return client->listener->options.use == SONDE_LISTEN_PIPE
		       ? waits > 0
		       : waits > LIMIT_TALK_QUEUE / 2;
}

void hub_watch_input(struct sonde_listener *listener)
{
	bool waits = false;

	if (listener->in_slot < 0)
		return;
	for (const struct caller *it = listener->clients; it && !waits; it = it->next)
		waits = is_awaited(it);
	listener->in_waits = waits;
	if (listener->in_is_file)
		loop_set_deadline(listener->loop, listener->in_slot,
				  waits ? LOOP_NEVER : loop_now_ns(listener->loop));
	else
		loop_watch(listener->loop, listener->in_slot, waits ? 0 : EPOLLIN);
}

static void take_input(struct sonde_listener *listener, const uint8_t *bytes, size_t n)
{
	if (listener->options.use != SONDE_LISTEN_CHAT)
		hub_say(listener, NULL, bytes, n);
	else if (hub_chat(listener, NULL, bytes, n) < 0)
		listener_fail(listener, -ENOMEM, "read", "standard input");
}

static void end_input(struct sonde_listener *listener)
{
	struct caller *next;

	listener->in_ended = true;
	loop_close(listener->loop, listener->in_slot);
	listener->in_slot = -1;
	for (struct caller *it = listener->clients; it; it = next) {
		next = it->next;
		if (it->state == CLIENT_OPEN)
			hub_ready(it);
	}
}

void hub_read_input(struct sonde_listener *listener)
{
	uint8_t *bytes = listener->scratch;
	ssize_t got;

	do {
		got = read(listener->options.in_fd, bytes, LIMIT_LISTEN_INPUT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got < 0) {
		listener_fail(listener, -errno, "read", "standard input");
	} else if (got == 0) {
		end_input(listener);
	} else {
		take_input(listener, bytes, (size_t)got);
		hub_watch_input(listener);
	}
}

/* ---- both */

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
