/* Which receive got which datagram.
 *
 * What arrives for a socket waits in a queue, and receives take from its head.  One that
 * names a source, a length or a content skips the arrivals that do not fit: the kernel
 * dropped them, or another socket with the same port has them.
 *
 * Threads that receive on one socket take in an order that nobody sees.  What is
 * known is the same as of sends to a stream (range.c): all receives that had returned
 * before one was entered took before it, and all that were entered after it returned took
 * after it.  So each has a range of places in the queue.  The datagrams there that fit it
 * are its candidates; where that is one alone, it is no candidate of the others. */
#include "timeline/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

#define NOT_THERE UINT32_MAX

enum { ROUNDS = 16 }; /* in which one certainty may follow from another */

/* The receives of one socket. */
struct receives {
	struct join *join;
	const struct datagrams *datagrams;
	uint32_t socket;
	uint32_t *calls; /* in order of entering, then of returning */
	uint32_t count;
	const uint32_t *arrivals;
	uint32_t arrival_count;
};

static bool fits_receive(const struct sonde_call *call, const struct sonde_packet *packet)
{
	const struct sonde_decoded *decoded = &packet->decoded;

	if (flow_is_internet(&call->address) && call->address.port &&
	    !flow_same_address(&call->address, &decoded->src))
		return false;
	/* A buffer too small cuts the datagram. */
	if (!call->datagrams && call->result >= 0 &&
	    (uint64_t)call->result == call->length &&
	    decoded->payload_length > call->length)
		return true;
	if (call->content_hash && packet->payload_hash)
		return call->content_hash == packet->payload_hash;
	return call->datagrams || call->result == decoded->payload_length;
}

static uint32_t taken_by(const struct sonde_call *call)
{
	return call->datagrams ? call->datagrams : 1;
}

static int by_exit(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int64_t a_ns = recording->calls[a - 1].exit_ns;
	int64_t b_ns = recording->calls[b - 1].exit_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? -1 : 1;
	return a < b ? -1 : a > b;
}

static const struct sonde_packet *arrival(const struct receives *receives, uint32_t at)
{
	return join_packet(receives->join, receives->arrivals[at]);
}

/* ---- one after the other ---- */

/* Another socket may have got it, and nothing tells. */
static bool is_doubtful(const struct receives *receives, const struct sonde_call *call,
			uint32_t at)
{
	uint32_t packet = receives->arrivals[at];

	if (!(receives->datagrams->is_open[packet - 1] & DATAGRAM_RECEIVER_OPEN) ||
	    (flow_is_internet(&call->address) && call->address.port))
		return false;
	for (uint32_t i = at + 1; i < receives->arrival_count; i++) {
		const struct sonde_packet *other = arrival(receives, i);

		if (other->at_ns > call->exit_ns || i - at > LIMIT_DATAGRAMS_AHEAD)
			break;
		if (fits_receive(call, other))
			return true;
	}
	return !call->content_hash;
}

static void match_in_order(const struct receives *receives)
{
	struct join *join = receives->join;
	uint32_t next = 0, end = receives->arrival_count;

	for (uint32_t i = 0; i < receives->count; i++) {
		const struct sonde_call *call =
			call_at(join->recording, receives->calls[i]);
		uint32_t at = next;

		while (at < end && at - next < LIMIT_DATAGRAMS_AHEAD) {
			const struct sonde_packet *packet = arrival(receives, at);

			if (packet->at_ns > call->exit_ns) {
				at = end;
				break;
			}
			if (fits_receive(call, packet))
				break;
			at++;
		}
		if (at >= end || at - next >= LIMIT_DATAGRAMS_AHEAD ||
		    is_doubtful(receives, call, at))
			continue;
		join->datagram_of[call->call - 1] = receives->arrivals[at];
		if (call->flags & SONDE_CALL_PEEK)
			continue;
		next = at + taken_by(call);
		if (next > end)
			next = end;
	}
}

/* ---- at once ---- */

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
	uint32_t left = taken_by(call), last = NOT_THERE;

	for (uint32_t at = from;
	     at < receives->arrival_count && at - from < LIMIT_DATAGRAMS_AHEAD && left;
	     at++) {
		const struct sonde_packet *packet = arrival(receives, at);

		if (packet->at_ns > call->exit_ns)
			break;
		if (is_taken[at] || (last == NOT_THERE && !fits_receive(call, packet)))
			continue;
		if (last == NOT_THERE && is_doubtful(receives, call, at))
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
				uint32_t last =
					take(receives, call, furthest[before], is_taken);

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
	return 0;
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
			for (int64_t at = range->from;
			     at < range->to && at < queue->count; at++)
				if (queue->packets[at] == search.found)
					queue->owners[at] = range->call;
			has_changed = true;
		}
	}
}

static int match_at_once(const struct receives *receives)
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
			      taken_by(call_at(join->recording, call))) < 0)
			return -ENOMEM;
	}
	if (range_order(join, &nothing, &queue->receives) < 0)
		return -ENOMEM;
	settle(receives, queue);
	return 0;
}

/* One receive after the other, and no other thread that might wait meanwhile: what one of
 * them waits for can be what another got. */
static bool is_sequence(const struct receives *receives, bool is_one_thread)
{
	int64_t end_ns = INT64_MIN;

	if (!is_one_thread)
		return false;
	for (uint32_t i = 0; i < receives->count; i++) {
		const struct sonde_call *call =
			call_at(receives->join->recording, receives->calls[i]);

		if (call->enter_ns < end_ns)
			return false;
		end_ns = call->exit_ns;
	}
	return true;
}

static int match_receives(struct receives *receives)
{
	const struct sonde_recording *recording = receives->join->recording;
	const struct call_index *calls = &receives->join->calls;
	void *context = NULL;
	bool is_one_thread = true;
	uint32_t tid = 0;

	receives->count = 0;
	for (uint32_t i = calls->socket_begin[receives->socket];
	     receives->arrival_count && i < calls->socket_begin[receives->socket + 1];
	     i++) {
		const struct sonde_call *call = call_at(recording, calls->of_socket[i]);

		if (call->kind != SONDE_CALL_RECEIVE && call->kind != SONDE_CALL_WAIT)
			continue;
		is_one_thread = is_one_thread && (!tid || tid == call->tid);
		tid = call->tid;
		if (call->kind == SONDE_CALL_RECEIVE && call_returned(call) &&
		    call->result >= 0)
			receives->calls[receives->count++] = call->call;
	}
	if (is_sequence(receives, is_one_thread)) {
		match_in_order(receives);
		return 0;
	}
	memcpy(&context, &recording, sizeof(context));
	qsort_r(receives->calls, receives->count, sizeof(*receives->calls), by_exit,
		context);
	return match_at_once(receives);
}

static int by_socket(const void *left, const void *right)
{
	const struct datagram_queue *a = left, *b = right;

	return (a->socket > b->socket) - (a->socket < b->socket);
}

int datagram_match_receives(struct datagrams *datagrams)
{
	struct join *join = datagrams->join;
	struct receives receives = {.join = join, .datagrams = datagrams};
	int error = 0;

	receives.calls = array_new((size_t)join->recording->call_count + 1,
				   sizeof(*receives.calls));
	if (!receives.calls)
		return -ENOMEM;
	for (uint32_t i = 0; i < datagrams->end_count; i++) {
		uint32_t socket = datagrams->ends[i].socket;
		uint32_t begin = datagrams->arrival_begin[socket];

		receives.socket = socket;
		receives.arrivals = &datagrams->arrivals[begin];
		receives.arrival_count = datagrams->arrival_begin[socket + 1] - begin;
		error = match_receives(&receives);
		if (error < 0)
			break;
	}
	if (join->queue_count)
		qsort(join->queues, join->queue_count, sizeof(*join->queues), by_socket);
	array_free(receives.calls);
	return error;
}

/* ---- what others ask ---- */

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
		    (call->kind == SONDE_CALL_RECEIVE && !fits_receive(call, packet)))
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
		array_free(join->queues[i].receives.ranges);
	}
	array_free(join->queues);
}
