/* What the parts of the join of datagrams share; join_udp.c ties them together. */
#ifndef TIMELINE_DATAGRAM_H
#define TIMELINE_DATAGRAM_H

#include "timeline/association.h"
#include "timeline/join.h"

/* A UDP socket and its port. */
struct datagram_end {
	uint32_t socket;
	uint16_t learnt_port; /* to be, while the ends are still in the old order */
	struct sonde_address local;
	int64_t opened_ns, closed_ns;
};

enum { DATAGRAM_SENDER_OPEN = 1, DATAGRAM_RECEIVER_OPEN = 2 };

struct datagrams {
	struct join *join;
	struct associations associations;
	struct datagram_end *ends; /* by local port */
	uint32_t end_count;
	uint8_t *
		is_open; /* [packet - 1]: DATAGRAM_*_OPEN: several sockets have that end */
	uint32_t *arrivals; /* packets, socket by socket, in order; one that several may
			       have got stands with each */
	uint32_t *arrival_begin; /* [socket] */
};

/* ---- datagram_end.c ---- */

int datagram_collect_ends(struct datagrams *datagrams);
/* The traced sockets that may be one end of the packet, at most LIMIT_SAME_PORT: the most
 * special ones, and all that hear the same multicast. */
uint32_t datagram_ends(const struct datagrams *datagrams,
		       const struct sonde_packet *packet, bool is_sender, uint32_t *ret);
/* Whether the packet can have been sent by that call. */
bool datagram_fits_send(const struct datagrams *datagrams, const struct sonde_call *call,
			const struct sonde_packet *packet);

/* ---- datagram_sent.c ---- */

/* Fills join->sent_by, and join->senders where there are several candidates. */
int datagram_match_sends(struct datagrams *datagrams);

/* ---- datagram_order.c ---- */

/* Fills the order of packets[0..count), of which join->sent_by is known. */
int datagram_order(const struct join *join, const uint32_t *packets, uint32_t count,
		   struct datagram_order *order);
void datagram_order_done(struct datagram_order *order);

/* ---- datagram_received.c ---- */

/* Fills join->datagram_of, and makes a queue for each socket on which several threads
 * received at once. */
int datagram_match_receives(struct datagrams *datagrams);

/* The datagrams that the call may have got, or waited for: calls found() for each until
 * that returns nonzero, and returns it.  NULL: there is no such queue. */
const struct datagram_queue *datagram_queue_of(const struct join *join, uint32_t socket);
int datagram_candidates(const struct join *join, const struct datagram_queue *queue,
			const struct sonde_call *call,
			int (*found)(uint32_t packet, void *context), void *context);
void datagram_queues_done(struct join *join);

#endif
