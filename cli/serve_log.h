/* What happens to a server, a line for each event. */
#ifndef CLI_SERVE_LOG_H
#define CLI_SERVE_LOG_H

#include <stdbool.h>

#include <sonde/serve.h>

#include "output.h"

struct serve_log {
	struct output *output;
	struct sonde_server *server;
	bool has_udp, has_tcp;
	bool has_low_port;    /* one under 1024 was asked for */
	bool beyond_loopback; /* other machines may reach it */
	bool names_services;  /* where it listens is said for more than one */
	bool is_ending;       /* because nobody reads */
	bool has_begun;
	/* Where it listens, held back until it has begun. */
	struct sonde_serve_event *bound; /* owned */
	size_t bound_count;
	bool has_lost; /* no memory for one of them */
};

/* All is bound: tells where, and from now on what happens at once.  0 or -ENOMEM. */
int serve_log_begin(struct serve_log *served);
void serve_log_done(struct serve_log *served);

/* The observer of the server; context: the log. */
void serve_log_observe(void *context, const struct sonde_serve_event *event);

#endif
