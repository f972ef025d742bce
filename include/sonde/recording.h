/* What one run of programs left behind: programs, sockets, calls, places in the source
 * and packets, as they were observed.  Nothing here is concluded; that is
 * <sonde/timeline.h>.
 *
 * Everything has a number that counts from 1 in the order in which it was first seen and
 * is an index: programs[0] has the number 1.  0 means none.  Times are CLOCK_REALTIME in
 * nanoseconds since the epoch, for calls and packets alike.
 *
 * A recording owns all it points to; strings and the arrays inside an element live until
 * sonde_recording_free().  The arrays of elements may move whenever one is added: keep
 * numbers, not pointers.  What the header leaves open (a call's end, a socket's peer) is
 * written into the elements directly. */
#ifndef SONDE_RECORDING_H
#define SONDE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/export.h>
#include <sonde/packet.h>

/* How the source lines of a program are read. */
enum sonde_lines {
	SONDE_LINES_UNTRIED = 0, /* it made no socket call, or lines are not wanted */
	SONDE_LINES_READ,
	SONDE_LINES_NO_READER,       /* the process could not be looked into */
	SONDE_LINES_UNKNOWN_VERSION, /* an interpreter whose layout is not known */
	SONDE_LINES_SYMBOLS, /* the program has no debug information: functions at best */
};

/* One process image: a fork begins one, an exec ends it and begins another. */
struct sonde_program {
	uint32_t program;
	uint32_t pid;
	uint32_t parent;  /* program number, 0 for those that sonde started */
	const char *name; /* the script where an interpreter runs one, else argv[0]'s last
			     part */
	uint32_t argument_count;
	const char *const *arguments;
	int64_t started_ns, ended_ns; /* ended_ns 0: was not seen to end */
	int exit_status;              /* -1 unless it exited */
	int exit_signal;              /* 0 unless a signal ended it */
	bool replaced;                /* ended by exec */
	uint8_t lines;                /* enum sonde_lines */
	const char *interpreter; /* "Python 3.11.2", before 3.11 "Python 3.10"; NULL */
};

enum sonde_socket_kind {
	SONDE_SOCKET_OTHER = 0,
	SONDE_SOCKET_TCP,
	SONDE_SOCKET_UDP,
	SONDE_SOCKET_UNIX_STREAM,
	SONDE_SOCKET_UNIX_DATAGRAM,
	SONDE_SOCKET_UNIX_SEQPACKET,
	SONDE_SOCKET_PIPE, /* one end of a pipe or FIFO: see sonde_pipe_end */
};

/* The ends of a pipe are two "sockets".  A FIFO that was opened for both is neither. */
enum sonde_pipe_end {
	SONDE_PIPE_NONE = 0,
	SONDE_PIPE_READ,
	SONDE_PIPE_WRITE,
	SONDE_PIPE_BOTH
};

struct sonde_socket {
	uint32_t socket;
	uint32_t program; /* the first that was seen with it */
	uint32_t pid;
	int fd;           /* there */
	uint8_t family;   /* enum sonde_family */
	uint8_t kind;     /* enum sonde_socket_kind */
	uint8_t pipe_end; /* enum sonde_pipe_end */
	bool is_listening;
	bool defers_accept; /* TCP_DEFER_ACCEPT: only data makes it ready */
	bool is_inherited;  /* it existed before the first call that was seen */
	/* Of an inherited TCP connection, at looked_ns, when it was first seen: bytes that
	 * had arrived and that nobody had read, that were written and not sent, and sent
	 * and not acknowledged.  looked_ns 0: it was not asked. */
	int64_t looked_ns;
	uint32_t unread, unsent, in_flight;
	uint64_t cookie;      /* SO_COOKIE */
	uint32_t accepted_by; /* the call number */
	uint32_t peer_socket; /* of a pipe or a socketpair: its other end; 0 not known */
	uint32_t peer_pid;    /* of an accepted Unix socket: who connected; 0 not known */
	const char *name;     /* of a Unix socket or FIFO: its path, "@..." where it is
				 abstract; NULL: it has none */
	struct sonde_address local, peer; /* the latest known */
	int64_t opened_ns, closed_ns;     /* closed_ns 0: not seen */
	uint32_t closed_by; /* the call that dropped the last reference: close, dup2, exit
			       ... */
};

/* An instruction of a program, as a place in its source. */
struct sonde_place {
	uint32_t place;
	uint64_t code; /* code object or pc: tells two calls on one line apart */
	uint32_t offset;
	const char *file;     /* as the program knows it; NULL not known */
	const char *function; /* with the offset in it where there is no line, as in
				 "main+0x1a"; NULL not known */
	const char *text;     /* the source line without its indent; NULL not known */
	int line;             /* 0 not known */
	bool is_system;       /* standard library or system module */
};

struct sonde_stack {
	uint32_t stack;
	uint32_t place_count;
	const uint32_t *places; /* innermost first */
	uint32_t user_place;    /* the innermost outside the system's modules, or the
				   innermost */
	bool is_cut;            /* deeper than what is kept */
};

/* What a call is for, as far as the join cares. */
enum sonde_call_kind {
	SONDE_CALL_OTHER = 0,
	SONDE_CALL_SOCKET, /* socket, socketpair, pipe, dup*, fcntl(F_DUPFD), pidfd_getfd */
	SONDE_CALL_BIND,
	SONDE_CALL_LISTEN,
	SONDE_CALL_CONNECT,
	SONDE_CALL_ACCEPT,
	SONDE_CALL_SEND,
	SONDE_CALL_RECEIVE,
	SONDE_CALL_SHUTDOWN,
	SONDE_CALL_CLOSE,
	SONDE_CALL_WAIT,   /* poll, select, epoll_wait and their kin */
	SONDE_CALL_OPTION, /* setsockopt, getsockname, fcntl, ioctl, epoll_ctl ... */
	SONDE_CALL_EXIT,   /* exit_group, or the end of the process by a signal */
};

enum {
	SONDE_READY_READ = 0x1,
	SONDE_READY_WRITE = 0x4,
	SONDE_READY_ERROR = 0x8,
	SONDE_READY_HANGUP = 0x10,
};

/* A socket that a SONDE_CALL_WAIT asks about; the bits are poll(2)'s. */
struct sonde_watched {
	uint32_t socket;
	uint16_t wanted;
	uint16_t ready; /* 0 until the call has returned */
};

enum {
	SONDE_CALL_NONBLOCKING =
		0x01,           /* O_NONBLOCK or MSG_DONTWAIT, or a wait of zero time */
	SONDE_CALL_PEEK = 0x02, /* MSG_PEEK */
	SONDE_CALL_LAST_REFERENCE =
		0x04,                /* this close was the one that closes the socket */
	SONDE_CALL_WATCH_CUT = 0x08, /* it watched more sockets than are kept */
	SONDE_CALL_WAIT_ALL = 0x10,  /* MSG_WAITALL */
	/* What the scheduler's counters say; neither: not to be told. */
	SONDE_CALL_STAYED = 0x20, /* it kept its processor from the entry to the return */
	SONDE_CALL_SLEPT = 0x40,  /* it gave it up to wait */
	SONDE_CALL_RESUMED = 0x80, /* goes on with the thread's call before it, which a
				      stop broke off (restart_syscall) */
};

struct sonde_call {
	uint32_t call;
	uint32_t
		frame; /* of its row in the file that it was loaded from; 0 without one */
	uint32_t program;
	uint32_t pid, tid;
	uint32_t socket;      /* 0 for waits on several, and exits */
	uint32_t new_socket;  /* what accept, socket and dup returned */
	uint32_t from_socket; /* of splice, tee and sendfile: where the bytes come from */
	uint32_t stack;       /* 0: no source line */
	uint32_t holder;      /* of a bind, listen or connect that failed; 0 not asked */
	uint8_t kind;         /* enum sonde_call_kind */
	uint8_t flags;        /* SONDE_CALL_* bits */
	uint16_t datagrams; /* sendmmsg, recvmmsg: how many, and result their bytes; else
				0 */
	int fd;
	const char *name; /* "recvfrom"; static */
	/* enter_ns is taken just before the caller goes on into the kernel, exit_ns as
	 * soon as it is seen to come out; 0: it never came out. */
	int64_t enter_ns, exit_ns;
	int64_t result;  /* negative errno on failure */
	uint64_t buffer; /* address in the program; for sends and receives */
	uint64_t length; /* bytes asked for */
	/* Of what it moved, in the same terms as a packet's payload_hash: of datagrams that
	 * were received (of several the first), of those that several threads send on one
	 * socket, and of both on Unix sockets that keep messages apart.  0: not known. */
	uint64_t content_hash;
	int how; /* shutdown's SHUT_*, listen's backlog, exit's status */
	struct sonde_address
		address; /* argument, or what accept and recvfrom filled in */
	uint32_t watched_count;
	const struct sonde_watched *watched;
	int64_t timeout_ns; /* of a wait; -1 for ever */
};

/* Who had an address when a bind or listen failed with EADDRINUSE, as far as the tracer
 * could see a moment later.  Of a connect that this machine refused: who is near the address,
 * by another one, another port or another protocol. */
enum sonde_holder_state {
	SONDE_HOLDER_UNKNOWN = 0, /* nobody was found */
	SONDE_HOLDER_LISTENS,
	SONDE_HOLDER_BOUND,     /* a datagram socket; or a stream socket, not listening */
	SONDE_HOLDER_TALKS,     /* one end of a TCP connection */
	SONDE_HOLDER_CLOSING,   /* a TCP connection that the kernel still ends */
	SONDE_HOLDER_TIME_WAIT, /* one that has ended: nobody has it any more */
	SONDE_HOLDER_STALE,     /* a Unix socket's path, and nobody listens there */
	SONDE_HOLDER_FILE,      /* a file that is no socket has the path */
	SONDE_HOLDER_DATAGRAMS, /* of a connect: it is for UDP, and TCP was asked */
};

struct sonde_holder {
	uint32_t holder;
	uint8_t state;      /* enum sonde_holder_state */
	bool is_ownerless;  /* no descriptor of any process stands for the socket */
	bool is_unsearched; /* there were too many processes to look for its own */
	bool is_stopped;    /* the process is, by a signal */
	uint32_t pid; /* 0: nobody, or a process that sonde may not look into: then, */
	uint32_t uid; /* the socket's */
	int fd;
	uint32_t socket;    /* where the process is traced, too; else 0 */
	uint32_t others;    /* more processes that have it, as children do */
	uint32_t left_ms;   /* of SONDE_HOLDER_TIME_WAIT: until it is gone */
	const char *name;   /* of the program; NULL without one */
	const char *path;   /* that was wanted, of a Unix socket; else NULL */
	int64_t started_ns; /* when the process was; 0 not known */
	int64_t looked_ns;
	struct sonde_address local, peer;
};

struct sonde_interface {
	uint32_t interface;
	uint32_t index; /* the kernel's */
	enum sonde_link link;
	const char *name;
};

struct sonde_packet {
	uint32_t packet;
	uint32_t frame;     /* number in the capture file, calls counted; 0 without one */
	uint32_t interface; /* number */
	bool is_outgoing;
	int64_t at_ns;
	uint32_t captured_length, wire_length;
	uint64_t payload_hash; /* tells equal payloads; 0: it was not captured whole */
	struct sonde_decoded decoded;
	uint8_t head[4];               /* the payload's first bytes, */
	uint8_t tail;                  /* and its last one */
	bool is_text;                  /* printable characters and white space alone */
	uint32_t saying, saying_count; /* the first of its sayings; 0 none */
};

/* What a packet's payload said, as far as findings ask. */
enum sonde_saying_kind {
	SONDE_SAYS_USER = 0,     /* text: the name, in: "SMTP AUTH" */
	SONDE_SAYS_PASSWORD,     /* text: the password itself */
	SONDE_SAYS_FROM_DIFFERS, /* text: the envelope's sender, more: the header From */
	SONDE_SAYS_LINE_FEED,    /* a line that should end in CR LF; text: that line */
	SONDE_SAYS_CALC_REQUEST, /* text: "Summe", more: its ID; numbers: results, below */
	SONDE_SAYS_CALC_REPLY,   /* more: its ID; numbers: read little-, big-endian */
};

/* The results of a request: as it was meant, by its smaller numbers; read in the other
 * order; and read as the protocol says where it has padding in it. */
enum { SONDE_CALC_MEANT = 0, SONDE_CALC_SWAPPED, SONDE_CALC_UNPADDED };
#define SONDE_SAYS_NOTHING INT64_MIN /* there is no such result */

struct sonde_saying {
	uint8_t kind;                 /* enum sonde_saying_kind */
	bool is_big;                  /* of a calculation: it is meant big-endian */
	const char *in, *text, *more; /* escaped; NULL none */
	int64_t numbers[3];
};

enum sonde_severity { SONDE_NOTE = 0, SONDE_WARNING, SONDE_ERROR };

/* Something that the user must know about the recording itself. */
struct sonde_note {
	enum sonde_severity severity;
	const char *text;
	const char *hint; /* NULL */
};

struct sonde_recording {
	struct sonde_program *programs;
	struct sonde_socket *sockets;
	struct sonde_place *places;
	struct sonde_stack *stacks;
	struct sonde_holder *holders;
	struct sonde_call *calls; /* in the order of enter_ns within a thread */
	struct sonde_interface *interfaces;
	struct sonde_packet
		*packets; /* in the order of time once sonde_recording_seal() ran */
	struct sonde_saying *sayings; /* [saying - 1]; those of a packet are neighbours */
	struct sonde_note *notes;
	uint32_t saying_count, holder_count;
	uint32_t program_count, socket_count, place_count, stack_count, call_count,
		interface_count, packet_count, note_count;
	int64_t started_ns, ended_ns;
	int64_t margin_ns;  /* so near enter_ns it is not known whether a call blocked */
	bool has_packets;   /* packets were captured at all */
	bool drops_unknown; /* of a file that does not say it: packets_dropped at least */
	uint64_t packets_dropped, packets_foreign; /* by the kernel; of other programs */
	uint64_t calls_dropped;
	uint64_t stops;  /* how often a program was stopped to be looked at, */
	int64_t held_ns; /* and for how long in all: what observing has cost it */
	uint32_t main_program;
	struct sonde_store *store; /* private */
};

SONDE_API struct sonde_recording *sonde_recording_new(void); /* NULL: no memory */
SONDE_API void sonde_recording_free(struct sonde_recording *recording);

/* Each copies what it is given, strings and arrays too, and returns the new number (which
 * it also writes into the copy), or -ENOMEM, or -E2BIG at the limits of
 * lib/base/limits.h. */
SONDE_API int sonde_recording_add_program(struct sonde_recording *recording,
					  const struct sonde_program *program);
SONDE_API int sonde_recording_add_socket(struct sonde_recording *recording,
					 const struct sonde_socket *socket);
SONDE_API int sonde_recording_add_place(struct sonde_recording *recording,
					const struct sonde_place *place);
SONDE_API int sonde_recording_add_stack(struct sonde_recording *recording,
					const struct sonde_stack *stack);
SONDE_API int sonde_recording_add_holder(struct sonde_recording *recording,
					 const struct sonde_holder *holder);
SONDE_API int sonde_recording_add_call(struct sonde_recording *recording,
				       const struct sonde_call *call);
SONDE_API int sonde_recording_add_interface(struct sonde_recording *recording,
					    const struct sonde_interface *interface);
SONDE_API int sonde_recording_add_packet(struct sonde_recording *recording,
					 const struct sonde_packet *packet);
SONDE_API int sonde_recording_add_saying(struct sonde_recording *recording,
					 const struct sonde_saying *saying);
SONDE_API int sonde_recording_add_note(struct sonde_recording *recording,
				       enum sonde_severity severity, const char *text,
				       const char *hint);
/* Replaces what is known of a socket; socket->socket says of which. */
SONDE_API int sonde_recording_set_socket(struct sonde_recording *recording,
					 const struct sonde_socket *socket);
/* What runs the program, once it is known. */
SONDE_API int sonde_recording_set_interpreter(struct sonde_recording *recording,
					      uint32_t program, const char *interpreter);
/* Replaces the watched sockets of a call that has returned. */
SONDE_API int sonde_recording_set_watched(struct sonde_recording *recording,
					  uint32_t call,
					  const struct sonde_watched *watched,
					  uint32_t watched_count);

/* Whether its packets hold a password that was heard: a file of it is not for everybody. */
SONDE_API bool sonde_recording_has_secrets(const struct sonde_recording *recording);

/* Sorts the packets by time (stable) and numbers them from 1 in that order.  Call it
 * once, when nothing more will be added. */
SONDE_API void sonde_recording_seal(struct sonde_recording *recording);

#endif
