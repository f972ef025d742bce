/* A listener's life: opened, run, what it tells, and the end.
 *
 * With one client and no more, between two descriptors, a session takes over as soon as it
 * is there (adopt.c). */
#include "talk/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "talk/adopt.h"
#include "talk/unix_path.h"

static bool is_unix(const struct sonde_listener *listener)
{
	return listener->options.transport == SONDE_TRANSPORT_UNIX ||
	       listener->options.transport == SONDE_TRANSPORT_UNIX_DATAGRAM;
}

bool listener_is_datagram(const struct sonde_listener *listener)
{
	return listener->options.transport == SONDE_TRANSPORT_UDP ||
	       listener->options.transport == SONDE_TRANSPORT_UNIX_DATAGRAM;
}

bool listener_is_single_pipe(const struct sonde_listener *listener)
{
	return listener->options.use == SONDE_LISTEN_PIPE && !listener->options.keep_open;
}

/* ---- telling */

void listener_tell(struct sonde_listener *listener, struct sonde_listen_event *event)
{
	if (!listener->options.observer)
		return;
	event->at_ns = clock_realtime_ns();
	event->transport = listener->options.transport;
	event->local = event->local ? event->local : "";
	event->peer = event->peer ? event->peer : "";
	listener->options.observer(listener->options.context, event);
}

void listener_note(struct sonde_listener *listener, const char *format, ...)
{
	struct sonde_listen_event event = {.kind = SONDE_LISTEN_NOTE};
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	event.text = text;
	listener_tell(listener, &event);
}

void listener_fail(struct sonde_listener *listener, int error, const char *operation,
		   const char *subject)
{
	if (listener->error)
		return;
	listener->error = error;
	sonde_error_set(&listener->why, SONDE_ERROR_TROUBLE, error, operation, subject,
			NULL);
}

uint8_t *listener_take_buffer(struct sonde_listener *listener)
{
	if (listener->spare_count > 0)
		return listener->spare[--listener->spare_count];
	return array_new(LIMIT_TALK_BYTES, 1);
}

void listener_give_buffer(struct sonde_listener *listener, uint8_t *buffer)
{
	if (listener->spare_count < LIMIT_LISTEN_SPARE)
		listener->spare[listener->spare_count++] = buffer;
	else
		array_free(buffer);
}

/* ---- the loop */

static void socket_ready(void *context, void *object, uint32_t events)
{
	(void)context;
	(void)events;
	listening_ready(object);
}

static void socket_late(void *context, void *object)
{
	(void)context;
	listening_late(object);
}

static void end_ready(void *context, void *object, uint32_t events)
{
	struct end *end = object;

	(void)context;
	caller_ready(end->client, end, events);
}

static void end_write_ready(void *context, void *object, uint32_t events)
{
	struct end *end = object;

	(void)context;
	caller_write_ready(end->client, end, events);
}

static void end_late(void *context, void *object)
{
	struct end *end = object;

	(void)context;
	caller_late(end->client);
}

static void end_free(void *context, void *object)
{
	(void)context;
	caller_free_end(object);
}

static void input_ready(void *context, void *object, uint32_t events)
{
	(void)object;
	(void)events;
	hub_read_input(context);
}

static void input_late(void *context, void *object)
{
	(void)object;
	hub_read_input(context);
}

static void output_ready(void *context, void *object, uint32_t events)
{
	struct sonde_listener *listener = context;

	(void)object;
	if (listener->out_queue.used == 0 && (events & (EPOLLERR | EPOLLHUP))) {
		listener->is_done = true; /* nobody reads any more */
		return;
	}
	hub_write_output(listener);
	for (struct caller *it = listener->clients, *next; it; it = next) {
		next = it->next;
		if (it->state == CLIENT_OPEN && !hub_output_is_full(listener))
			hub_ready(it);
	}
}

static void one_child_ready(void *context, void *object, uint32_t events)
{
	(void)context;
	(void)events;
	child_ready(object);
}

static void one_child_free(void *context, void *object)
{
	(void)context;
	child_free(object);
}

static void also_ready(void *context, void *object, uint32_t events)
{
	struct sonde_listener *listener = context;

	(void)object;
	(void)events;
	listener->was_told = true;
}

static const struct loop_kind kinds[KINDS] = {
	[KIND_SOCKET] = {.name = "socket",
			 .borrowed = true,
			 .ready = socket_ready,
			 .late = socket_late},
	[KIND_END] = {.name = "end",
		      .borrowed = true,
		      .ready = end_ready,
		      .late = end_late,
		      .free = end_free},
	[KIND_END_WRITE] = {.name = "end, writing",
			    .borrowed = true,
			    .ready = end_write_ready,
			    .free = end_free},
	[KIND_INPUT] = {.name = "input", .ready = input_ready, .late = input_late},
	[KIND_OUTPUT] = {.name = "output", .borrowed = true, .ready = output_ready},
	[KIND_CHILD] = {.name = "child",
			.ready = one_child_ready,
			.free = one_child_free},
	[KIND_ALSO] = {.name = "also", .borrowed = true, .ready = also_ready},
};

/* ---- opening and closing */

static int refuse(const char *what, const char *why, struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "listen", what, "%s",
			       why);
}

static int check(const struct sonde_listener *listener, struct sonde_error *err)
{
	const struct sonde_listen_options *options = &listener->options;

	if (options->tls && listener_is_datagram(listener))
		return refuse("--tls", "it needs a stream, not datagrams", err);
	if (options->transport == SONDE_TRANSPORT_UNIX_DATAGRAM &&
	    !listener_is_single_pipe(listener))
		return refuse("--unix --udp",
			      "datagrams of Unix sockets have one peer only", err);
	if (options->use == SONDE_LISTEN_RELAY && listener_is_datagram(listener) &&
	    options->to->transport == SONDE_TRANSPORT_UNIX)
		return refuse("--to", "datagrams cannot be relayed to a Unix stream",
			      err);
	return 0;
}

static int prepare(struct sonde_listener *listener, struct sonde_error *err)
{
	const int on = 1;
	int r = check(listener, err);

	if (r == 0 && listener->options.use == SONDE_LISTEN_RELAY)
		r = reach_prepare(listener, err);
	if (r == 0 && listener->options.tls)
		r = tls_context_new(TLS_SERVER, listener->options.tls, &listener->tls,
				    err);
	if (r == 0)
		r = listen_bind(listener, err);
	if (r == 0 && listener->options.use == SONDE_LISTEN_RELAY)
		r = reach_check(listener, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < listener->socket_count; i++) {
		struct listening *it = &listener->sockets[i];

		/* Not before it was bound: a second listener must not get in. */
		if (listener->options.transport == SONDE_TRANSPORT_UDP) {
			setsockopt(it->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
			/* Which of our addresses was asked. */
			if (it->address.family == SONDE_FAMILY_INET6)
				setsockopt(it->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
					   sizeof(on));
			else
				setsockopt(it->fd, IPPROTO_IP, IP_PKTINFO, &on,
					   sizeof(on));
		}
		it->slot = loop_add(listener->loop, KIND_SOCKET, it->fd, EPOLLIN, it);
		if (it->slot < 0)
			return sonde_error_set(err, SONDE_ERROR_TROUBLE, it->slot,
					       "listen", listener->options.address, NULL);
	}
	if (listener->options.use <= SONDE_LISTEN_CHAT && listener->options.keep_open)
		r = hub_open_pipe(listener, err);
	return r;
}

/* 0.0.0.0 and [::] rather than * for both: they are two sockets. */
static void format_bound(const struct sonde_address *address, char *ret, size_t capacity)
{
	bool has_brackets = address->family == SONDE_FAMILY_INET6;
	char host[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	snprintf(ret, capacity, "%s%s%s:%u", has_brackets ? "[" : "", host,
		 has_brackets ? "]" : "", address->port);
}

static void tell_listening(struct sonde_listener *listener)
{
	for (size_t i = 0; i < listener->socket_count; i++) {
		struct sonde_listen_event event = {.kind = SONDE_LISTEN_LISTENING};
		char text[SONDE_ENDPOINT_CHARS];

		event.local = listener->options.address;
		if (!is_unix(listener)) {
			event.local_address = listener->sockets[i].address;
			format_bound(&event.local_address, text, sizeof(text));
			event.local = text;
		}
		listener_tell(listener, &event);
	}
}

int sonde_listener_open(const struct sonde_listen_options *options,
			struct sonde_listener **ret, struct sonde_error *err)
{
	struct sonde_listener *listener = array_new(1, sizeof(*listener));
	int r;

	if (!listener)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "listen",
				       options->address, NULL);
	listener->options = *options;
	listener->in_slot = listener->out_slot = -1;
	listener->out.fd = -1;
	if (options->use == SONDE_LISTEN_BROKER || options->use == SONDE_LISTEN_CHAT)
		listener->options.keep_open = true;
	listener->max_clients =
		options->max_clients ? options->max_clients : LIMIT_LISTEN_CLIENTS;
	listener->scratch = array_new(LIMIT_TALK_BYTES, 1);
	r = listener->scratch ? loop_new(kinds, KINDS, listener, &listener->loop)
			      : -ENOMEM;
	if (r < 0)
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "listen", options->address,
				NULL);
	else
		r = prepare(listener, err);
	if (r < 0) {
		sonde_listener_free(listener);
		return r;
	}
	tell_listening(listener);
	*ret = listener;
	return 0;
}

void sonde_listener_free(struct sonde_listener *listener)
{
	if (!listener)
		return;
	while (listener->clients)
		caller_close(listener->clients, true, false, "the listener ended");
	if (listener->loop)
		child_end_all(listener, listener->is_done);
	loop_free(listener->loop);
	while (listener->socket_count > 0)
		close(listener->sockets[--listener->socket_count].fd);
	stream_close(listener->single);
	if (listener->path[0])
		unlink(listener->path);
	tls_context_free(listener->tls);
	outlet_close(&listener->out);
	queue_done(&listener->out_queue);
	array_free(listener->in_line.bytes);
	while (listener->spare_count > 0)
		array_free(listener->spare[--listener->spare_count]);
	array_free(listener->scratch);
	splice_pipe_done(&listener->splicing);
	array_free(listener);
}

const char *sonde_listener_fingerprint(const struct sonde_listener *listener,
				       bool *ret_self_made)
{
	*ret_self_made = listener->tls && tls_context_is_self_made(listener->tls);
	return listener->tls ? tls_context_fingerprint(listener->tls) : "";
}

/* ---- running */

static void stop_listening(struct sonde_listener *listener)
{
	for (size_t i = 0; i < listener->socket_count; i++) {
		loop_close(listener->loop, listener->sockets[i].slot);
		close(listener->sockets[i].fd);
	}
	listener->socket_count = 0;
}

int sonde_listener_run(struct sonde_listener *listener, int also_fd,
		       struct sonde_error *err)
{
	struct sonde_error ignored;
	int slot = -1, r = 0;

	if (!err)
		err = &ignored;
	if (also_fd >= 0)
		slot = loop_add(listener->loop, KIND_ALSO, also_fd, EPOLLIN, listener);
	while (r == 0 && !listener->is_done && !listener->was_told && !listener->error)
		r = loop_turn(listener->loop, LOOP_NEVER);
	if (slot >= 0)
		loop_close(listener->loop, slot);
	listener_note_lost(listener);
	if (listener->error) {
		*err = listener->why;
		return listener->error;
	}
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "wait for", "clients",
				       NULL);
	if (listener->was_told)
		return 1;
	if (listener->single) {
		struct stream *stream = listener->single;

		listener->single = NULL;
		stop_listening(listener);
		return adopt_client(listener, stream, also_fd, err);
	}
	if (listener->out_queue.used > 0)
		hub_write_output(listener);
	if (listener->why_client) {
		*err = listener->why;
		return err->code;
	}
	child_end_all(listener, true);
	if (listener->command_failed) {
		*err = listener->why_command;
		return err->code;
	}
	return 0;
}

void sonde_listener_get_totals(const struct sonde_listener *listener,
			       struct sonde_listen_totals *ret)
{
	*ret = listener->totals;
	ret->lasted_ns =
		listener->began_ns ? clock_monotonic_ns() - listener->began_ns : 0;
}
