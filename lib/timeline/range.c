/* Sends and receives as ranges of a stream.
 *
 * The bytes that the k-th successful send accepted follow those of the sends before it.
 * While sends of two threads on one socket overlap in time, their order in the stream is
 * not known.  What is known: all that returned before a send was entered lies before it,
 * and all that was entered after it returned lies behind it.  So its bytes are somewhere
 * in [from, to) with
 *
 *	from = the bytes of sends that returned before it was entered
 *	to   = the bytes of sends that were entered before it returned, its own included
 *
 * which is exactly its own bytes where nothing overlaps.  `from` rises in order of
 * entering; to find all ranges over an offset, each holds the furthest `to` below it in
 * the binary tree that lies over the array (the root of [low, high) is its middle).
 *
 * Receives of several threads have ranges in the same way.  They stand in order of
 * returning, because that tells what had been taken by some time. */
#include "timeline/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/sort.h"
#include "timeline/moment.h"

static int add_range(struct range_list *list, uint32_t call, int64_t bytes)
{
	if (array_reserve(&list->ranges, &list->room, list->count + 1,
			  sizeof(*list->ranges)) < 0)
		return -ENOMEM;
	list->ranges[list->count++] =
		(struct range){.call = call, .bytes = bytes, .is_exact = true};
	return 0;
}

static int note_call(struct side *side, const struct sonde_call *call)
{
	int64_t bytes = call_bytes(call);

	switch (call->kind) {
	case SONDE_CALL_SEND:
		if (!call_returned(call)) {
			side->sends.is_open = true;
			bytes = call->length > INT64_MAX ? INT64_MAX
							 : (int64_t)call->length;
		}
		return bytes ? add_range(&side->sends, call->call, bytes) : 0;
	case SONDE_CALL_RECEIVE:
		if (!bytes || (call->flags & SONDE_CALL_PEEK))
			return 0;
		return add_range(&side->receives, call->call, bytes);
	case SONDE_CALL_SHUTDOWN:
		if (!side->shutdown && call_ends_stream(call))
			side->shutdown = call->call;
		if (!side->deafened && call_returned(call) && call->result >= 0 &&
		    (call->how == SHUT_RD || call->how == SHUT_RDWR))
			side->deafened = call->call;
		return 0;
	case SONDE_CALL_CLOSE:
		if (call->flags & SONDE_CALL_LAST_REFERENCE)
			side->close = call->call;
		return 0;
	default:
		return 0;
	}
}

static void lay_in_order(struct range_list *list)
{
	int64_t at = 0;

	for (size_t i = 0; i < list->count; i++) {
		list->ranges[i].from = at;
		at = moment_plus(at, list->ranges[i].bytes);
		list->ranges[i].to = at;
	}
	list->total = at;
}

static bool is_sequence(const struct join *join, const struct range_list *list)
{
	int64_t end_ns = INT64_MIN;

	for (size_t i = 0; i < list->count; i++) {
		const struct sonde_call *call =
			call_at(join->recording, list->ranges[i].call);

		if (call->enter_ns < end_ns)
			return false;
		if (call_end_ns(call) > end_ns)
			end_ns = call_end_ns(call);
	}
	return true;
}

struct ending {
	int64_t end_ns, bytes;
};

static int by_end(const void *left, const void *right)
{
	const struct ending *a = left, *b = right;

	return a->end_ns < b->end_ns ? -1 : a->end_ns > b->end_ns;
}

/* Bytes of the ranges that were entered at or before at_ns. */
static int64_t entered_until(const struct join *join, const struct range_list *list,
			     int64_t at_ns)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (call_at(join->recording, list->ranges[middle].call)->enter_ns <=
		    at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	/* lay_in_order() ran before: `from` is the sum of those before it. */
	return low < list->count ? list->ranges[low].from : list->total;
}

/* The ranges come in order of entering and laid in order; widens those that overlap. */
static int widen(const struct join *join, struct range_list *list)
{
	struct ending *endings = array_new(list->count, sizeof(*endings));
	int64_t *tos = array_new(list->count, sizeof(*tos));
	int64_t ended = 0;
	size_t next = 0;
	int error = -ENOMEM;

	if (!endings || !tos)
		goto out;
	for (size_t i = 0; i < list->count; i++) {
		const struct sonde_call *call =
			call_at(join->recording, list->ranges[i].call);

		endings[i].end_ns = call_end_ns(call);
		endings[i].bytes = list->ranges[i].bytes;
		tos[i] = entered_until(join, list, endings[i].end_ns);
	}
	qsort(endings, list->count, sizeof(*endings), by_end);
	for (size_t i = 0; i < list->count; i++) {
		struct range *range = &list->ranges[i];
		int64_t enter_ns = call_at(join->recording, range->call)->enter_ns;

		for (; next < list->count && endings[next].end_ns <= enter_ns; next++)
			ended = moment_plus(ended, endings[next].bytes);
		if (ended < range->from)
			range->from = ended;
		if (tos[i] > range->to)
			range->to = tos[i];
		range->is_exact = moment_minus(range->to, range->from) == range->bytes;
	}
	error = 0;
out:
	array_free(endings);
	array_free(tos);
	return error;
}

static int64_t plant(struct range *ranges, size_t low, size_t high)
{
	size_t middle = low + (high - low) / 2;
	int64_t left, right;

	if (low == high)
		return INT64_MIN;
	left = plant(ranges, low, middle);
	right = plant(ranges, middle + 1, high);
	ranges[middle].reach = ranges[middle].to;
	if (left > ranges[middle].reach)
		ranges[middle].reach = left;
	if (right > ranges[middle].reach)
		ranges[middle].reach = right;
	return ranges[middle].reach;
}

static int by_exit(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	const struct range *a = left, *b = right;
	int64_t a_ns = recording->calls[a->call - 1].exit_ns;
	int64_t b_ns = recording->calls[b->call - 1].exit_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? -1 : 1;
	return a->call < b->call ? -1 : a->call > b->call;
}

int range_add(struct range_list *list, uint32_t call, int64_t bytes)
{
	return add_range(list, call, bytes);
}

int range_order(const struct join *join, struct range_list *sends,
		struct range_list *receives)
{
	lay_in_order(sends);
	if (!is_sequence(join, sends) && widen(join, sends) < 0)
		return -ENOMEM;
	plant(sends->ranges, 0, sends->count);

	lay_in_order(receives);
	if (!is_sequence(join, receives)) {
		const struct sonde_recording *recording = join->recording;
		void *context = NULL;

		if (widen(join, receives) < 0)
			return -ENOMEM;
		memcpy(&context, &recording, sizeof(context));
		if (sort_nearly(receives->ranges, receives->count,
				sizeof(*receives->ranges), by_exit, context) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < receives->count; i++)
		receives->ranges[i].reach = moment_plus(
			i ? receives->ranges[i - 1].reach : 0, receives->ranges[i].bytes);
	return 0;
}

int range_build(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	const struct call_index *calls = &join->calls;
	uint32_t side_count = join->timeline->stream_count * 2;

	for (uint32_t socket = 1; socket <= recording->socket_count; socket++) {
		uint32_t number = join->first_side[socket - 1];

		for (uint32_t i = calls->socket_begin[socket];
		     number && i < calls->socket_begin[socket + 1]; i++) {
			const struct sonde_call *call =
				call_at(recording, calls->of_socket[i]);
			struct side *side = join_side(join, number - 1);

			while (side->next_side && call->enter_ns >= side->until_ns) {
				number = side->next_side;
				side = join_side(join, number - 1);
			}
			if (call->enter_ns >= side->from_ns && note_call(side, call) < 0)
				return -ENOMEM;
		}
		/* The tracer's word on what dropped the last reference. */
		while (number && join_side(join, number - 1)->next_side)
			number = join_side(join, number - 1)->next_side;
		if (number &&
		    call_at(recording, recording->sockets[socket - 1].closed_by))
			join_side(join, number - 1)->close =
				recording->sockets[socket - 1].closed_by;
	}
	for (uint32_t i = 0; i < side_count; i++)
		if (range_order(join, &join_side(join, i)->sends,
				&join_side(join, i)->receives) < 0)
			return -ENOMEM;
	for (uint32_t i = 0; i < side_count; i++)
		anchor_side(join, i);
	for (uint32_t i = 0; i < side_count; i++)
		urgent_side(join, i);
	return 0;
}

static int search(const struct range_list *list, size_t low, size_t high, int64_t from,
		  int64_t to, int (*found)(const struct range *range, void *context),
		  void *context)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct range *range = &list->ranges[middle];
		int stop;

		if (range->reach <= from)
			return 0;
		stop = search(list, low, middle, from, to, found, context);
		if (stop)
			return stop;
		if (range->from >= to)
			return 0;
		if (range->to > from) {
			stop = found(range, context);
			if (stop)
				return stop;
		}
		low = middle + 1;
	}
	return 0;
}

int range_overlaps(const struct range_list *sends, int64_t from, int64_t to,
		   int (*found)(const struct range *range, void *context), void *context)
{
	return search(sends, 0, sends->count, from, to, found, context);
}

/* The number of receives that returned before at_ns, or at it too. */
static size_t returned_by(const struct join *join, const struct range_list *list,
			  int64_t at_ns, bool or_then)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t exit_ns =
			call_at(join->recording, list->ranges[middle].call)->exit_ns;

		if (exit_ns < at_ns || (or_then && exit_ns == at_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct range *range_of_receive(const struct join *join,
				     const struct range_list *list,
				     const struct sonde_call *call)
{
	for (size_t i = returned_by(join, list, call->exit_ns, false); i < list->count;
	     i++) {
		const struct range *range = &list->ranges[i];

		if (range->call == call->call)
			return range;
		if (call_at(join->recording, range->call)->exit_ns != call->exit_ns)
			break;
	}
	return NULL;
}

void range_ahead(const struct join *join, const struct range_list *receives,
		 const struct sonde_call *call, int64_t *ret_from, int64_t *ret_to)
{
	size_t at = returned_by(join, receives, call->enter_ns, true), late = 0;

	*ret_from = *ret_to = at ? receives->ranges[at - 1].reach : 0;
	for (; at < receives->count && late < LIMIT_CANDIDATES; at++) {
		const struct sonde_call *other =
			call_at(join->recording, receives->ranges[at].call);

		late += other->exit_ns > call->exit_ns;
		if (other->tid != call->tid && other->enter_ns <= call->exit_ns)
			*ret_to = moment_plus(*ret_to, receives->ranges[at].bytes);
	}
}
