/* A session from inside: what opening, turns, pipes and scripts share.
 *
 *	connect.c	looks up, binds, connects
 *	connect_unix.c	the same of Unix sockets
 *	session.c	the life of a session: events, errors in words, reading and writing
 *	secure.c	TLS over a connection
 *	turn.c		its queue, and one turn of a caller's loop
 *	pipe.h		between two descriptors
 *	script_run.c	by a script
 */
#ifndef TALK_SESSION_H
#define TALK_SESSION_H

#include <sonde/connect.h>

#include "io/sock.h"
#include "io/stream.h"
#include "io/tls.h"
#include "proto/telnet.h"
#include "talk/held.h"

#define SESSION_SUBJECT_CHARS SONDE_ENDPOINT_TRANSPORT_CHARS

struct sonde_session {
	struct sonde_session_options options;
	struct stream *stream; /* owned; NULL: not open */
	enum sonde_transport transport;
	char host[256]; /* as the user wrote it */
	char local[SONDE_ENDPOINT_CHARS], peer[SONDE_ENDPOINT_CHARS];
	struct sonde_address local_address, peer_address;
	bool gave_address, gave_port;
	char bound_path[SONDE_ENDPOINT_CHARS]; /* a file to remove in the end; "" none */
	bool sent_end;                         /* our half is closed */
	bool peer_end;                         /* the peer's is */
	bool peer_ended_first;
	bool owes_end; /* queued: close our half when the queue is empty */
	int64_t opened_ns, active_ns, lasted_ns;
	uint64_t sent, received;
	bool was_answered; /* something came, if only an empty datagram */
	/* What waits to be sent, of a caller's loop. */
	uint8_t *queue; /* owned */
	size_t queue_capacity, queue_at, queue_used;
	bool has_telnet; /* telnet is spoken */
	struct telnet telnet;
	bool telnet_after_cr;
	bool telnet_if_asked; /* it may still begin */
	bool is_mid_chunk; /* a pipe's piece is sent in part: nothing may come between */
	struct held held;  /* received, and not shown yet */
	char last_sent;    /* for crlf across the borders of what comes */
	uint8_t *incoming; /* owned: one read of a turn */
	int also_fd;       /* ends what waits by itself; -1 none */
};

/* --- session.c */

bool session_is_datagram(const struct sonde_session *session);
/* Fills what all events have, and calls the observer. */
void session_tell(struct sonde_session *session, struct sonde_session_event *event);
void session_tell_text(struct sonde_session *session, enum sonde_session_event_kind kind,
		       const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "127.0.0.1:7/tcp" of the peer. */
void session_format_subject(const struct sonde_session *session,
			    char ret[SESSION_SUBJECT_CHARS]);
/* Says in *err what happened to the connection; returns error. */
int session_fail(struct sonde_session *session, const char *operation, int error,
		 struct sonde_error *err);

/* As stream_read() and stream_write(), counted and told. */
ssize_t session_read(struct sonde_session *session, void *bytes, size_t n);
ssize_t session_write(struct sonde_session *session, const void *bytes, size_t n);
/* The same without a look at the bytes, of a bare stream and a pipe: as
 * splice_straight(). */
ssize_t session_splice_to(struct sonde_session *session, int out_fd);
ssize_t session_splice_from(struct sonde_session *session, int in_fd);
/* Closes our half.  0, -EAGAIN, or -errno. */
int session_shutdown(struct sonde_session *session);
/* When nothing came or went for too long; LOOP's and SOCK's never where there is no limit.
 */
int64_t session_idle_deadline_ns(const struct sonde_session *session);
int session_fail_idle(struct sonde_session *session, struct sonde_error *err);
/* Closes the connection and tells why. */
void session_close(struct sonde_session *session, bool in_order, const char *why);

/* --- connect.c, connect_unix.c */

/* What an error of connect() means, with what can be done. */
int connect_explain(const char *operation, const char *subject,
		    const struct sonde_address *address, bool has_bind, int error,
		    struct sonde_error *err);
/* Whether it is a link-local one that does not say on which interface. */
bool connect_lacks_interface(const struct sonde_address *address);
int connect_refuse_link_local(const char *operation, const char *subject,
			      const struct sonde_address *address,
			      struct sonde_error *err);
int connect_explain_unix(const char *operation, const char *subject, bool is_datagram,
			 int error, struct sonde_error *err);
int connect_fail_timeout(const char *operation, const char *subject, int64_t timeout_ns,
			 struct sonde_error *err);
/* That address was not it; so many are left to be tried. */
void connect_tell_failed(struct sonde_session *session, const char *reason, int left);
/* A descriptor that does not block, or -errno. */
int connect_unix(struct sonde_session *session, const struct sonde_target *target,
		 struct sonde_error *err);

/* --- turn.c */

/* Behind all that waits already.  0, -EAGAIN: there is no room; or -ENOMEM. */
int session_queue(struct sonde_session *session, const void *bytes, size_t n);
/* 0: all is sent, and the end that was owed; -EAGAIN, or -errno. */
int session_flush(struct sonde_session *session);

/* --- secure.c */

/* TLS over what is there, until the deadline; -EINTR by also_fd. */
int session_secure(struct sonde_session *session, struct tls_context *context,
		   int64_t deadline_ns, struct sonde_error *err);
int session_start_tls(struct sonde_session *session, const struct sonde_tls_options *tls,
		      int64_t deadline_ns, struct sonde_error *err);

#endif
