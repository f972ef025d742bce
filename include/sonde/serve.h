/* The lab's servers: many services, TCP and UDP, many clients, one epoll loop.
 *
 * A service is a table entry and one file of pure functions (lib/proto/service_*.c); the
 * server knows sockets only. */
#ifndef SONDE_SERVE_H
#define SONDE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/cidr.h>
#include <sonde/error.h>
#include <sonde/export.h>

enum sonde_serve_event_kind {
	SONDE_SERVE_LISTENING, /* address: the bound one */
	SONDE_SERVE_ACCEPTED,
	SONDE_SERVE_RECEIVED,
	SONDE_SERVE_ANSWERED,
	SONDE_SERVE_DROPPED, /* a datagram, as drop_parts wants it */
	SONDE_SERVE_REFUSED, /* a request that cannot be answered; reason */
	SONDE_SERVE_CLOSED,  /* reason: "client closed", "unknown operation" ... */
	SONDE_SERVE_TROUBLE, /* the server goes on; reason */
	SONDE_SERVE_ASKED,   /* sonde_server_ask_observer() was called */
	SONDE_SERVE_IDLE,    /* after others, before the next wait: a time to flush */
};

/* What happened; valid only during the call. */
struct sonde_serve_event {
	enum sonde_serve_event_kind kind;
	int64_t at_ns;       /* CLOCK_REALTIME */
	const char *service; /* "calc" */
	bool udp;
	struct sonde_address address; /* listening */
	uint16_t asked_port; /* listening: of the SPEC, before a port base; 0 any */
	struct sonde_address peer;
	uint64_t client; /* counts accepted connections from 1; 0 for UDP */
	size_t bytes;
	uint32_t requests; /* answered: how many of them these bytes answer */
	/* Closed: all that there was with this client, and for how long. */
	uint64_t received, sent, answered;
	int64_t lasted_ns;
	uint64_t times; /* trouble: how often since it was said last */
	/* NULL or text that may hold the network's bytes: escape it. */
	const char *reason;
};

/* With several workers it is called by several threads, never by two at once. */
typedef void sonde_serve_observer(void *context, const struct sonde_serve_event *event);

struct sonde_serve_options {
	int64_t for_ns;          /* life time; 0 for ever */
	int64_t idle_timeout_ns; /* 0 none */
	unsigned max_clients;    /* 0: as many as the descriptor limit allows */
	int backlog;             /* 0: SOMAXCONN */
	/* A TCP client that vanished without a word is closed after about so long;
	 * 0: 90 s; whole seconds, at least 4. */
	int64_t keepalive_ns;
	int64_t busy_poll_ns; /* asks so long for events before it waits for them; 0 */
	unsigned workers;     /* threads, the caller's included; 0: 1 */
	int port_base; /* added to ports under 1024; -1: 0 where privileged, else 10000 */
	/* A bad network, for labs; of UDP alone. */
	uint32_t drop_parts; /* of a million datagrams that come; 0 none */
	int64_t delay_ns;    /* of each answer */
	uint64_t seed;       /* of the losses: the same ones in each run; 0: by chance */
	/* TCP connections from elsewhere are closed at once, and datagrams have no answer.
	 * Borrowed as long as the server lives; NULL: everybody may come. */
	const struct sonde_cidr_set *allow;
	/* What clients do (accepted, received, answered, dropped, refused, closed) is
	 * counted and not told: for a server that answers a million requests a second. */
	bool quiet;
	sonde_serve_observer *observer; /* NULL none */
	void *context;
};

/* What one service did over one transport, with all its SPECs and all workers together. */
struct sonde_serve_counts {
	const char *service; /* static */
	bool udp;
	uint64_t clients, left; /* TCP: that came, that have gone */
	uint64_t turned_away;   /* TCP: connections that were not allowed */
	uint64_t datagrams;
	uint64_t received, sent; /* bytes; sent: taken by the kernel */
	uint64_t answered, refused, dropped;
	uint64_t unanswered; /* datagrams that may have no answer, or could get none */
};

struct sonde_server;

SONDE_API int sonde_server_new(const struct sonde_serve_options *options,
			       struct sonde_server **ret, struct sonde_error *err);
/* SPEC = SERVICE[@[HOST]:PORT][/tcp|/udp][,OPTION=VALUE]...; binds and listens.  A comma
 * inside a value is written twice.  The option `once`, without a value, closes a TCP
 * client after its first answer. */
SONDE_API int sonde_server_add(struct sonde_server *server, const char *spec,
			       struct sonde_error *err);
/* Makes the threads of the workers, which wait for sonde_server_run(): a program that
 * enters a sandbox calls it before.  Nothing to do with one worker. */
SONDE_API int sonde_server_start(struct sonde_server *server, struct sonde_error *err);
/* Serves until also_fd (-1 none) is readable (returns 1) or the life time is over (0).
 * May be called again; meanwhile only the other workers serve. */
SONDE_API int sonde_server_run(struct sonde_server *server, int also_fd,
			       struct sonde_error *err);
/* Calls the observer once, and never while it is called for an event of another worker: a
 * time to show what it has counted. */
SONDE_API void sonde_server_ask_observer(struct sonde_server *server);
/* Row i of what was served so far; false past the last row, which exist from the
 * beginning.  At any time, also from the observer. */
SONDE_API bool sonde_server_read_counts(const struct sonde_server *server, size_t i,
					struct sonde_serve_counts *ret);
/* Stops listening, sends what is already answered (at most a second), closes all, and says
 * what was left unsaid.  The counts can be read still. */
SONDE_API void sonde_server_stop(struct sonde_server *server);
/* Stops it first, where that is not done. */
SONDE_API void sonde_server_free(struct sonde_server *server);

/* All services, for a program that offers them: 0 to the count, sorted by name.  The name
 * is the SERVICE of a SPEC, the summary half a sentence without a full stop, and the port
 * the one without "@:PORT" (before a port base); NULL and 0 past the last. */
SONDE_API size_t sonde_serve_service_count(void);
SONDE_API const char *sonde_serve_service_name(size_t i);
SONDE_API const char *sonde_serve_service_summary(size_t i);
SONDE_API uint16_t sonde_serve_service_port(size_t i);

#endif
