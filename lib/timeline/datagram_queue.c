/* What a queue of datagrams tells: which ones a call may have got, or waited for. */
#include "timeline/datagram_receives.h"

#include <stdlib.h>

#include "base/array.h"

static int by_socket(const void *left, const void *right)
{
	const struct datagram_queue *a = left, *b = right;

	return (a->socket > b->socket) - (a->socket < b->socket);
}

void datagram_queues_sort(struct join *join)
{
	if (join->queue_count)
		qsort(join->queues, join->queue_count, sizeof(*join->queues), by_socket);
}

const struct datagram_queue *datagram_queue_of(const struct join *join, uint32_t socket)
{
	const struct datagram_queue key = {.socket = socket};

	return join->queue_count ? bsearch(&key, join->queues, join->queue_count,
					   sizeof(key), by_socket)
				 : NULL;
}

/* The places of which a call may have got, or seen, the first. */
static void find_places(const struct join *join, const struct datagram_queue *queue,
			const struct sonde_call *call, int64_t *ret_from, int64_t *ret_to)
{
	const struct range *range =
		call->kind == SONDE_CALL_RECEIVE && !(call->flags & SONDE_CALL_PEEK)
			? range_of_receive(join, &queue->receives, call)
			: NULL;

	if (range) {
		*ret_from = range->from;
		*ret_to = range->to - range->bytes + 1;
	} else {
		range_ahead(join, &queue->receives, call, ret_from, ret_to);
		++*ret_to;
	}
	if (*ret_to > queue->count)
		*ret_to = queue->count;
	if (*ret_from >= *ret_to)
		return;
	*ret_from = queue->order.first[*ret_from];
	*ret_to = (int64_t)queue->order.last[*ret_to - 1] + 1;
}

int datagram_candidates(const struct join *join, const struct datagram_queue *queue,
			const struct sonde_call *call,
			int (*found)(uint32_t packet, void *context), void *context)
{
	bool takes = call->kind == SONDE_CALL_RECEIVE && !(call->flags & SONDE_CALL_PEEK);
	int64_t from, to;

	if (takes && !join->is_received_unsurely[call->call - 1])
		return join->datagram_of[call->call - 1]
			       ? found(join->datagram_of[call->call - 1], context)
			       : 0;
	find_places(join, queue, call, &from, &to);
	for (int64_t at = from; at < to; at++) {
		const struct sonde_packet *packet = join_packet(join, queue->packets[at]);
		int stop;

		if (packet->at_ns > call->exit_ns)
			break;
		if ((takes && queue->owners[at]) ||
		    (call->kind == SONDE_CALL_RECEIVE && !receive_fits(call, packet)))
			continue;
		stop = found(packet->packet, context);
		if (stop)
			return stop;
	}
	return 0;
}

void datagram_queues_done(struct join *join)
{
	for (size_t i = 0; i < join->queue_count; i++) {
		array_free(join->queues[i].packets);
		array_free(join->queues[i].owners);
		datagram_order_done(&join->queues[i].order);
		array_free(join->queues[i].receives.ranges);
	}
	array_free(join->queues);
}
