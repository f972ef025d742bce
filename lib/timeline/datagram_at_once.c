/* Which receive got which datagram, where the order in which they took is not known.
 *
 * Threads that receive on one socket take in an order that nobody sees.  What is
 * known is the same as of sends to a stream (range.c): all receives that had returned
 * before one was entered took before it, and all that were entered after it returned took
 * after it.  So each has a range of places in the queue.  The datagrams there that fit it
 * are its candidates; where that is one alone, it is no candidate of the others. */
#include "timeline/datagram_receives.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/limits.h"

#define NOT_THERE UINT32_MAX

enum { ROUNDS = 16 }; /* in which one certainty may follow from another */

/* How many of the first `count` calls, by exit, had returned before at_ns. */
static uint32_t returned_before(const struct receives *receives, uint32_t count,
				int64_t at_ns)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (call_at(receives->join->recording, receives->calls[middle])->exit_ns <
		    at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Marks the arrivals that the call may have taken; the place after the last, NOT_THERE: it
 * took none that was seen. */
static uint32_t take(const struct receives *receives, const struct sonde_call *call,
		     uint32_t from, bool *is_taken)
{
	uint32_t left = receive_takes(call), last = NOT_THERE;

	for (uint32_t at = from;
	     at < receives->arrival_count && at - from < LIMIT_DATAGRAMS_AHEAD && left;
	     at++) {
		const struct sonde_packet *packet = receives_arrival(receives, at);

		if (packet->at_ns > call->exit_ns)
			break;
		if (is_taken[at] || (last == NOT_THERE && !receive_fits(call, packet)))
			continue;
		if (last == NOT_THERE && receives_doubt(receives, call, at))
			break;
		if (last == NOT_THERE)
			receives->join->datagram_of[call->call - 1] = packet->packet;
		is_taken[at] = true;
		last = at + 1;
		left--;
	}
	return last;
}

/* Its content says which one it got; what may have been cut fits many. */
static bool is_told(const struct sonde_call *call)
{
	return call->content_hash &&
	       (call->datagrams || (uint64_t)call->result != call->length);
}

/* In order of returning each takes the first that fits: that tells which ones were taken at
 * all, if not by whom.  Those whose content tells come first, so that nobody else has what
 * is theirs. */
static int find_taken(const struct receives *receives, bool *is_taken)
{
	const struct sonde_recording *recording = receives->join->recording;
	size_t count = (size_t)receives->count + 1;
	/* The place after what the call took, and the furthest of all that returned before. */
	uint32_t *after = array_new(count, sizeof(*after));
	uint32_t *furthest = array_new(count, sizeof(*furthest));
	int error = -ENOMEM;

	if (!after || !furthest)
		goto out;
	for (int told = 1; told >= 0; told--)
		for (uint32_t i = 0; i < receives->count; i++) {
			const struct sonde_call *call =
				call_at(recording, receives->calls[i]);
			uint32_t before = returned_before(receives, i, call->enter_ns);

			if (is_told(call) == told && !(call->flags & SONDE_CALL_PEEK)) {
				uint32_t last = take(
					receives, call,
					receives_begin_behind(receives, furthest[before]),
					is_taken);

				after[i] = last == NOT_THERE ? 0 : last;
			}
			furthest[i + 1] = after[i] > furthest[i] ? after[i] : furthest[i];
		}
	error = 0;
out:
	array_free(after);
	array_free(furthest);
	return error;
}

/* The places in the queue: what was taken, then what nobody took. */
static int lay_queue(const struct receives *receives, struct datagram_queue *queue)
{
	bool *is_taken = array_new((size_t)receives->arrival_count + 1, sizeof(bool));
	uint32_t last = 0;

	queue->packets =
		array_new((size_t)receives->arrival_count + 1, sizeof(*queue->packets));
	queue->owners =
		array_new((size_t)receives->arrival_count + 1, sizeof(*queue->owners));
	if (!is_taken || !queue->packets || !queue->owners ||
	    find_taken(receives, is_taken) < 0) {
		array_free(is_taken);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < receives->arrival_count; i++)
		if (is_taken[i])
			last = i + 1;
	for (uint32_t i = 0; i < receives->arrival_count; i++)
		if (is_taken[i] || i >= last)
			queue->packets[queue->count++] = receives->arrivals[i];
	array_free(is_taken);
	return datagram_order(receives->join, queue->packets, queue->count,
			      &queue->order);
}

struct search {
	uint32_t found, count;
};

static int count_candidate(uint32_t packet, void *context)
{
	struct search *search = context;

	search->found = packet;
	return ++search->count > 1;
}

static void own(struct datagram_queue *queue, uint32_t packet, uint32_t call)
{
	uint32_t low = 0, high = queue->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (queue->packets[middle] < packet)
			low = middle + 1;
		else
			high = middle;
	}
	queue->owners[low] = call;
}

/* Whom a datagram belongs to is no candidate of others. */
static void settle(const struct receives *receives, struct datagram_queue *queue)
{
	struct join *join = receives->join;
	bool has_changed = true;

	for (unsigned round = 0; has_changed && round < ROUNDS; round++) {
		has_changed = false;
		for (size_t i = 0; i < queue->receives.count; i++) {
			const struct range *range = &queue->receives.ranges[i];
			const struct sonde_call *call =
				call_at(join->recording, range->call);
			struct search search = {0};

			if (!join->is_received_unsurely[range->call - 1])
				continue;
			datagram_candidates(join, queue, call, count_candidate, &search);
			if (search.count != 1)
				continue;
			join->datagram_of[range->call - 1] = search.found;
			join->is_received_unsurely[range->call - 1] = false;
			own(queue, search.found, range->call);
			has_changed = true;
		}
	}
}

int datagram_match_at_once(const struct receives *receives)
{
	struct join *join = receives->join;
	struct range_list nothing = {0};
	struct datagram_queue *queue;

	if (array_reserve(&join->queues, &join->queue_room, join->queue_count + 1,
			  sizeof(*join->queues)) < 0)
		return -ENOMEM;
	queue = &join->queues[join->queue_count++];
	*queue = (struct datagram_queue){.socket = receives->socket};
	/* Of returning: see find_taken(). */
	if (lay_queue(receives, queue) < 0)
		return -ENOMEM;
	for (uint32_t i = join->calls.socket_begin[receives->socket];
	     i < join->calls.socket_begin[receives->socket + 1]; i++) {
		uint32_t call = join->calls.of_socket[i];

		if (!join->datagram_of[call - 1])
			continue;
		join->is_received_unsurely[call - 1] = true;
		if (range_add(&queue->receives, call,
			      receive_takes(call_at(join->recording, call))) < 0)
			return -ENOMEM;
	}
	if (range_order(join, &nothing, &queue->receives) < 0)
		return -ENOMEM;
	settle(receives, queue);
	return 0;
}
