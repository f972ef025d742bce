/* Which receive of a socket got which datagram: what is known of each, for all ways to find
 * it. */
#ifndef TIMELINE_DATAGRAM_RECEIVES_H
#define TIMELINE_DATAGRAM_RECEIVES_H

#include "timeline/datagram.h"

/* The receives of one socket. */
struct receives {
	struct join *join;
	const struct datagrams *datagrams;
	uint32_t socket;
	uint32_t *calls; /* in order of entering, then of returning */
	uint32_t count;
	const uint32_t *arrivals;
	uint32_t arrival_count;
	struct datagram_order order;
};

bool receive_fits(const struct sonde_call *call, const struct sonde_packet *packet);
/* How many datagrams. */
uint32_t receive_takes(const struct sonde_call *call);
const struct sonde_packet *receives_arrival(const struct receives *receives, uint32_t at);
/* Whether another socket may have got it, and nothing tells. */
bool receives_doubt(const struct receives *receives, const struct sonde_call *call,
		    uint32_t at);
/* Where in the order of arrival what is queued behind the first `next` may begin. */
uint32_t receives_begin_behind(const struct receives *receives, uint32_t next);

/* Several threads at once, or an order that does not tell: makes a queue.  The calls are in
 * order of returning.  0 or -ENOMEM. */
int datagram_match_at_once(const struct receives *receives);
void datagram_queues_sort(struct join *join);

#endif
