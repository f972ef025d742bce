/* A listener's life: its sockets in a loop, clients accepted or refused, and the end.
 *
 * With one client and no more, between two descriptors, a session takes over as soon as it
 * is there (pipe.c). */
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

enum { PAUSE_MS = 250, QUIET_MS = 10000, ACCEPTS = 64 };

static bool is_unix(const struct sonde_listener *listener)
{
	return listener->options.transport == SONDE_TRANSPORT_UNIX ||
	       listener->options.transport == SONDE_TRANSPORT_UNIX_DATAGRAM;
}

static bool is_datagram(const struct sonde_listener *listener)
{
	return listener->options.transport == SONDE_TRANSPORT_UDP ||
	       listener->options.transport == SONDE_TRANSPORT_UNIX_DATAGRAM;
}

static bool is_single_pipe(const struct sonde_listener *listener)
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

/* ---- who comes */

static void name_one(const struct sockaddr_storage *from, socklen_t length,
		     struct sonde_address *ret, char text[SONDE_ENDPOINT_CHARS])
{
	struct sockaddr_un path;

	text[0] = '\0';
	if (from->ss_family == AF_UNIX) {
		memcpy(&path, from, sizeof(path));
		unix_path_format(&path, length, text, SONDE_ENDPOINT_CHARS);
		*ret = (struct sonde_address){.family = SONDE_FAMILY_UNIX};
	} else if (sonde_address_from_sockaddr((const struct sockaddr *)from, length,
					       ret) == 0) {
		sonde_address_format(ret, text);
	}
}

void listener_name_peer(struct sonde_listener *listener, const struct listening *from,
			int fd, struct caller *client)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		name_one(&name, length, &client->local_address, client->local);
	name = (struct sockaddr_storage){0};
	length = sizeof(name);
	if (getpeername(fd, (struct sockaddr *)&name, &length) == 0)
		name_one(&name, length, &client->peer_address, client->peer);
	(void)listener;
	(void)from;
}

/* Counts and tells those that it turns away; not each of many. */
static bool is_welcome(struct sonde_listener *listener, const struct sonde_address *peer)
{
	const struct sonde_listen_options *options = &listener->options;
	struct sonde_listen_event event = {.kind = SONDE_LISTEN_REFUSED,
					   .peer_address = *peer};
	char text[SONDE_ADDRESS_CHARS];

	if (peer->family != SONDE_FAMILY_INET && peer->family != SONDE_FAMILY_INET6)
		return true;
	if (options->deny && sonde_cidr_set_has(options->deny, peer))
		event.text = "--deny has its address";
	else if (options->allow && !sonde_cidr_set_has(options->allow, peer))
		event.text = "--allow has not its address";
	else
		return true;
	listener->totals.refused++;
	sonde_address_format(peer, text);
	event.peer = text;
	if (clock_monotonic_ns() >= listener->quiet_until_ns) {
		listener->quiet_until_ns = clock_monotonic_ns() + NS_PER_S;
		listener_tell(listener, &event);
	}
	return false;
}

static void take_client(struct sonde_listener *listener, const struct listening *from,
			int fd)
{
	if (!is_single_pipe(listener)) {
		caller_new(listener, from, fd);
		if (!listener->options.keep_open)
			listener_watch(listener);
		return;
	}
	listener->single_fd = fd;
	listener->is_done = true;
}

static bool has_room(const struct sonde_listener *listener)
{
	if (listener->is_done)
		return false;
	if (!listener->options.keep_open)
		return listener->totals.clients == 0 && listener->single_fd < 0;
	return listener->client_count < listener->max_clients;
}

void listener_watch(struct sonde_listener *listener)
{
	bool wants = has_room(listener);

	for (size_t i = 0; i < listener->socket_count; i++) {
		struct listening *it = &listener->sockets[i];

		if (it->slot >= 0)
			loop_watch(listener->loop, it->slot,
				   wants && !it->is_paused ? EPOLLIN : 0);
	}
}

/* Without descriptors the client waits in the queue, and is asked for again soon. */
static void pause_accepting(struct listening *it, int error)
{
	struct sonde_listener *listener = it->listener;

	it->is_paused = true;
	loop_set_deadline(listener->loop, it->slot,
			  loop_now_ns(listener->loop) + PAUSE_MS * NS_PER_MS);
	listener_watch(listener);
	if (clock_monotonic_ns() < listener->quiet_until_ns)
		return;
	listener->quiet_until_ns = clock_monotonic_ns() + QUIET_MS * NS_PER_MS;
	listener_note(listener,
		      "a client has to wait: %s; ulimit -n sets how many may be "
		      "open",
		      strerrordesc_np(-error));
}

static void accept_clients(struct listening *it)
{
	struct sonde_listener *listener = it->listener;

	for (int i = 0; i < ACCEPTS && has_room(listener); i++) {
		struct sockaddr_storage name = {0};
		socklen_t length = sizeof(name);
		struct sonde_address peer = {0};
		char text[SONDE_ENDPOINT_CHARS];
		int fd = accept4(it->fd, (struct sockaddr *)&name, &length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			       errno == ENOBUFS))
			pause_accepting(it, -errno);
		if (fd < 0)
			return;
		name_one(&name, length, &peer, text);
		if (is_welcome(listener, &peer))
			take_client(listener, it, fd);
		else
			close(fd);
	}
}

/* ---- datagrams: a socket of its own for each peer
 *
 * It has the listener's address and is connected, so that the kernel gives it what that
 * peer sends from then on.  The datagram that began it is put into its queue by us: into
 * its own receive queue it cannot get any more. */

static int open_datagram_peer(const struct listening *it,
			      const struct sockaddr_storage *peer, socklen_t length)
{
	const int on = 1;
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof(local);
	int fd, r = 0;

	if (getsockname(it->fd, (struct sockaddr *)&local, &size) < 0)
		return -errno;
	fd = socket(local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if ((local.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&local, size) < 0 ||
	    connect(fd, (const struct sockaddr *)peer, length) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* The peer may have sent more before it had its socket. */
static struct caller *find_peer(struct sonde_listener *listener,
				const struct sonde_address *peer)
{
	for (struct caller *it = listener->clients; it; it = it->next)
		if (sonde_address_equal(&it->peer_address, peer))
			return it;
	return NULL;
}

static void receive_datagram(struct listening *it)
{
	struct sonde_listener *listener = it->listener;
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);
	struct sonde_address peer = {0};
	char text[SONDE_ENDPOINT_CHARS];
	struct caller *client;
	bool is_first;
	ssize_t got;
	int fd;

	if (is_single_pipe(listener)) {
		/* Looked at only: the socket itself becomes the client's, with its queue. */
		got = recvfrom(it->fd, NULL, 0, MSG_PEEK | MSG_TRUNC,
			       (struct sockaddr *)&name, &length);
		if (got < 0)
			return;
		name_one(&name, length, &peer, text);
		if (!is_welcome(listener, &peer)) {
			(void)recv(it->fd, NULL, 0, 0);
			return;
		}
		if (length > sizeof(sa_family_t) &&
		    connect(it->fd, (struct sockaddr *)&name, length) < 0)
			return;
		take_client(listener, it, fcntl(it->fd, F_DUPFD_CLOEXEC, 0));
		return;
	}
	got = recvfrom(it->fd, listener->scratch, LIMIT_TALK_BYTES, 0,
		       (struct sockaddr *)&name, &length);
	if (got < 0)
		return;
	name_one(&name, length, &peer, text);
	client = find_peer(listener, &peer);
	is_first = !client;
	if (is_first) {
		if (!is_welcome(listener, &peer) || !has_room(listener))
			return;
		fd = open_datagram_peer(it, &name, length);
		if (fd < 0) {
			listener_note(listener, "no socket for %s: %s", text,
				      strerrordesc_np(-fd));
			return;
		}
		take_client(listener, it, fd);
		client = find_peer(listener, &peer);
	}
	if (client)
		caller_take_datagram(client, listener->scratch, (size_t)got);
}

/* ---- the loop */

static void socket_ready(void *context, void *object, uint32_t events)
{
	struct listening *it = object;

	(void)context;
	(void)events;
	if (is_datagram(it->listener))
		receive_datagram(it);
	else
		accept_clients(it);
}

static void socket_late(void *context, void *object)
{
	struct listening *it = object;

	(void)context;
	it->is_paused = false;
	listener_watch(it->listener);
}

static void end_ready(void *context, void *object, uint32_t events)
{
	struct end *end = object;

	(void)context;
	caller_ready(end->client, end, events);
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
		if (it->state == CLIENT_OPEN && listener->out_queue.used == 0)
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

	if (options->tls && is_datagram(listener))
		return refuse("--tls", "it needs a stream, not datagrams", err);
	if (options->transport == SONDE_TRANSPORT_UNIX_DATAGRAM &&
	    !is_single_pipe(listener))
		return refuse("--unix --udp",
			      "datagrams of Unix sockets have one peer only", err);
	if (options->use == SONDE_LISTEN_RELAY && is_datagram(listener) &&
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
	if (r < 0)
		return r;
	for (size_t i = 0; i < listener->socket_count; i++) {
		struct listening *it = &listener->sockets[i];

		/* Not before it was bound: a second listener must not get in. */
		if (listener->options.transport == SONDE_TRANSPORT_UDP)
			setsockopt(it->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		it->slot = loop_add(listener->loop, KIND_SOCKET, it->fd, EPOLLIN, it);
		if (it->slot < 0)
			return sonde_error_set(err, SONDE_ERROR_TROUBLE, it->slot,
					       "listen", listener->options.address, NULL);
	}
	if (listener->options.use == SONDE_LISTEN_PIPE && listener->options.keep_open)
		r = hub_open_pipe(listener, err);
	return r;
}

static void tell_listening(struct sonde_listener *listener)
{
	for (size_t i = 0; i < listener->socket_count; i++) {
		struct sonde_listen_event event = {.kind = SONDE_LISTEN_LISTENING};
		char text[SONDE_ADDRESS_CHARS];

		event.local = listener->options.address;
		if (!is_unix(listener)) {
			event.local_address = listener->sockets[i].address;
			sonde_address_format(&event.local_address, text);
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
	listener->in_slot = listener->out_slot = listener->single_fd = -1;
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
		child_end_all(listener);
	loop_free(listener->loop);
	while (listener->socket_count > 0)
		close(listener->sockets[--listener->socket_count].fd);
	if (listener->single_fd >= 0)
		close(listener->single_fd);
	if (listener->path[0])
		unlink(listener->path);
	tls_context_free(listener->tls);
	outlet_close(&listener->out);
	queue_done(&listener->out_queue);
	while (listener->spare_count > 0)
		array_free(listener->spare[--listener->spare_count]);
	array_free(listener->scratch);
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
	int slot = -1, r = 0;

	if (also_fd >= 0)
		slot = loop_add(listener->loop, KIND_ALSO, also_fd, EPOLLIN, listener);
	while (r == 0 && !listener->is_done && !listener->was_told && !listener->error)
		r = loop_turn(listener->loop, LOOP_NEVER);
	if (slot >= 0)
		loop_close(listener->loop, slot);
	if (listener->error) {
		*err = listener->why;
		return listener->error;
	}
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "wait for", "clients",
				       NULL);
	if (listener->was_told)
		return 1;
	if (listener->single_fd >= 0) {
		int fd = listener->single_fd;

		listener->single_fd = -1;
		stop_listening(listener);
		return adopt_client(listener, fd, also_fd, err);
	}
	if (listener->out_queue.used > 0)
		hub_write_output(listener);
	if (listener->why_client)
		return sonde_error_set(err, SONDE_ERROR_NETWORK, -ECONNABORTED, "serve",
				       "the client",
				       "it did not end in order; -v says how");
	return 0;
}

void sonde_listener_get_totals(const struct sonde_listener *listener,
			       struct sonde_listen_totals *ret)
{
	*ret = listener->totals;
	ret->lasted_ns =
		listener->began_ns ? clock_monotonic_ns() - listener->began_ns : 0;
}
