/* What a service of the lab's servers is: a table entry and pure functions.
 *
 * A service knows no descriptor, no clock, no chance and no memory but what it is handed:
 * bytes in, bytes out.  The same functions answer a TCP stream, a UDP datagram, a test and a
 * fuzzer.  A new service is one file, service_<name>.c, and one line in service.c.
 *
 * On a stream the server calls feed() whenever there is new input or new room for output,
 * with all the input that was not taken yet:
 *
 *	SERVICE_NEEDS_INPUT  what is left of the input is the start of a request
 *	SERVICE_NEEDS_ROOM   more could be said now, but the output is full
 *	SERVICE_CLOSES       send the output, then close; `reason` says why
 *
 * Bytes that were not taken are handed in again, with what followed them: a service needs
 * no buffer of its own, and a request may arrive cut at any byte. */
#ifndef PROTO_SERVICE_H
#define PROTO_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum service_transport {
	SERVICE_TCP = 1,
	SERVICE_UDP = 2,
};

enum service_wish {
	SERVICE_NEEDS_INPUT = 0,
	SERVICE_NEEDS_ROOM,
	SERVICE_CLOSES,
};

#define SERVICE_REASON_CHARS 160

/* One call: the server fills the first part, the service the second (which comes as
 * zeros). */
struct service_turn {
	const void *config; /* of the listening socket, as the options set it */
	void *state;        /* of this client, state_bytes, zero at first; NULL on UDP */
	int64_t now_ns;     /* CLOCK_REALTIME */
	/* The same in the server's time zone; NULL unless the service tells_local_time. */
	const struct tm *local;
	uint64_t chance; /* another random number in every turn */
	const uint8_t *input;
	size_t input_bytes;
	bool input_ended; /* the client has shut its side: no more will follow */
	/* Nothing came for LIMIT_MESSAGE_PAUSE_MS: a message without an end of its own
	 * ends here. */
	bool input_paused;
	uint8_t *output;
	size_t output_capacity;
	/* A datagram longer than this will not leave; at most output_capacity. */
	size_t answer_limit;

	size_t taken;      /* input bytes that are done with */
	size_t given;      /* output bytes written */
	uint32_t answered; /* requests */
	/* With SERVICE_NEEDS_INPUT: what is left may be a whole message; feed() is to be
	 * called again, with input_paused, if nothing follows. */
	bool awaits_pause;
	/* Text for the log where a request is refused, answered with what is no result, or
	 * the service closes; empty where there is nothing to say.  It may hold bytes from
	 * the network.  (It stands last: the server clears no more of it than the first.) */
	bool refused;
	char reason[SERVICE_REASON_CHARS];
};

/* An option of a SPEC: `order=be`. */
struct service_option {
	const char *name;
	const char *values; /* "le|be": for help and for the refusal of another */
	/* Sets it in the config.  0 or -EINVAL. */
	int (*set)(void *config, const char *value);
	/* The value names a file, and set() gets its text, which outlives the config. */
	bool names_file;
};

struct service {
	const char *name;
	const char *summary;
	uint16_t port;
	unsigned transports;  /* of enum service_transport */
	size_t config_bytes;  /* zeroed; zero must be the default */
	size_t state_bytes;   /* for each TCP client */
	size_t request_bytes; /* the longest unfinished request that is kept */
	bool speaks_first;    /* feed() is called as soon as a client has come */
	bool ignores_input;   /* of a stream: it is thrown away before feed() sees it */
	bool has_answers;     /* each to a request: a stream may end after the first */
	bool tells_local_time;
	const struct service_option *options; /* ends with a NULL name; or NULL */

	enum service_wish (*feed)(struct service_turn *turn);
	/* One datagram, whole.  True: output[0..given) is the answer, which may be empty;
	 * false: there is none. */
	bool (*answer)(struct service_turn *turn);
};

extern const struct service service_calc;
extern const struct service service_chargen;
extern const struct service service_daytime;
extern const struct service service_discard;
extern const struct service service_echo;
extern const struct service service_qotd;
extern const struct service service_reverse;
extern const struct service service_rot13;
extern const struct service service_tell;
extern const struct service service_time;
extern const struct service service_upper;

/* All of them, in the order of their names. */
extern const struct service *const service_table[];
extern const size_t service_count;

/* NULL where there is none. */
const struct service *service_find(const char *name);

/* NULL where it has none of this name. */
const struct service_option *service_find_option(const struct service *service,
						 const char *name);
/* -ENOENT: no such option; -EINVAL: it does not take this value. */
int service_set(const struct service *service, void *config, const char *name,
		const char *value);

#endif
