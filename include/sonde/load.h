/* A load for calculation and echo servers: how many requests they answer, and how fast.
 *
 * Closed loop (rate 0): each connection keeps `depth` requests on their way, and asks anew
 * with each answer.  The load waits for the server: a pause of the server counts once.
 *
 * Open loop: requests are due at even distances, whatever the server does, and a latency
 * counts from the moment when its request was due, not from when it could be sent.  A
 * pause of the server then counts for every request that fell into it. */
#ifndef SONDE_LOAD_H
#define SONDE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>

#define SONDE_LOAD_MESSAGE_BYTES 1100
#define SONDE_LOAD_CONNECTIONS 100000
#define SONDE_LOAD_DEPTH 4096

struct sonde_load_options {
	const char *host; /* name or number; NULL: loopback */
	const char *port; /* number or service name */
	bool udp;
	unsigned connections; /* over UDP: sockets */
	unsigned depth;       /* requests on their way at once, on each */
	double rate;          /* requests a second on all of them; 0: closed loop */
	int64_t for_ns;       /* how long; its first tenth warms up and is not counted */
	int64_t timeout_ns;   /* for the connections, and for an answer; over UDP it is
			       * lost then */
	/* The bytes of a request and of its answer.  The first four bytes of both are
	 * replaced by a number that counts the requests of a connection. */
	uint8_t request[SONDE_LOAD_MESSAGE_BYTES];
	size_t request_bytes; /* at least 4 */
	uint8_t answer[SONDE_LOAD_MESSAGE_BYTES];
	size_t answer_bytes;
};

struct sonde_load_result {
	struct sonde_address address; /* of the server */
	uint64_t answered;            /* right ones; anything else is an error */
	uint64_t lost;                /* UDP: no answer in time */
	/* Open loop: due, and not answered when the time and timeout_ns were over.  Each
	 * counts with its age then. */
	uint64_t unanswered;
	int64_t counted_ns; /* the time that it was measured; 0: it was stopped before */
	unsigned
		connected; /* connections; fewer than wanted where it was stopped before */
	double per_second;
	int64_t p50_ns, p99_ns, p999_ns, max_ns;
};

/* A connection that ends, an answer that is wrong, and (over TCP) silence are errors.
 * As soon as also_fd (-1: none) can be read the load ends early, also while it connects,
 * and what was measured until then is the result.  0: the time is over; 1: also_fd. */
SONDE_API int sonde_load_run(const struct sonde_load_options *options, int also_fd,
			     struct sonde_load_result *ret, struct sonde_error *err);

#endif
