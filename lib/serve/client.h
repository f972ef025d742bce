/* A TCP client, as its own files see it (client.c, client_end.c); to all others it is only a
 * name (server.h). */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#include <stdlib.h>

#include "serve/server.h"

enum client_state {
	CLIENT_OPEN = 0,
	CLIENT_ENDING,
	CLIENT_LINGERING,
	CLIENT_CLOSED,
};

/* Bytes [at, used) of an allocation of exactly `used`; bytes is NULL where none wait. */
struct waiting {
	uint8_t *bytes; /* owned */
	uint32_t at;
	uint32_t used;
};

enum { CACHE_LINE = 64 };

/* What every request needs stands first, on two cache lines: of a thousand clients each
 * line that is touched has to come from afar. */
struct client {
	_Alignas(CACHE_LINE) const struct serve_spec *spec; /* borrowed */
	void *service_state; /* owned; NULL where the service has none */
	int fd;              /* the loop's */
	int slot;
	uint8_t state; /* enum client_state */
	uint8_t wish;  /* enum service_wish */
	bool finished; /* its FIN has come: nothing unread can be left */
	bool unread;   /* there may be more than was read, untold */
	struct waiting input;
	struct waiting output;
	int64_t active_ns;
	uint64_t received, sent; /* bytes; sent: taken by the kernel */
	uint64_t answered;

	struct client *next, *previous;
	uint64_t number;
	struct sonde_address peer;
	int64_t came_ns;
	int64_t pause_ns; /* when the message is over if nothing comes; 0: it has an end */
	const char *reason; /* of the end; static */
};

static inline size_t waiting_left(const struct waiting *waiting)
{
	return waiting->used - waiting->at;
}

static inline void waiting_drop(struct waiting *waiting)
{
	free(waiting->bytes);
	*waiting = (struct waiting){0};
}

static inline struct counts *client_counts(const struct client *client)
{
	return &client->spec->counts[SPEC_TCP];
}

/* Tells the observer, which wants to know each step. */
void client_tell(struct sonde_server *server, const struct client *client,
		 enum sonde_serve_event_kind kind, size_t bytes, uint32_t requests,
		 const char *reason);

static inline void client_notify(struct sonde_server *server, const struct client *client,
				 enum sonde_serve_event_kind kind, size_t bytes,
				 uint32_t requests, const char *reason)
{
	if (server_tells_steps(server))
		client_tell(server, client, kind, bytes, requests, reason);
}

/* Takes no more input.  reason: static. */
void client_end(struct client *client, const char *reason);
/* All output is sent. */
void client_finish(struct sonde_server *server, struct client *client);
/* Throws away what comes, until there is no more to wait for. */
void client_linger(struct sonde_server *server, struct client *client);
void client_close(struct sonde_server *server, struct client *client, const char *reason);
void client_close_broken(struct sonde_server *server, struct client *client, int error);

#endif
