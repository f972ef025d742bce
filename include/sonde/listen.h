/* Waiting for peers: one or many, and what is done with each of them.
 *
 * One thread and one loop serve all.  What happens is told to an observer.  Memory is
 * bounded: a direction between two ends has one buffer, and reads only when that is empty,
 * so that who takes nothing stops the one who sends to him, and nobody else.
 *
 * SIGPIPE should be ignored: EXEC writes to pipes, RELAY lets the kernel move bytes. */
#ifndef SONDE_LISTEN_H
#define SONDE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/cidr.h>
#include <sonde/connect.h>
#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/stream.h>

/* What is done with a client. */
enum sonde_listen_use {
	SONDE_LISTEN_PIPE = 0, /* its bytes go to out_fd, those of in_fd to it (to all) */
	SONDE_LISTEN_BROKER,   /* its bytes go to all other clients, too */
	SONDE_LISTEN_CHAT,     /* its lines do, with its number before them; in_fd is 0 */
	SONDE_LISTEN_EXEC,     /* a shell command of its own reads and writes them */
	SONDE_LISTEN_RELAY,    /* they go to another address, and come from there */
};

enum sonde_listen_event_kind {
	SONDE_LISTEN_LISTENING, /* local */
	SONDE_LISTEN_ACCEPTED,  /* client, peer, local */
	SONDE_LISTEN_REFUSED,   /* peer, text: --allow, --deny */
	SONDE_LISTEN_SECURED,   /* client, tls */
	SONDE_LISTEN_STARTED,   /* client, pid: its command runs */
	SONDE_LISTEN_RELAYED,   /* client; text: to whom */
	SONDE_LISTEN_RECEIVED,  /* client, bytes[0..count) */
	SONDE_LISTEN_SENT,      /* client, bytes[0..count) */
	SONDE_LISTEN_ENDED,     /* client: it sends no more; text: FIN, close_notify */
	SONDE_LISTEN_SENT_END,  /* client: nothing more is sent to it; text as before */
	SONDE_LISTEN_CLOSED, /* client, text: why; received, sent, lasted_ns, in_order */
	SONDE_LISTEN_NOTE,   /* text: what the user should know */
};

/* Valid during the call.  Text may hold the network's bytes: escape it. */
struct sonde_listen_event {
	enum sonde_listen_event_kind kind;
	int64_t at_ns; /* CLOCK_REALTIME */
	enum sonde_transport transport;
	uint64_t client; /* from 1; 0 none */
	const char *local, *peer;
	struct sonde_address local_address, peer_address;
	const char *text;
	const void *bytes;
	size_t count;
	uint64_t received, sent; /* bytes */
	int64_t lasted_ns;
	bool in_order;
	int pid;
	const struct sonde_tls_details *tls;
};

typedef void sonde_listen_observer(void *context, const struct sonde_listen_event *event);

/* Strings are borrowed until sonde_listener_free(). */
struct sonde_listen_options {
	enum sonde_transport transport;
	/* "PORT", "HOST:PORT", "[::1]:PORT", ":PORT" (loopback), "*:PORT" (every
	 * interface); port 0: the kernel's choice.  Unix: a path, or "@NAME". */
	const char *address;
	enum sonde_family family; /* _INET, _INET6: no other; _NONE: any */
	enum sonde_listen_use use;
	const char *command;           /* EXEC: for /bin/sh -c */
	char *const *environment;      /* EXEC: the child's, with the peer's added */
	const struct sonde_target *to; /* RELAY: TCP or Unix; of UDP clients, UDP */
	bool keep_open;                /* more than one client, one after the other and
					   at once; BROKER and CHAT always */
	unsigned max_clients;          /* at once; 0: LIMIT_LISTEN_CLIENTS */
	int64_t idle_timeout_ns;       /* of a client; 0: never (UDP: a minute) */
	bool crlf;                     /* PIPE */
	const struct sonde_cidr_set *allow, *deny; /* NULL none; deny counts first */
	const struct sonde_tls_options *tls;       /* NULL: without */
	/* PIPE, BROKER, CHAT; taken.  -1 none. */
	int in_fd, out_fd;
	bool in_is_terminal; /* a person: the client's end is the end of all */
	bool escapes;     /* for a terminal: control characters but \n and \t escaped */
	bool wants_bytes; /* RECEIVED and SENT are told */
	sonde_listen_observer *observer; /* NULL none */
	void *context;
};

struct sonde_listener;

/* Binds, and reads all files that will be needed.  0 or -errno. */
SONDE_API int sonde_listener_open(const struct sonde_listen_options *options,
				  struct sonde_listener **ret, struct sonde_error *err);
/* Closes everything; commands that still run get SIGTERM, and SIGKILL a second later. */
SONDE_API void sonde_listener_free(struct sonde_listener *listener);
/* What a TLS client may pin; "" without TLS.  *ret_self_made: made for this run. */
SONDE_API const char *sonde_listener_fingerprint(const struct sonde_listener *listener,
						 bool *ret_self_made);

/* Until the one client is gone (keep_open: for ever), also_fd is readable, or something on
 * this side fails.  0: in order; 1: also_fd; or -errno with *err filled. */
SONDE_API int sonde_listener_run(struct sonde_listener *listener, int also_fd,
				 struct sonde_error *err);

struct sonde_listen_totals {
	uint64_t clients, refused;
	uint64_t received, sent; /* bytes, of all clients */
	int64_t lasted_ns;       /* from the first client until now */
};
SONDE_API void sonde_listener_get_totals(const struct sonde_listener *listener,
					 struct sonde_listen_totals *ret);

#endif
