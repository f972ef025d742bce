/* A session with one peer: connect, talk, and know how it ended.
 *
 * The same session can be driven in three ways: between two descriptors (a pipe), by a
 * script, or turn by turn from a loop of the caller's (a terminal).  What happens is told
 * to an observer. */
#ifndef SONDE_CONNECT_H
#define SONDE_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/stream.h>

enum sonde_transport {
	SONDE_TRANSPORT_TCP = 0,
	SONDE_TRANSPORT_UDP,
	SONDE_TRANSPORT_UNIX, /* a stream */
	SONDE_TRANSPORT_UNIX_DATAGRAM,
};

/* "tcp", "udp", "unix", "unix-dgram".  Static. */
SONDE_API const char *sonde_transport_name(enum sonde_transport transport);

/* Whom to talk to.  Strings are borrowed for the call. */
struct sonde_target {
	enum sonde_transport transport;
	const char *host; /* a name or a number; Unix: a path, or "@NAME" (abstract) */
	const char *port; /* a number or a name; NULL: host is "HOST:PORT"; Unix: NULL */
	enum sonde_family family; /* _INET, _INET6: no other; _NONE: any */
	/* The address of our side: "HOST:PORT", "HOST", ":PORT"; Unix: a path, or "@NAME";
	 * NULL: the kernel's choice. */
	const char *bind;
	int64_t timeout_ns; /* for all of it, TLS included, look-up excluded; 0: none */
	const struct sonde_tls_options *tls; /* NULL: without */
};

/* "127.0.0.1:50000", "/run/x.sock", "@name", or "" for none. */
#define SONDE_ENDPOINT_CHARS 128
/* "127.0.0.1:50000/tcp", "/run/x.sock (unix)": cut where there is no room.  Returns the
 * length. */
#define SONDE_ENDPOINT_TRANSPORT_CHARS (SONDE_ENDPOINT_CHARS + 16)
SONDE_API size_t sonde_transport_format(enum sonde_transport transport,
					const char *endpoint, char *ret, size_t capacity);

enum sonde_session_event_kind {
	SONDE_SESSION_RESOLVING,  /* text: the name */
	SONDE_SESSION_RESOLVED,   /* text: its addresses; count; took_ns */
	SONDE_SESSION_BOUND,      /* local, before the connect; by_user */
	SONDE_SESSION_CONNECTING, /* peer */
	SONDE_SESSION_FAILED, /* peer could not be had: text; count: so many are left */
	SONDE_SESSION_CONNECTED, /* local, peer, took_ns */
	SONDE_SESSION_TLS,       /* tls */
	SONDE_SESSION_SENT,      /* bytes[0..count) are in the kernel's hands */
	SONDE_SESSION_RECEIVED,  /* bytes[0..count) */
	SONDE_SESSION_SENT_END,  /* our half is closed; text: FIN, close_notify */
	SONDE_SESSION_PEER_END,  /* the peer's half is; text as before */
	SONDE_SESSION_CLOSED,    /* text: by whom and why; by_user: in order */
	SONDE_SESSION_TELNET,    /* text: an option that was agreed on */
	SONDE_SESSION_NOTE,      /* text: what the user should know */
	SONDE_SESSION_STEP,      /* of a script: line, text; by_user: it was fulfilled */
};

/* Valid during the call.  Text may hold the network's bytes: escape it. */
struct sonde_session_event {
	enum sonde_session_event_kind kind;
	int64_t at_ns; /* CLOCK_REALTIME */
	enum sonde_transport transport;
	const char *local, *peer; /* as far as known, else "" */
	/* The same as values, where they are of IP; else of family _NONE. */
	struct sonde_address local_address, peer_address;
	const char *text;
	const void *bytes;
	size_t count;
	int64_t took_ns;
	bool by_user;
	/* Bound, connected: who gave the local address and port. */
	bool gave_address, gave_port; /* the user did */
	const struct sonde_tls_details *tls;
	unsigned line;
};

typedef void sonde_session_observer(void *context,
				    const struct sonde_session_event *event);

struct sonde_session_options {
	int64_t idle_timeout_ns; /* ends when nothing comes or goes for so long; 0 never */
	bool crlf;               /* "\n" that is sent without "\r" gets one */
	bool telnet;             /* RFC 854: options are answered, IAC is not data */
	bool telnet_if_asked;    /* as soon as the peer begins to negotiate */
	/* For telnet: the window, 0 0 none; whether keys can be sent one by one, so that
	 * the peer may echo them; the terminal, borrowed, NULL: a dumb one. */
	uint16_t columns, rows;
	bool takes_echo;
	const char *terminal_type;
	sonde_session_observer *observer; /* NULL none */
	void *context;
};

struct sonde_session;

SONDE_API int sonde_session_new(const struct sonde_session_options *options,
				struct sonde_session **ret, struct sonde_error *err);
/* Closes, without a word to the observer. */
SONDE_API void sonde_session_free(struct sonde_session *session);

/* What waits by itself, sonde_session_open() behind the look-up and
 * sonde_session_start_tls(), is ended with -EINTR as soon as also_fd can be read.  -1 none,
 * as in the beginning.  Borrowed. */
SONDE_API void sonde_session_heed(struct sonde_session *session, int also_fd);

/* Looks up, binds, connects, and shakes hands; tries all addresses of a name. */
SONDE_API int sonde_session_open(struct sonde_session *session,
				 const struct sonde_target *target,
				 struct sonde_error *err);
/* TLS from now on, on a connection that had none (STARTTLS). */
SONDE_API int sonde_session_start_tls(struct sonde_session *session,
				      const struct sonde_tls_options *tls,
				      int64_t timeout_ns, struct sonde_error *err);
SONDE_API bool sonde_session_is_open(const struct sonde_session *session);
/* Closes now; why is for the observer: "by quit". */
SONDE_API void sonde_session_close(struct sonde_session *session, const char *why);

struct sonde_session_totals {
	uint64_t sent, received; /* bytes, over all connections of this session */
	int64_t lasted_ns;       /* of the last connection */
	bool peer_ended_first;
};
SONDE_API void sonde_session_get_totals(const struct sonde_session *session,
					struct sonde_session_totals *ret);

/* Where the two ends are, as of now or as they were last. */
struct sonde_session_place {
	enum sonde_transport transport;
	char local[SONDE_ENDPOINT_CHARS], peer[SONDE_ENDPOINT_CHARS];
	bool gave_address, gave_port; /* --bind did, else the kernel */
	bool is_tls;
};
SONDE_API void sonde_session_get_place(const struct sonde_session *session,
				       struct sonde_session_place *ret);

/* --- between two descriptors */

struct sonde_pipe {
	int in_fd;    /* its bytes are sent; -1: at its end already */
	int out_fd;   /* what is received goes there; -1: to the observer alone */
	int also_fd;  /* ends it when it is readable; -1 none */
	bool escapes; /* for a terminal: control characters but \n and \t escaped */
	bool ends_with_peer; /* the peer's end is ours, too: a person sits at in_fd */
	/* SENT and RECEIVED are told without their bytes, which the kernel may then move by
	 * itself.  SIGPIPE should be ignored. */
	bool without_bytes;
};

/* Until both halves are closed.  0: in order; 1: also_fd was readable; or -errno with
 * *err.  Closes in_fd and out_fd as soon as their direction is over, and the connection.
 */
SONDE_API int sonde_session_run_pipe(struct sonde_session *session,
				     const struct sonde_pipe *pipe,
				     struct sonde_error *err);

/* The same with a program, `sh -c command`, to whose environment SONDE_PROTO,
 * SONDE_PEER_ADDRESS, SONDE_PEER_PORT, SONDE_LOCAL_ADDRESS and SONDE_LOCAL_PORT are added.
 * That it failed is -ECHILD.  SIGPIPE should be ignored: it may end before it has read
 * all. */
SONDE_API int sonde_session_run_exec(struct sonde_session *session, const char *command,
				     char *const *environment, int also_fd,
				     struct sonde_error *err);

/* --- turn by turn */

/* To be polled, and for what (POLLIN, POLLOUT).  -1 while it is not open. */
SONDE_API int sonde_session_fd(const struct sonde_session *session);
SONDE_API short sonde_session_events(const struct sonde_session *session);
/* There is something to do without waiting. */
SONDE_API bool sonde_session_is_ready(const struct sonde_session *session);
/* Queues all of it, and sends what can be sent.  0; -EAGAIN where the peer takes nothing
 * and the queue is full: then nothing was taken; or -errno. */
SONDE_API int sonde_session_send(struct sonde_session *session, const void *bytes,
				 size_t n, struct sonde_error *err);
/* No more will be sent once the queue is empty. */
SONDE_API int sonde_session_end(struct sonde_session *session, struct sonde_error *err);
/* Does what can be done without waiting.  1 goes on; 0 the peer closed in order; or
 * -errno: then it is closed. */
SONDE_API int sonde_session_turn(struct sonde_session *session, struct sonde_error *err);

/* How telnet wants it typed, which may change with every turn. */
enum sonde_session_typing {
	SONDE_TYPING_LINES =
		0, /* shown, and sent when they are whole; also without telnet */
	SONDE_TYPING_HIDDEN, /* the same, not shown: a password */
	SONDE_TYPING_KEYS, /* every key at once, not shown: the peer sends what is to be */
};
SONDE_API enum sonde_session_typing
sonde_session_typing(const struct sonde_session *session);
/* The window has another size.  0 or -errno. */
SONDE_API int sonde_session_resize(struct sonde_session *session, uint16_t columns,
				   uint16_t rows);

/* How long the caller may wait until nothing has come or gone for too long; -1 for ever. */
SONDE_API int64_t sonde_session_idle_ms(const struct sonde_session *session);
/* Then: says so in *err, and returns -ETIMEDOUT. */
SONDE_API int sonde_session_fail_idle(struct sonde_session *session,
				      struct sonde_error *err);

/* --- by a script: sonde-connect(1) has its language */

struct sonde_script;

/* Parses text[0..n), which is not kept; name is the file's, for errors. */
SONDE_API int sonde_script_new(const char *name, const char *text, size_t n,
			       struct sonde_script **ret, struct sonde_error *err);
SONDE_API void sonde_script_free(struct sonde_script *script);
/* 0 when every step was fulfilled; 1 also_fd was readable; or -errno with *err. */
SONDE_API int sonde_session_run_script(struct sonde_session *session,
				       const struct sonde_script *script,
				       const struct sonde_tls_options *tls, int also_fd,
				       struct sonde_error *err);

#endif
