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
#include <sys/eventfd.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"
#include "serve/bind.h"
#include "serve/crew.h"

enum { STOP_STEP_MS = 5 };

#define KEEPALIVE_LEAST_NS (4 * NS_PER_S)
#define KEEPALIVE_MOST_NS (12 * 3600 * NS_PER_S) /* two thirds: what the kernel takes */

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
	[SERVER_DELAYED] = {.name = "delayed", .late = datagrams_late},
	[SERVER_RESUME] = {.name = "resume", .late = listener_late},
	[SERVER_ALSO] = {.name = "also", .borrowed = true, .ready = also_ready},
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == SERVER_KINDS, "a kind has no entry");

/* --- events */

bool server_allows(const struct sonde_server *server, const struct sonde_address *peer)
{
	return !server->options.allow || sonde_cidr_set_has(server->options.allow, peer);
}

void server_notify(struct sonde_server *server, struct sonde_serve_event *event)
{
	if (!server->options.observer)
		return;
	server->notified = event->kind != SONDE_SERVE_IDLE;
	crew_lock(server->crew);
	event->at_ns = clock_realtime_ns();
	server->options.observer(server->options.context, event);
	crew_unlock(server->crew);
}

void sonde_server_ask_observer(struct sonde_server *server)
{
	struct sonde_serve_event event = {.kind = SONDE_SERVE_ASKED};

	server_notify(server, &event);
}

static int turn(struct sonde_server *server, int64_t until_ns)
{
	struct sonde_serve_event event = {.kind = SONDE_SERVE_IDLE};

	if (server->notified)
		server_notify(server, &event);
	return loop_turn(server->loop, until_ns);
}

/* --- life */

static void stop(struct sonde_server *server)
{
	int64_t end_ns = clock_monotonic_ns() + LIMIT_LINGER_MS * NS_PER_MS;

	if (server->has_stopped)
		return;
	server->has_stopped = true;
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
	trouble_end(server, &server->quiet_accept);
	trouble_end(server, &server->quiet_allow);
	datagrams_stop(server);
}

static void free_worker(struct sonde_server *server)
{
	if (!server)
		return;
	if (server->loop)
		stop(server);
	datagrams_free_shared(server);
	loop_free(server->loop);
	for (size_t i = 0; i < server->spec_count; i++) {
		serve_spec_done(server->specs[i]);
		free(server->specs[i]);
	}
	array_free(server->specs);
	free(server->input);
	free(server->output);
	if (server->stop_fd >= 0)
		close(server->stop_fd);
	free(server);
}

/* One worker. */
static int new_worker(const struct sonde_serve_options *options, struct crew *crew,
		      struct sonde_server **ret)
{
	struct sonde_server *server = calloc(1, sizeof(*server));
	int r = -ENOMEM;

	if (!server)
		goto out;
	server->options = *options;
	server->crew = crew;
	server->stop_fd = -1;
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
	loop_set_busy(server->loop, options->busy_poll_ns);
	*ret = server;
	return 0;
out:
	free_worker(server);
	return r;
}

static int new_member(struct crew *crew, const struct sonde_serve_options *options,
		      unsigned i)
{
	struct sonde_serve_options own = *options;
	struct sonde_server *member;

	own.for_ns = 0;
	int r = new_worker(&own, crew, &member);
	if (r < 0)
		return r;
	crew->members[i - 1] = member;
	member->is_member = true;
	member->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return member->stop_fd < 0 ? -errno : 0;
}

static int refuse_keepalive(const struct sonde_serve_options *options,
			    struct sonde_error *err)
{
	char subject[64];
	struct sonde_text text;

	sonde_text_init(&text, subject, sizeof(subject));
	sonde_text_add(&text, "a keepalive of ");
	sonde_text_add_duration(&text, options->keepalive_ns);
	sonde_error_set(err, SONDE_ERROR_USAGE, -ERANGE, "serve with", subject,
			"it is out of range");
	sonde_error_hint(err, "at least 4s (one probe a second), at most 12h (the kernel "
			      "waits no longer)");
	return -ERANGE;
}

static int check_options(const struct sonde_serve_options *options,
			 struct sonde_error *err)
{
	if (options->workers > LIMIT_WORKERS)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -ERANGE, "serve",
				       "with workers", "at most %d", LIMIT_WORKERS);
	if (options->keepalive_ns > 0 && (options->keepalive_ns < KEEPALIVE_LEAST_NS ||
					  options->keepalive_ns > KEEPALIVE_MOST_NS))
		return refuse_keepalive(options, err);
	return 0;
}

int sonde_server_new(const struct sonde_serve_options *options, struct sonde_server **ret,
		     struct sonde_error *err)
{
	unsigned workers = options->workers > 0 ? options->workers : 1;
	struct sonde_server *server = NULL;
	struct crew *crew = NULL;
	int r = check_options(options, err);

	if (r < 0)
		return r;
	r = crew_new(workers, &crew);
	if (r < 0)
		goto out;
	r = new_worker(options, crew, &server);
	if (r < 0) {
		crew_free(crew);
		goto out;
	}
	crew->rate.seed = chance_next(&server->chance);
	for (unsigned i = 1; r == 0 && i < workers; i++)
		r = new_member(crew, options, i);
	if (r < 0)
		goto out;
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
		.asked_port = spec->endpoint.port,
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

/* Each worker reads the SPEC for itself: they share no configuration. */
static int add_spec(struct sonde_server *server, const char *text,
		    struct serve_spec **ret, struct sonde_error *err)
{
	struct serve_spec *spec = NULL;

	int r = array_reserve(&server->specs, &server->spec_capacity,
			      server->spec_count + 1, sizeof(struct serve_spec *));
	if (r >= 0) {
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
	*ret = spec;
	return 0;
}

static int fail_sockets(const char *text, int error, struct sonde_error *err)
{
	if (error == -E2BIG)
		return sonde_error_set(err, SONDE_ERROR_USAGE, error, "serve", text,
				       "more than %d sockets", LIMIT_LISTENERS);
	return sonde_error_set(err, sonde_error_kind_of(-error), error, "serve", text,
			       NULL);
}

/* The same addresses once more, for another worker. */
static int add_member(struct sonde_server *member, const char *text,
		      const struct serve_socket *sockets, int count,
		      struct sonde_error *err)
{
	struct serve_socket own[SERVE_SOCKETS];
	struct serve_spec *spec;

	int r = add_spec(member, text, &spec, err);
	if (r < 0)
		return r;
	r = serve_bind_beside(sockets, count, &member->options, own);
	if (r == 0)
		r = add_sockets(member, spec, own, count);
	return r < 0 ? fail_sockets(text, r, err) : 0;
}

int sonde_server_add(struct sonde_server *server, const char *text,
		     struct sonde_error *err)
{
	struct serve_socket sockets[SERVE_SOCKETS];
	struct crew *crew = server->crew;
	struct serve_spec *spec;

	int r = add_spec(server, text, &spec, err);
	if (r < 0)
		return r;
	int count = serve_bind(spec, &server->options, sockets, err);
	if (count < 0)
		return count;
	r = add_sockets(server, spec, sockets, count);
	if (r < 0)
		return fail_sockets(text, r, err);
	for (unsigned i = 0; r == 0 && i + 1 < crew->count; i++)
		r = add_member(crew->members[i], text, sockets, count, err);
	if (r < 0)
		return r;
	for (int i = 0; i < count; i++)
		notify_listening(server, spec, &sockets[i]);
	return 0;
}

int sonde_server_start(struct sonde_server *server, struct sonde_error *err)
{
	int r = crew_start(server->crew);
	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "start", "a worker",
				       NULL);
	return 0;
}

/* Until also_fd is readable, or the life time over. */
static int serve(struct sonde_server *server, int also_fd)
{
	int r = 0;

	if (also_fd >= 0) {
		r = loop_add(server->loop, SERVER_ALSO, also_fd, EPOLLIN, NULL);
		if (r < 0)
			return r;
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
	return r;
}

void server_work(struct sonde_server *server)
{
	int r = serve(server, server->stop_fd);

	/* Its sockets are closed then, and new clients are dealt to the others. */
	if (r < 0 && server->spec_count > 0)
		trouble_add(server, &server->quiet_accept, server->specs[0], false,
			    "a worker ends: it cannot wait for clients");
	stop(server);
}

int sonde_server_run(struct sonde_server *server, int also_fd, struct sonde_error *err)
{
	int r = sonde_server_start(server, err);

	if (r < 0)
		return r;
	if (server->end_ns == LOOP_NEVER && server->options.for_ns > 0)
		server->end_ns =
			clock_after_ns(clock_monotonic_ns(), server->options.for_ns);
	crew_begin(server->crew);
	r = serve(server, also_fd);
	if (r < 0)
		return sonde_error_set(err, sonde_error_kind_of(-r), r, "wait",
				       "for clients", NULL);
	return server->also_ready ? 1 : 0;
}

void sonde_server_stop(struct sonde_server *server)
{
	crew_stop(server->crew);
	stop(server);
	crew_join(server->crew);
}

void sonde_server_free(struct sonde_server *server)
{
	if (!server)
		return;
	struct crew *crew = server->crew;
	sonde_server_stop(server);
	for (unsigned i = 0; i + 1 < crew->count; i++)
		free_worker(crew->members[i]);
	free_worker(server);
	crew_free(crew);
}

/* --- the table, for help, completion and suggestions */
