/* Which receive got which datagram.
 *
 * What arrives for a socket waits in a queue, and receives take from its head.  One that
 * names a source, a length or a content skips the arrivals that do not fit: the kernel
 * dropped them, or another socket with the same port has them.
 *
 * Which of two came first is not always known (datagram_order.c).  Where that, or several
 * threads that receive, leave it open, all that fit are candidates (datagram_at_once.c). */
#include "timeline/datagram_receives.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

bool receive_fits(const struct sonde_call *call, const struct sonde_packet *packet)
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

uint32_t receive_takes(const struct sonde_call *call)
{
	return call->datagrams ? call->datagrams : 1;
}

const struct sonde_packet *receives_arrival(const struct receives *receives, uint32_t at)
{
	return join_packet(receives->join, receives->arrivals[at]);
}

/* ---- one after the other ---- */

/* Another socket may have got it, and nothing tells. */
bool receives_doubt(const struct receives *receives, const struct sonde_call *call,
		    uint32_t at)
{
	uint32_t packet = receives->arrivals[at];

	if (!(receives->datagrams->is_open[packet - 1] & DATAGRAM_RECEIVER_OPEN) ||
	    (flow_is_internet(&call->address) && call->address.port))
		return false;
	for (uint32_t i = at + 1; i < receives->arrival_count; i++) {
		const struct sonde_packet *other = receives_arrival(receives, i);

		if (other->at_ns > call->exit_ns || i - at > LIMIT_DATAGRAMS_AHEAD)
			break;
		if (receive_fits(call, other))
			return true;
	}
	return !call->content_hash;
}

/* Where in the order of arrival what is behind the first `next` places may begin. */
uint32_t receives_begin_behind(const struct receives *receives, uint32_t next)
{
	return next ? receives->order.first[next - 1] : 0;
}

/* The first in [from, end) that fits, of those that nobody has; or arrival_count. */
static uint32_t find_fitting(const struct receives *receives,
			     const struct sonde_call *call, uint32_t from, uint32_t end,
			     const bool *is_taken)
{
	for (uint32_t at = from; at < end; at++) {
		const struct sonde_packet *packet = receives_arrival(receives, at);

		if (packet->at_ns > call->exit_ns)
			break;
		if (!is_taken[at] && receive_fits(call, packet))
			return at;
	}
	return receives->arrival_count;
}

/* Whether the order tells; else nothing is matched. */
static bool match_in_order(const struct receives *receives, bool *is_taken)
{
	struct join *join = receives->join;
	uint32_t next = 0, end = receives->arrival_count;

	for (uint32_t i = 0; i < receives->count; i++) {
		const struct sonde_call *call =
			call_at(join->recording, receives->calls[i]);
		uint32_t ahead = end - next > LIMIT_DATAGRAMS_AHEAD
					 ? next + LIMIT_DATAGRAMS_AHEAD
					 : end;
		uint32_t at = find_fitting(receives, call,
					   receives_begin_behind(receives, next), ahead,
					   is_taken);

		if (at >= end || receives_doubt(receives, call, at))
			continue;
		if (find_fitting(receives, call, at + 1, receives->order.last[at] + 1,
				 is_taken) < end)
			return false;
		join->datagram_of[call->call - 1] = receives->arrivals[at];
		if (call->flags & SONDE_CALL_PEEK)
			continue;
		for (uint32_t left = receive_takes(call); left && at < end; left--)
			is_taken[at++] = true;
		if (at > next)
			next = at;
	}
	return true;
}

/* ---- all receives ---- */

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
		bool *is_taken =
			array_new((size_t)receives->arrival_count + 1, sizeof(*is_taken));
		bool is_certain;

		if (!is_taken)
			return -ENOMEM;
		is_certain = match_in_order(receives, is_taken);
		array_free(is_taken);
		if (is_certain)
			return 0;
		for (uint32_t i = 0; i < receives->count; i++)
			receives->join->datagram_of[receives->calls[i] - 1] = 0;
	}
	memcpy(&context, &recording, sizeof(context));
	qsort_r(receives->calls, receives->count, sizeof(*receives->calls), by_exit,
		context);
	return datagram_match_at_once(receives);
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
		error = datagram_order(join, receives.arrivals, receives.arrival_count,
				       &receives.order);
		if (error == 0)
			error = match_receives(&receives);
		datagram_order_done(&receives.order);
		if (error < 0)
			break;
	}
	datagram_queues_sort(join);
	array_free(receives.calls);
	return error;
}
