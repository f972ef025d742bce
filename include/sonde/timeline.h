/* What a recording means: which statement sent each packet, which packet completed each
 * blocking statement, and the ladder that shows it.  Pure: nothing but the recording goes
 * in.
 *
 * TCP is joined by the offset in the stream, not by time: the bytes that the k-th send
 * call accepted are a range of the stream, and a segment's sequence numbers map to it
 * exactly. */
#ifndef SONDE_TIMELINE_H
#define SONDE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/export.h>
#include <sonde/recording.h>
#include <sonde/text.h>

enum sonde_answer { SONDE_NO = 0, SONDE_YES = 1, SONDE_UNKNOWN = 2 };

/* One execution of a statement: one call, or the several that a library makes of it
 * (connect + poll + getsockopt under a timeout). */
struct sonde_statement {
	uint32_t statement;
	uint32_t program, pid, tid;
	uint32_t place;      /* 0: no source line */
	uint32_t socket;     /* of its most telling call */
	uint32_t principal;  /* that call: connect, accept, send, receive come first */
	uint32_t first_call; /* further ones by sonde_timeline.next_call */
	uint32_t call_count;
	int64_t enter_ns, exit_ns; /* exit_ns 0: it never came back */
	uint8_t blocked;           /* enum sonde_answer */
	bool can_block;            /* connect, accept, receive or wait that may block */
};

enum sonde_edge_kind {
	SONDE_EDGE_SENT, /* bytes, SYN, FIN or RST of the packet come from that call */
	SONDE_EDGE_RELEASED,  /* what let the packet leave */
	SONDE_EDGE_COMPLETED, /* that packet's arrival completed the blocking call, or what
				 another call did */
	SONDE_EDGE_TAKEN, /* without packets: the call took bytes that another one gave */
};

enum sonde_carries { SONDE_DATA = 0, SONDE_SYN, SONDE_FIN, SONDE_RST };

enum sonde_release { SONDE_BY_CALL = 0, SONDE_BY_PACKET, SONDE_BY_TIMER };

struct sonde_edge {
	uint8_t kind;    /* enum sonde_edge_kind */
	uint8_t carries; /* enum sonde_carries; of SENT */
	uint8_t release; /* enum sonde_release; of RELEASED */
	/* False: one of several candidates.  They have an edge each, so that the true one
	 * is among them; but what made room for a send is named by the first that may
	 * have. */
	bool exact;
	uint32_t statement, call, packet; /* packet 0: between calls */
	uint32_t by_packet;               /* of RELEASED by a packet */
	/* Of SENT with data: bytes [from, to) of the packet's payload; of TAKEN: of what
	 * the call returned. */
	uint32_t from, to;
	/* Between calls: that which gave the bytes, or did what the other waited for, and
	 * the stream where it did so (0: none is shown). */
	uint32_t by_call, by_statement, stream;
};

/* Why a packet has no statement, or a statement no packet. */
enum sonde_why {
	SONDE_WHY_NONE = 0, /* it has one */
	/* packets */
	SONDE_WHY_KERNEL_SYN_ACK, /* the kernel answers for the listening socket */
	SONDE_WHY_KERNEL_ACK,     /* a bare acknowledgement */
	SONDE_WHY_KERNEL_RESET,   /* nobody listens there, or data for a closed socket */
	SONDE_WHY_KERNEL_ICMP,    /* an error */
	SONDE_WHY_KERNEL_ECHO,    /* the answer to a ping */
	SONDE_WHY_KERNEL_NEIGHBOUR, /* ICMPv6: neighbours, routers, groups */
	SONDE_WHY_KERNEL_PROBE,     /* keep-alive, zero window probe */
	SONDE_WHY_NOT_TRACED,       /* its sender is not a traced program */
	SONDE_WHY_NOT_SEEN,         /* the call was not recorded: honest ignorance */
	/* both */
	SONDE_WHY_NOT_JOINED, /* neither TCP nor UDP */
	/* statements */
	SONDE_WHY_NOT_BLOCKED,     /* what it waits for was there: `packet` names it */
	SONDE_WHY_BUFFERED,        /* a send: there was room for it */
	SONDE_WHY_AT_ONCE,         /* it failed, or had nothing to wait for */
	SONDE_WHY_TIMED_OUT,       /* it gave up */
	SONDE_WHY_STILL_WAITING,   /* never came back */
	SONDE_WHY_INTERRUPTED,     /* by a signal */
	SONDE_WHY_NO_PACKETS,      /* none were captured */
	SONDE_WHY_PACKET_NOT_SEEN, /* dropped, not captured, or not to be told */
	SONDE_WHY_OWN_SIDE, /* completed by this machine: an event, a Unix socket whose
			       other end is not traced */
	SONDE_WHY_MAYBE, /* within the margin: `packet` names the one that would have */
	SONDE_WHY_CALL_NOT_SEEN, /* of a Unix socket or pipe, that has no packets: not
				    recorded, or not to be told */
};

/* Where a packet stands in its stream. */
struct sonde_packet_place {
	uint32_t stream;   /* from 1; 0: not TCP or UDP.  JSON counts from 0 as Wireshark
			      does */
	uint8_t direction; /* 0: from the side that began the stream */
	bool is_retransmission;
	bool is_pure_ack;
	bool is_handshake_ack;     /* the third packet of the handshake */
	uint32_t seq, ack;         /* relative to the initial ones */
	uint8_t why;               /* enum sonde_why: no SENT edge because ... */
	uint32_t sender, receiver; /* traced sockets at its two ends, 0 not traced */
};

/* Streams without packets (Unix sockets and pipes: packet_count 0) come after all others;
 * of a pipe and of datagrams the client is the side that writes. */
struct sonde_stream {
	uint32_t stream;
	uint8_t kind;                          /* enum sonde_socket_kind */
	struct sonde_address client, server;   /* client: the side that began it */
	uint32_t client_socket, server_socket; /* 0 not traced */
	uint32_t listening_socket;
	uint32_t first_packet, last_packet, packet_count;
	uint32_t taken_count; /* TAKEN edges */
	/* Who used the two ends first; a shell makes the pipes of others. */
	uint32_t client_program, server_program;
};

struct sonde_timeline {
	const struct sonde_recording *recording; /* borrowed */
	struct sonde_statement *statements;      /* by enter_ns */
	uint32_t *statement_of_call;             /* [call - 1] */
	uint32_t *next_call; /* [call - 1]: the next call of the same statement, 0 none */
	/* By packet, then kind, then call; first those between calls, by stream. */
	struct sonde_edge *edges;
	struct sonde_packet_place *packet_places; /* [packet - 1] */
	struct sonde_stream *streams;
	uint8_t *call_blocked; /* [call - 1], enum sonde_answer */
	uint8_t *call_why;     /* [call - 1], enum sonde_why */
	uint32_t
		*call_packet; /* [call - 1]: what completed it, or was there already; 0 */
	uint32_t *call_by;    /* the same, where that was another call */
	bool *call_unsure;    /* [call - 1]: these two are one of several candidates */
	uint32_t statement_count, edge_count, stream_count;
	uint32_t packets_mapped;            /* with a SENT edge */
	uint32_t calls_without_line;        /* ends of programs not counted */
	struct sonde_timeline_index *index; /* private */
};

/* Returns 0 or -ENOMEM.  The recording must be sealed and outlive the timeline. */
SONDE_API int sonde_timeline_build(const struct sonde_recording *recording,
				   struct sonde_timeline *ret);
SONDE_API void sonde_timeline_done(struct sonde_timeline *timeline);

/* How people call a statement: "client.py:9 sock.connect((HOST, PORT))", or, without a
 * source line, "sonde[812] connect()".  What comes from programs is escaped. */
SONDE_API void sonde_statement_add_label(const struct sonde_timeline *timeline,
					 uint32_t statement, struct sonde_text *text);

/* ---- the two tables of the lab ---- */

/* packet -> statements that sent it.  A row for each edge; a packet without one has a row
 * with statement 0 and the reason. */
struct sonde_sent_row {
	uint32_t packet, statement, call;
	uint8_t why, carries;
	bool exact;
};

/* blocking statement -> packet or call that completed it. */
struct sonde_completed_row {
	uint32_t statement, call;
	uint32_t packet;                /* 0 none */
	uint32_t by_call, by_statement; /* 0 none */
	uint8_t blocked;                /* enum sonde_answer */
	uint8_t why;
	bool exact; /* false: one of several candidates, those of an edge with a row each */
	int64_t waited_ns; /* until its return, or the end of the recording */
};

/* bytes of Unix sockets and pipes -> statements that gave and took them. */
struct sonde_taken_row {
	uint32_t call, statement, by_call, by_statement;
	uint32_t bytes; /* 0: several messages at once */
	uint32_t stream;
	bool exact;
};

struct sonde_tables {
	struct sonde_sent_row *sent;
	struct sonde_completed_row *completed;
	/* Without packets: which statement took what another one gave. */
	struct sonde_taken_row *taken;
	uint32_t sent_count, completed_count, taken_count;
};

SONDE_API int sonde_tables_build(const struct sonde_timeline *timeline,
				 struct sonde_tables *ret);
SONDE_API void sonde_tables_done(struct sonde_tables *tables);

/* One short phrase for people: "the kernel acknowledges".  Static. */
SONDE_API const char *sonde_why_text(enum sonde_why why);

/* ---- the ladder ---- */

/* A lane is a socket; where one end is not traced, a remote address (socket 0). */
struct sonde_lane {
	uint32_t socket;
	uint32_t program;
	struct sonde_address address; /* its local one */
};

enum sonde_ladder_kind {
	SONDE_LADDER_BEGIN,  /* a statement enters: its bar begins */
	SONDE_LADDER_END,    /* it comes back: the bar ends */
	SONDE_LADDER_WHOLE,  /* begin and end with nothing between them */
	SONDE_LADDER_PACKET, /* an arrow */
	SONDE_LADDER_GAP,    /* nothing happened for gap_ns: folded */
	SONDE_LADDER_PASS,   /* an arrow without a packet, from a call to a call */
};

struct sonde_ladder_row {
	uint8_t kind; /* enum sonde_ladder_kind */
	int64_t at_ns;
	int64_t gap_ns;
	uint32_t statement; /* BEGIN, END, WHOLE */
	uint32_t packet;    /* PACKET */
	uint32_t edge;   /* PASS: index + 1 of one that joins the two calls; TAKEN where
			       there is one */
	uint8_t lane;    /* of the statement, or the sender */
	uint8_t to_lane; /* of the receiver */
	bool completes;  /* the arrow ends the statement below: a dot */
	bool is_perhaps; /* it is one of several that may have: an open dot */
	uint32_t completed; /* that statement */
};

struct sonde_ladder {
	struct sonde_lane lanes[2]; /* client left, server right */
	struct sonde_ladder_row *rows;
	uint32_t row_count;
	uint32_t acks_folded;
	uint32_t stream;
};

struct sonde_ladder_options {
	bool all_acks;       /* draw pure ACKs too */
	int64_t fold_gap_ns; /* fold idle times longer than this; 0: never */
};

/* The ladder of one stream: the statements on its two sockets, those on the listening
 * socket that led to it, and its packets.  0 or -ENOMEM. */
SONDE_API int sonde_ladder_build(const struct sonde_timeline *timeline, uint32_t stream,
				 const struct sonde_ladder_options *options,
				 struct sonde_ladder *ret);
SONDE_API void sonde_ladder_done(struct sonde_ladder *ladder);

#endif
