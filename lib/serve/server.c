/* The server: its life, its sockets, its events.
 *
 * One loop for everything.  What happens on a descriptor is the business of listener.c,
 * client.c and datagrams.c; what is answered is that of the services in lib/proto. */
#include "serve/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "serve/bind.h"

enum { STOP_STEP_MS = 5 };

static void also_ready(void *context, void *object, uint32_t events)
{
	struct sonde_server *server = context;

	(void)object;
	(void)events;
	server->also_ready = true;
}

static const struct loop_kind kinds[] = {
	[SERVER_LISTENER] = {.name = "listener",
			     .ready = listener_ready,
			     .free = listener_free},
	[SERVER_CLIENT] = {.name = "client",
			   .ready = client_ready,
			   .late = client_late,
			   .free = client_free},
	[SERVER_DATAGRAMS] = {.name = "datagrams",
			      .ready = datagrams_ready,
			      .free = datagrams_free},
	[SERVER_RESUME] = {.name = "resume", .late = listener_late},
	[SERVER_ALSO] = {.name = "also", .borrowed = true, .ready = also_ready},
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == SERVER_KINDS, "a kind has no entry");

/* --- events */

void server_notify(struct sonde_server *server, struct sonde_serve_event *event)
{
	if (!server->options.observer)
		return;
	event->at_ns = clock_realtime_ns();
	server->notified = event->kind != SONDE_SERVE_IDLE;
	server->options.observer(server->options.context, event);
}

static int turn(struct sonde_server *server, int64_t until_ns)
{
	struct sonde_serve_event event = {.kind = SONDE_SERVE_IDLE};

	if (server->notified)
		server_notify(server, &event);
	return loop_turn(server->loop, until_ns);
}

static void say_trouble(struct sonde_server *server, const struct server_quiet *quiet,
			uint64_t times)
{
	char reason[256];

	if (times == 1)
		snprintf(reason, sizeof(reason), "%s", quiet->what);
	else
		snprintf(reason, sizeof(reason), "%s (%llu times)", quiet->what,
			 (unsigned long long)times);
	struct sonde_serve_event event = {
		.kind = SONDE_SERVE_TROUBLE,
		.service = quiet->service->name,
		.udp = quiet->udp,
		.reason = reason,
	};
	server_notify(server, &event);
}

void server_trouble(struct sonde_server *server, struct server_quiet *quiet,
		    const struct service *service, bool udp, const char *what)
{
	quiet->what = what;
	quiet->service = service;
	quiet->udp = udp;
	quiet->unsaid++;
	if (loop_now_ns(server->loop) < quiet->next_ns)
		return;
	say_trouble(server, quiet, quiet->unsaid);
	quiet->unsaid = 0;
	quiet->next_ns = loop_now_ns(server->loop) + LIMIT_QUIET_MS * NS_PER_MS;
}

void server_trouble_end(struct sonde_server *server, struct server_quiet *quiet)
{
	if (quiet->unsaid > 0)
		say_trouble(server, quiet, quiet->unsaid);
	quiet->unsaid = 0;
}

/* --- life */

int sonde_server_new(const struct sonde_serve_options *options, struct sonde_server **ret,
		     struct sonde_error *err)
{
	struct sonde_server *server = calloc(1, sizeof(*server));
	int r = -ENOMEM;

	if (!server)
		goto out;
	server->options = *options;
	server->accepting = true;
	server->also_slot = -1;
	server->end_ns = LOOP_NEVER;
	turn_prepare(server);
	/* What waits for room in the output comes before what is read. */
	server->input = malloc(2 * LIMIT_CLIENT_INPUT);
	server->output = malloc(LIMIT_CLIENT_OUTPUT);
	if (!server->input || !server->output)
		goto out;
	r = loop_new(kinds, SERVER_KINDS, server, &server->loop);
	if (r < 0)
		goto out;
	r = loop_add(server->loop, SERVER_RESUME, -1, 0, NULL);
	if (r < 0)
		goto out;
	server->resume_slot = r;
	*ret = server;
	return 0;
out:
	sonde_server_free(server);
	return sonde_error_set(err, sonde_error_kind_of(-r), r, "start", "the server",
			       NULL);
}

static void notify_listening(struct sonde_server *server, const struct serve_spec *spec,
			     const struct serve_socket *socket)
{
	struct sonde_serve_event event = {
		.kind = SONDE_SERVE_LISTENING,
		.service = spec->service->name,
		.udp = socket->transport == SOCK_UDP,
		.address = socket->address,
	};
	server_notify(server, &event);
}

/* Gives the sockets [0..count) to the loop; what it does not take is closed. */
static int add_sockets(struct sonde_server *server, const struct serve_spec *spec,
		       struct serve_socket *sockets, int count)
{
	int r = 0;

	for (int i = 0; i < count; i++) {
		struct serve_socket *socket = &sockets[i];
		if (r == 0 && server->listener_count == LIMIT_LISTENERS)
			r = -E2BIG;
		if (r == 0)
			r = socket->transport == SOCK_UDP
				    ? datagrams_add(server, socket->fd, spec,
						    &socket->address)
				    : listener_new(server, socket->fd, spec);
		if (r < 0)
			close(socket->fd);
		else
			server->listener_count++;
	}
	return r;
}

int sonde_server_add(struct sonde_server *server, const char *text,
		     struct sonde_error *err)
{
	struct serve_socket sockets[SERVE_SOCKETS];
	struct serve_spec *spec = NULL;

	int r = array_reserve(&server->specs, &server->spec_capacity,
			      server->spec_count + 1, sizeof(struct serve_spec *));
	if (r == 0) {
		spec = calloc(1, sizeof(*spec));
		r = spec ? 0 : -ENOMEM;
	}
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "serve", text, NULL);
	r = serve_spec_parse(text, spec, err);
	if (r < 0) {
		free(spec);
		return r;
	}
	server->specs[server->spec_count++] = spec;
	r = serve_spec_load(spec, err);
	if (r < 0)
		return r;

	int count = serve_bind(spec, server->options.port_base, server->options.backlog,
			       sockets, err);
	if (count < 0)
		return count;
	r = add_sockets(server, spec, sockets, count);
	if (r == -E2BIG)
		return sonde_error_set(err, SONDE_ERROR_USAGE, r, "serve", text,
				       "more than %d sockets", LIMIT_LISTENERS);
	if (r < 0)
		return sonde_error_set(err, sonde_error_kind_of(-r), r, "serve", text,
				       NULL);
	for (int i = 0; i < count; i++)
		notify_listening(server, spec, &sockets[i]);
	return 0;
}

int sonde_server_run(struct sonde_server *server, int also_fd, struct sonde_error *err)
{
	int r = 0;

	if (server->end_ns == LOOP_NEVER && server->options.for_ns > 0)
		server->end_ns = clock_monotonic_ns() + server->options.for_ns;
	if (also_fd >= 0) {
		r = loop_add(server->loop, SERVER_ALSO, also_fd, EPOLLIN, NULL);
		if (r < 0)
			goto out;
		server->also_slot = r;
		r = 0;
	}
	server->also_ready = false;
	while (r == 0 && !server->also_ready &&
	       loop_now_ns(server->loop) < server->end_ns)
		r = turn(server, server->end_ns);
	if (server->also_slot >= 0)
		loop_close(server->loop, server->also_slot);
	server->also_slot = -1;
out:
	if (r < 0)
		return sonde_error_set(err, sonde_error_kind_of(-r), r, "wait",
				       "for clients", NULL);
	return server->also_ready ? 1 : 0;
}

static void stop(struct sonde_server *server)
{
	int64_t end_ns = clock_monotonic_ns() + LIMIT_LINGER_MS * NS_PER_MS;

	server->stopping = true;
	listener_close_all(server);
	for (;;) {
		for (struct client *at = server->clients, *next; at; at = next) {
			next = client_next(at);
			client_stop(server, at);
		}
		int64_t now_ns = clock_monotonic_ns();
		if (!server->clients || now_ns >= end_ns)
			break;
		if (turn(server, now_ns + STOP_STEP_MS * NS_PER_MS) < 0)
			break;
	}
}

void sonde_server_free(struct sonde_server *server)
{
	if (!server)
		return;
	if (server->loop)
		stop(server);
	server_trouble_end(server, &server->quiet_accept);
	datagrams_free_shared(server);
	loop_free(server->loop);
	for (size_t i = 0; i < server->spec_count; i++) {
		serve_spec_done(server->specs[i]);
		free(server->specs[i]);
	}
	array_free(server->specs);
	free(server->input);
	free(server->output);
	free(server);
}

/* --- the table, for help, completion and suggestions */

size_t sonde_serve_service_count(void)
{
	return service_count;
}

const char *sonde_serve_service_name(size_t i)
{
	return service_table[i]->name;
}

const char *sonde_serve_service_summary(size_t i)
{
	return service_table[i]->summary;
}

uint16_t sonde_serve_service_port(size_t i)
{
	return service_table[i]->port;
}
