/* What the parts of the join share: the streams with their two sides, the calls that
 * belong to each side, and the edges that are found.
 *
 * How a timeline is built, in this order:
 *	statement.c       calls -> statements
 *	stream.c          packets -> streams; offsets; when bytes became readable
 *	endpoint.c        traced sockets -> sides of streams
 *	range.c           sends and receives -> ranges of a side's bytes
 *	anchor.c          where these bytes begin in the stream
 *	urgent.c          which of them were not read in their place
 *	join_sent.c       packets -> the calls that sent them
 *	join_completed.c  blocking calls -> the packets that completed them, with completer.c,
 *			  ready*.c and verdict.c
 *	join_udp.c        datagrams, for both, with datagram_*.c
 *	local.c           Unix sockets and pipes, which have no packets: calls to calls, with
 *			  local_*.c
 *	timeline.c        ties them together
 *
 * An offset counts the bytes of one direction from 0, the first byte after the SYN; it
 * has 64 bits, so that a long stream does not wrap.  The SYN stands at -1, the FIN right
 * after the last byte. */
#ifndef TIMELINE_JOIN_H
#define TIMELINE_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/timeline.h>

#include "timeline/arrival.h"
#include "timeline/calls.h"
#include "timeline/flow.h"

/* Where the bytes of a successful send or receive lie in the stream.  Calls of several
 * threads that overlap in time may have been served in any order: then [from, to) is all
 * that they may have got, and longer than `bytes`. */
struct range {
	int64_t from, to;
	int64_t bytes;
	/* Of sends: the furthest `to` in the tree below, see range.c; of receives: the
	 * bytes of all that had returned by then, its own included. */
	int64_t reach;
	uint32_t call;
	bool is_exact; /* to - from == bytes */
};

struct range_list {
	struct range *ranges; /* by enter_ns and `from`; receives by exit_ns */
	size_t count, room;
	int64_t total; /* bytes of all of them */
	bool is_open;  /* one never returned: how much it sent is not known */
};

/* One way through a Unix connection or a pipe, and the queue of a Unix datagram socket:
 * what the calls on one side put in, and those on the other took out.  Bytes count, or
 * messages where their bounds are kept. */
struct channel {
	uint32_t writer; /* socket; 0: several may be, by the message */
	uint32_t reader;
	uint32_t connect, accept; /* that began it; 0 */
	bool is_messages;
	bool is_certain; /* who its two ends are */
	bool is_broken;  /* it does not agree with itself: somebody else writes, too */
	struct range_list sends, receives;
	struct range_list closes; /* of the last reference to the writing end: calls */
	uint32_t shutdown;        /* the call that ended it at the writing end; 0 */
	uint32_t deafened;        /* and at the reading end */
	uint32_t stream;          /* its number; 0: it is not shown, or by the pair */
};

/* Datagrams are shown by who sent them to whom. */
struct pair {
	uint32_t writer, reader, stream;
};

struct local {
	struct channel *channels;
	size_t count, room;
	uint32_t *into, *out_of; /* [socket - 1]: the channel to read from, to write to;
				    index + 1 */
	uint32_t *accepts;       /* [call - 1]: of a connect: the accept; 0 */
	struct pair *pairs;      /* by writer, then reader */
	size_t pair_count, pair_room;
};

/* One end of a stream, and the bytes that it sends. */
struct side {
	bool has_seq;       /* first_seq is known */
	bool is_anchored;   /* so is what lies there: by the SYN, or by the end */
	uint32_t first_seq; /* on the wire, of offset 0 */
	/* What is added to an offset to have its place among the bytes that the traced
	 * program sent, or that the traced one at the other end read; known at all? */
	int64_t shift, read_shift;
	bool knows_sent, knows_read;
	int64_t sent_until;       /* the furthest offset seen */
	int64_t acked_until;      /* that the other side acknowledged */
	struct arrivals arrivals; /* of its bytes at the other side */
	uint32_t syn, fin, reset; /* packets, 0 not seen */
	int64_t fin_offset;

	uint32_t socket;           /* 0: not traced */
	uint32_t origin;           /* the connect or accept that began it; 0 not seen */
	int64_t from_ns, until_ns; /* of its socket's calls, those that enter then */
	uint32_t next_side;        /* of the same socket: side number + 1; 0 none */
	struct range_list sends, receives; /* receives: of the other side's bytes */
	uint32_t shutdown, close;          /* the calls that may have sent its FIN */
	uint32_t deafened;                 /* a shutdown of the reading half */
};

struct stream_state {
	struct side sides[2];       /* 0: the client's */
	uint32_t syn_ack;           /* the first one */
	uint32_t established;       /* the client's packet that ends the handshake */
	uint32_t established_again; /* after the SYN-ACK had to be repeated */
	uint32_t spoke;             /* the client's first packet with data or a FIN */
	bool wants_established;
	uint32_t latest[2]; /* packet of each side, while the packets are walked */
	uint32_t previous;  /* stream of the same flow */
	int64_t began_ns;
};

/* An ICMP error about a packet of a stream. */
struct quote {
	uint32_t stream, packet;
};

/* One of several calls that may have sent a datagram. */
struct sender {
	uint32_t packet, call;
};

/* What came for a datagram socket, as it was seen.  The one at `i` may have been queued in
 * front of all from first[i] on, and behind all up to last[i]; both rise. */
struct datagram_order {
	uint32_t *first, *last;
};

/* What came for a datagram socket on which several threads received at once, or of which the
 * order is not certain: the receives have ranges of its places. */
struct datagram_queue {
	uint32_t socket;
	uint32_t *packets; /* as they were seen; those that were dropped are not in it */
	uint32_t *owners;  /* the receive that got it, where that is certain; 0 */
	uint32_t count;
	struct datagram_order order;
	struct range_list receives; /* not those that only looked */
};

struct join {
	const struct sonde_recording *recording;
	struct sonde_timeline *timeline;
	struct call_index calls;
	struct flow_table flows;
	struct stream_state *states; /* [stream - 1] */
	int64_t *offsets;            /* [packet - 1]: of a TCP packet's first byte */
	struct quote *quotes;        /* by stream, then packet */
	size_t quote_count, quote_room, stream_room, state_room;
	uint32_t *first_side;   /* [socket - 1]: side number + 1; number: 2 * (stream - 1)
				   + which */
	uint32_t *of_stream;    /* packet numbers, stream by stream */
	uint32_t *stream_begin; /* [stream]: of_stream[begin[s]..begin[s + 1]) */
	/* Datagrams: the call that surely sent each packet, else the candidates; the packet
	 * that each receive got. */
	uint32_t *sent_by;      /* [packet - 1] */
	struct sender *senders; /* by packet */
	size_t sender_count, sender_room;
	uint32_t *datagram_of;         /* [call - 1] */
	bool *is_received_unsurely;    /* [call - 1]: its queue has several candidates */
	struct datagram_queue *queues; /* by socket */
	size_t queue_count, queue_room;
	struct local local;
	/* SENT and RELEASED, by packet; COMPLETED and TAKEN in order of calls. */
	struct sonde_edge *packet_edges, *call_edges;
	size_t packet_edge_count, packet_edge_room, call_edge_count, call_edge_room;
};

/* NULL for 0 and for numbers that do not exist. */
struct stream_state *join_state(const struct join *join, uint32_t stream);
const struct sonde_packet *join_packet(const struct join *join, uint32_t packet);
struct side *join_side(const struct join *join, uint32_t side_number);
/* The socket's stream at that time: *ret_stream and *ret_which side, or false. */
bool join_socket_stream(const struct join *join, uint32_t socket, int64_t at_ns,
			uint32_t *ret_stream, unsigned *ret_which);
/* The time within which two stamps cannot be ordered; never negative. */
int64_t join_margin_ns(const struct join *join);
int join_add_packet_edge(struct join *join, const struct sonde_edge *edge);
int join_add_call_edge(struct join *join, const struct sonde_edge *edge);

/* Each returns 0 or -ENOMEM. */
int stream_build(struct join *join);
int endpoint_match(struct join *join);
int range_build(struct join *join);
/* Says where in the stream the bytes of the traced programs lie. */
void anchor_side(struct join *join, uint32_t side_number);
/* Whether a receive of that side said that nothing more comes. */
bool anchor_has_read_the_end(const struct join *join, const struct side *reader);
/* Moves what was read behind urgent bytes of that side that were not in the way. */
void urgent_side(struct join *join, uint32_t side_number);
int udp_match(struct join *join);
int sent_join(struct join *join);
int completed_join(struct join *join);
int local_build(struct join *join);
/* The edges between calls, and the streams that they belong to.  Comes last: streams of
 * packets have their numbers by then. */
int local_finish(struct join *join);
void local_done(struct local *local);

/* Calls found() for each send whose range overlaps [from, to), until it returns nonzero;
 * returns that. */
int range_overlaps(const struct range_list *sends, int64_t from, int64_t to,
		   int (*found)(const struct range *range, void *context), void *context);
/* The receive's range; NULL: it got no bytes of a stream. */
const struct range *range_of_receive(const struct join *join,
				     const struct range_list *receives,
				     const struct sonde_call *call);
/* What lay at the head for a call that took nothing: bytes [from, to] were there in turn.
 * One alone, unless others received meanwhile. */
void range_ahead(const struct join *join, const struct range_list *receives,
		 const struct sonde_call *call, int64_t *ret_from, int64_t *ret_to);
int range_add(struct range_list *list, uint32_t call, int64_t bytes);
/* Lays them out, when all are in: sends came in order of entering. */
int range_order(const struct join *join, struct range_list *sends,
		struct range_list *receives);

#endif
