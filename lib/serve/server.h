/* What the files of this room share of a server. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <sonde/serve.h>

#include "io/loop.h"
#include "proto/service.h"
#include "serve/spec.h"

enum server_kind {
	SERVER_LISTENER = 0,
	SERVER_CLIENT,
	SERVER_DATAGRAMS,
	SERVER_DELAYED, /* answers under way; a deadline alone */
	SERVER_RESUME,  /* takes up accepting again; a deadline alone */
	SERVER_ALSO,    /* the descriptor that the program waits for besides */
	SERVER_KINDS,
};

/* A trouble that may come with every packet is said once an interval, with the number of
 * those that were not said. */
struct server_quiet {
	const char *what; /* static; NULL where nothing was left unsaid */
	const struct serve_spec *spec;
	bool udp;
	struct sonde_address peer; /* of the last one, where it has one */
	int64_t next_ns;
	uint64_t unsaid;
};

struct client;
struct crew;
struct datagrams;

struct sonde_server {
	struct sonde_serve_options options;
	struct crew *crew; /* owned by the first worker */
	bool is_member;    /* a worker, and not the first */
	bool has_stopped;
	int stop_fd; /* of a member: an eventfd; else -1 */
	struct loop *loop;
	struct serve_spec **specs; /* owned, each of them too: clients point to them */
	size_t spec_count, spec_capacity;
	struct listener *listeners; /* owned, a list */
	size_t listener_count;
	struct datagrams *datagrams; /* owned; NULL without UDP */

	struct client *clients; /* owned, a list */
	bool accepting;
	bool stopping;
	int resume_slot;
	struct server_quiet quiet_accept, quiet_allow;

	int also_slot; /* -1 none */
	bool also_ready;
	int64_t real_offset_ns; /* of the clock of day, from the loop's; measured at: */
	int64_t offset_at_ns;
	uint64_t chance; /* the state of base/chance.h */
	struct tm local;
	bool notified;  /* since the last SONDE_SERVE_IDLE */
	int64_t end_ns; /* of the life time; LOOP_NEVER until it runs */

	/* One read and its answers; shared by all clients, empty between two events. */
	uint8_t *input;
	uint8_t *output;
};

/* Stamps the event and shows it. */
void server_notify(struct sonde_server *server, struct sonde_serve_event *event);
/* Whether somebody wants to know what clients do. */
static inline bool server_tells_steps(const struct sonde_server *server)
{
	return server->options.observer && !server->options.quiet;
}
/* Whether this one may come. */
bool server_allows(const struct sonde_server *server, const struct sonde_address *peer);
/* The life of a member's thread. */
void server_work(struct sonde_server *server);

/* --- trouble.c */

/* what is static: "an answer could not be sent".  Of UDP it is one datagram that has no
 * answer. */
void trouble_add(struct sonde_server *server, struct server_quiet *quiet,
		 const struct serve_spec *spec, bool udp, const char *what);
/* Says what was left unsaid. */
void trouble_end(struct sonde_server *server, struct server_quiet *quiet);

/* --- turn.c: time and chance for the services */

void turn_prepare(struct sonde_server *server);
/* Begins a turn with nothing but config, now_ns, local and chance. */
/* What is to be said of an answer that was given; NULL: nothing. */
const char *turn_remark(const struct service_turn *turn);
void turn_begin(struct sonde_server *server, const struct serve_spec *spec,
		struct service_turn *turn);

/* --- client.c: one TCP connection */

int client_new(struct sonde_server *server, int fd, const struct serve_spec *spec,
	       const struct sonde_address *peer);
/* Takes no more input, sends what is answered, closes. */
void client_stop(struct sonde_server *server, struct client *client);
struct client *client_next(const struct client *client);

void client_ready(void *context, void *object, uint32_t events);
void client_late(void *context, void *object);
void client_free(void *context, void *object);

/* --- listener.c: TCP connections to come */

/* Takes fd on success. */
int listener_new(struct sonde_server *server, int fd, const struct serve_spec *spec);
/* A client has left: where accepting pauses for lack of room, it goes on. */
void listener_resume(struct sonde_server *server);
void listener_close_all(struct sonde_server *server);

void listener_ready(void *context, void *object, uint32_t events);
void listener_free(void *context, void *object);
void listener_late(void *context, void *object);

/* --- datagrams.c: UDP sockets */

/* Takes fd on success. */
int datagrams_add(struct sonde_server *server, int fd, const struct serve_spec *spec,
		  const struct sonde_address *bound);
/* Sends the answers that are under way, if early, and says what was left unsaid. */
void datagrams_stop(struct sonde_server *server);
void datagrams_free_shared(struct sonde_server *server);

void datagrams_ready(void *context, void *object, uint32_t events);
void datagrams_free(void *context, void *object);
/* Sends the answers that are due by now. */
void datagrams_late(void *context, void *object);

#endif
