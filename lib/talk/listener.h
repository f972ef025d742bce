/* A listener from inside.
 *
 *	listener.c	its life: open, run, tell
 *	listen_bind.c	its sockets
 *	listen_accept.c	who comes: accepted, refused, or told to wait
 *	caller_begin.c	one client's beginning, and what it is connected with
 *	caller.c	its life, and its end
 *	pump.c		bytes from one end to another
 *	hub.c		one client's bytes to all the others
 *	hub_chat.c	the same in lines, with who said them
 *	hub_own.c	this program's own input and output among them
 *	child.c		a command for a client
 *	reach.c		another address for a client
 *
 * An end is a stream in the loop.  Two ends form a link; a client of a hub is an end
 * alone.  Everything that happens to a client goes through caller_close(), once. */
#ifndef TALK_LISTENER_H
#define TALK_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/listen.h>

#include "base/limits.h"
#include "io/loop.h"
#include "io/sock.h"
#include "io/stream.h"
#include "io/tls.h"
#include "talk/held.h"
#include "talk/outlet.h"
#include "talk/splice.h"

enum {
	LISTENER_PAUSE_MS = 250,   /* until descriptors are asked for again */
	LISTENER_QUIET_MS = 10000, /* between two notes that say the same */
};

enum listener_kind {
	KIND_SOCKET = 0, /* struct listening: it listens */
	KIND_END,        /* struct end: a stream */
	KIND_END_WRITE,  /* the same: the other descriptor of a pair */
	KIND_INPUT,      /* in_fd */
	KIND_OUTPUT,     /* out_fd, when it is full */
	KIND_CHILD,      /* a pidfd */
	KIND_ALSO,       /* the caller's also_fd */
	KINDS
};

struct caller;

/* Who came, as accept() or the first datagram told: a moment later it may be gone, and the
 * socket without a name. */
struct peer {
	struct sonde_address address;
	char text[SONDE_ENDPOINT_CHARS];
};

/* A direction from one end to the other: what was read and is not written yet. */
struct end {
	struct stream *stream; /* owned; NULL: closed, or not there yet */
	int slot;              /* in the loop; -1 none */
	int write_slot;        /* where writing is waited for, of a pair; -1 none */
	struct caller *client; /* borrowed */
	struct end *other;     /* of the link; NULL in a hub */
	uint8_t *kept;         /* owned, from the pool; NULL: nothing is kept */
	size_t kept_at, kept_used;
	bool keeps;     /* also true for an empty datagram */
	bool has_ended; /* it sends no more */
	bool was_told;  /* that `other` sends no more: our half is closed */
	bool heard_it;  /* and the peer sees that: not each kind has half-closes */
	bool is_broken; /* nothing can be written to it any more */
	bool is_bulky;  /* its last piece was a large one */
	bool wastes;    /* what it sends is for nobody, and was read away */
	uint32_t watched;
};

enum client_state {
	CLIENT_HANDSHAKE = 0, /* TLS */
	CLIENT_REACHING,      /* the other address */
	CLIENT_WAITING,       /* for descriptors, to be had for its other end */
	CLIENT_OPEN,
	CLIENT_LEAVING, /* all is said; it may still send what nobody wants */
	CLIENT_CLOSED,
};

/* Bytes for a client of a hub, which it did not take yet. */
struct queue {
	uint8_t *bytes; /* owned */
	size_t at, used, room;
};

/* The unfinished line of a chat. */
struct chat_line {
	uint8_t *bytes; /* owned, LIMIT_LISTEN_LINE of them */
	size_t used;
};

struct caller {
	struct sonde_listener *listener; /* borrowed */
	struct caller *next, **link;     /* of all that are open */
	uint64_t number;
	enum client_state state;
	struct end near, far; /* the client; what it is connected with */
	struct sonde_address local_address, peer_address;
	char local[SONDE_ENDPOINT_CHARS], peer[SONDE_ENDPOINT_CHARS];
	uint64_t received, sent;
	int64_t opened_ns, active_ns, deadline_ns; /* deadline_ns: of a state */
	int to_try;                                /* reach.c: the next address */
	int64_t reach_until_ns;                    /* for all of them */
	struct queue queue;                        /* hub.c */
	int failing; /* hub.c: why it will be closed in its own turn; 0 it will not */
	struct held held;             /* hub_own.c: for a terminal */
	struct chat_line line;        /* hub_chat.c */
	bool told_end, told_sent_end; /* to the observer */
	unsigned refs;                /* ends still in the loop */
};

/* A socket that listens. */
struct listening {
	struct sonde_listener *listener;
	int fd, slot;
	struct sonde_address address; /* not of Unix */
	bool is_paused;
};

struct child {
	struct sonde_listener *listener;
	struct child *next, **link;
	pid_t pid;
	int slot;
};

struct sonde_listener {
	struct sonde_listen_options options;
	struct loop *loop;
	struct tls_context *tls; /* NULL none */
	struct listening sockets[LIMIT_ADDRESSES];
	size_t socket_count;
	char path[SONDE_ENDPOINT_CHARS]; /* a file to remove in the end; "" none */
	struct sonde_address to[LIMIT_ADDRESSES]; /* RELAY, where it is IP */
	int to_count;
	struct caller *clients;
	struct child *children;
	unsigned client_count, max_clients;
	unsigned waiting_count; /* of the clients: in CLIENT_WAITING */
	uint8_t *scratch;       /* LIMIT_TALK_BYTES: of the read that is under way */
	struct splice_pipe splicing;
	uint8_t *spare[LIMIT_LISTEN_SPARE]; /* buffers of the same size, for the next */
	unsigned spare_count;
	/* Our own input and output, with many clients: PIPE, BROKER, CHAT. */
	int in_slot;
	bool in_ended, in_is_file, in_waits;
	int out_slot;
	struct outlet out;
	struct queue out_queue;
	struct chat_line in_line;
	struct sonde_listen_totals totals;
	int64_t began_ns;
	/* What was said is not said again before: that clients wait, that one failed. */
	int64_t wait_quiet_until_ns, fail_quiet_until_ns;
	/* Datagrams of peers that got no socket: those that were not said, and the last. */
	int64_t lost_quiet_until_ns;
	uint64_t lost_unsaid;
	int lost_error;
	char lost_peer[SONDE_ENDPOINT_CHARS];
	struct stream *single; /* owned; PIPE with one client: this one */
	struct peer single_peer;
	uint64_t queued;        /* bytes in the queues of all clients */
	bool is_done, was_told; /* was_told: by also_fd */
	bool why_client;        /* the one client did not end in order */
	bool command_failed;    /* that of the one client, with why_command */
	bool ends_commands;     /* those that end now were told to */
	int error;              /* the end of all, with why */
	struct sonde_error why, why_command;
};

/* ---- listener.c */

void listener_tell(struct sonde_listener *listener, struct sonde_listen_event *event);
void listener_note(struct sonde_listener *listener, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* One client and no more, between two descriptors: a session takes over (adopt.c). */
bool listener_is_single_pipe(const struct sonde_listener *listener);
bool listener_is_datagram(const struct sonde_listener *listener);
/* Ends everything: an error of this side. */
void listener_fail(struct sonde_listener *listener, int error, const char *operation,
		   const char *subject);
uint8_t *listener_take_buffer(struct sonde_listener *listener); /* NULL: no memory */
void listener_give_buffer(struct sonde_listener *listener, uint8_t *buffer);

/* ---- listen_bind.c */

int listen_bind(struct sonde_listener *listener, struct sonde_error *err);

/* ---- listen_accept.c */

/* Accepting goes on, or waits, as there is room for clients. */
void listener_watch(struct sonde_listener *listener);
/* The names of both ends of an accepted (or connected) socket. */
void listener_name_ends(int fd, const struct peer *peer, struct caller *client);
/* Says, once in a while, that clients have to wait until descriptors are free. */
void listener_note_wait(struct sonde_listener *listener, int error);
/* Says which datagrams were lost, as far as it was not said yet. */
void listener_note_lost(struct sonde_listener *listener);
void listening_ready(struct listening *it);
void listening_late(struct listening *it); /* its pause is over */

/* ---- caller_begin.c */

/* Takes the stream.  A client that cannot be had is closed at once. */
void caller_new(struct sonde_listener *listener, struct stream *stream,
		const struct peer *peer);
/* Of TLS, as far as it goes. */
void caller_shake_hands(struct caller *client);
/* It has waited for descriptors: perhaps there are some now. */
void caller_begin_again(struct caller *client);
/* Closes it: what it was to be connected with (`what` says so) cannot be had.  Where it is
 * the only client, that is how all ends; with many it is said once in a while. */
void caller_fail(struct caller *client, const struct sonde_error *why, const char *what);

/* ---- caller.c */

/* Adds who it is. */
void caller_tell(struct caller *client, struct sonde_listen_event *event);
/* EPOLLIN, EPOLLOUT, or 0. */
void caller_watch_end(struct end *end, uint32_t events);
void caller_ready(struct caller *client, struct end *end, uint32_t events);
/* The writing side of a pair can take something, or nobody reads there any more. */
void caller_write_ready(struct caller *client, struct end *end, uint32_t events);
/* A datagram of it that came to the listening socket. */
void caller_take_datagram(struct caller *client, const uint8_t *bytes, size_t n);
/* Of its state or idleness. */
void caller_late(struct caller *client);
void caller_free_end(struct end *end); /* the loop is done with it */
/* Tells why, and lets go of everything.  is_reset: so that the ends see a reset. */
void caller_close(struct caller *client, bool in_order, bool is_reset, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));
/* The far end is there (state OPEN). */
void caller_opened(struct caller *client);
/* Tells once that the client, or what is sent to it, has ended. */
void caller_tell_ends(struct caller *client);
/* Asks the loop for what both ends want now. */
void caller_watch(struct caller *client);
/* Bytes that came from, or went to, the client. */
void caller_count_received(struct caller *client, const void *bytes, size_t n);
void caller_count_sent(struct caller *client, const void *bytes, size_t n);

/* ---- pump.c */

/* Adds a stream to the loop as that end; takes it.  0 or -errno. */
int end_open(struct end *end, struct caller *client, struct stream *stream);
/* What can be moved from one end to the other now.  0, or the errno of the end that
 * failed for good (*ret_failed). */
int pump(struct end *from, struct end *to, struct end **ret_failed);
/* The same with bytes that were read already: a datagram. */
void pump_datagram(struct end *from, struct end *to, const uint8_t *bytes, size_t n);
/* Nothing can be written to `to` any more: what was kept for it is dropped. */
void pump_break(struct end *from, struct end *to);
/* Out of the loop, and closed. */
void end_close(struct end *end);
/* Everything of that direction has been told: an end, or it broke. */
bool pump_is_over(const struct end *from, const struct end *to);

/* ---- hub.c */

int queue_add(struct queue *queue, const void *bytes, size_t n); /* -ENOBUFS: full */
void queue_empty(struct queue *queue); /* gives its memory back where it is */
void queue_done(struct queue *queue);
/* A client has come, or gone (chat tells the others). */
void hub_add(struct caller *client);
void hub_remove(struct caller *client);
void hub_ready(struct caller *client);
/* It is failing: closes it, and says why. */
void hub_fail(struct caller *client);
void hub_pass(struct caller *client, const uint8_t *bytes, size_t n);
/* To all but `from`; NULL: we say it ourselves, and are not shown it again. */
void hub_say(struct sonde_listener *listener, struct caller *from, const void *bytes,
	     size_t n);

/* ---- hub_chat.c */

/* "came", "left". */
void hub_announce(struct caller *client, const char *what);
/* What somebody, or we (NULL), typed.  0 or -ENOMEM. */
int hub_chat(struct sonde_listener *listener, struct caller *from, const uint8_t *bytes,
	     size_t n);
/* It has gone, and what it said last may have no end of line. */
void hub_chat_end(struct caller *client);

/* ---- hub_own.c */

void hub_show(struct caller *from, const void *bytes, size_t n);
/* What was held back of its letters. */
void hub_show_last(struct caller *client);
/* Then nobody is read. */
bool hub_output_is_full(const struct sonde_listener *listener);
/* Reading our input goes on, or waits. */
void hub_watch_input(struct sonde_listener *listener);
int hub_open_pipe(struct sonde_listener *listener, struct sonde_error *err);
void hub_read_input(struct sonde_listener *listener);
void hub_write_output(struct sonde_listener *listener);

/* ---- child.c */

int child_start(struct caller *client);
void child_ready(struct child *child);
void child_free(struct child *child);
/* is_in_order: the client is done, and so will be its command, soon. */
void child_end_all(struct sonde_listener *listener, bool is_in_order);

/* ---- reach.c */

/* Reads what --to means, once.  0 or -errno. */
int reach_prepare(struct sonde_listener *listener, struct sonde_error *err);
/* Once it is bound: whether that is the listener itself.  0 or -ELOOP. */
int reach_check(const struct sonde_listener *listener, struct sonde_error *err);
/* Begins, or goes on with the next address.  0, or -errno when none is left. */
int reach_begin(struct caller *client);
/* Closes the client: the other address cannot be had, or (-ETIMEDOUT) does not answer. */
void reach_fail(struct caller *client, int error);
/* The connect has ended one way or the other. */
void reach_ready(struct caller *client);
/* The address has had its share of the time. */
void reach_late(struct caller *client);

#endif
