/* Which datagrams may stand in a socket's queue in another order than they were seen in.
 *
 * A datagram is seen when it leaves, and queued a little later, by the processor that sent
 * it.  Of two that different threads sent, the one that was seen first may so be queued
 * last.  When a send has returned, its datagram is in the queue; one of which the send is
 * not known is so within the margin of the clocks.  What one thread, or one socket of
 * somebody else, sent stays in order. */
#include "timeline/datagram.h"

#include <errno.h>

#include "base/array.h"
#include "base/limits.h"
#include "timeline/moment.h"

static int64_t queued_by_ns(const struct join *join, uint32_t packet)
{
	const struct sonde_call *send =
		call_at(join->recording, join->sent_by[packet - 1]);
	int64_t at_ns = join_packet(join, packet)->at_ns;

	if (send && call_returned(send) && send->exit_ns > at_ns)
		at_ns = send->exit_ns;
	return moment_plus(at_ns, join_margin_ns(join));
}

static bool has_one_sender(const struct join *join, uint32_t a, uint32_t b)
{
	const struct sonde_call *by_a = call_at(join->recording, join->sent_by[a - 1]);
	const struct sonde_call *by_b = call_at(join->recording, join->sent_by[b - 1]);

	if (by_a && by_b)
		return by_a->tid == by_b->tid;
	if (join->timeline->packet_places[a - 1].sender ||
	    join->timeline->packet_places[b - 1].sender)
		return false;
	return flow_same_address(&join_packet(join, a)->decoded.src,
				 &join_packet(join, b)->decoded.src);
}

/* The last of packets[at..count) that was seen by then. */
static uint32_t last_seen(const struct join *join, const uint32_t *packets, uint32_t at,
			  uint32_t count, int64_t by_ns)
{
	uint32_t low = at + 1, high = count;

	if (high - at > LIMIT_DATAGRAMS_AHEAD)
		high = at + LIMIT_DATAGRAMS_AHEAD;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (join_packet(join, packets[middle])->at_ns <= by_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

int datagram_order(const struct join *join, const uint32_t *packets, uint32_t count,
		   struct datagram_order *order)
{
	uint32_t *first = array_new((size_t)count + 1, sizeof(*first));
	uint32_t *last = array_new((size_t)count + 1, sizeof(*last));

	*order = (struct datagram_order){first, last};
	if (!first || !last)
		return -ENOMEM;
	/* For now: the next one of another sender. */
	for (uint32_t i = count; i-- > 0;)
		first[i] =
			i + 1 < count && has_one_sender(join, packets[i], packets[i + 1])
				? first[i + 1]
				: i + 1;
	for (uint32_t i = 0; i < count; i++) {
		last[i] = last_seen(join, packets, i, count,
				    queued_by_ns(join, packets[i]));
		if (first[i] > last[i])
			last[i] = i;
		if (i && last[i - 1] > last[i])
			last[i] = last[i - 1];
	}
	for (uint32_t i = 0, at = 0; i < count; i++) {
		while (last[at] < i)
			at++;
		first[i] = at;
	}
	return 0;
}

void datagram_order_done(struct datagram_order *order)
{
	array_free(order->first);
	array_free(order->last);
}
