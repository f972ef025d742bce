/* When the bytes of one direction became readable. */
#include "timeline/arrival.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

static int deliver(struct arrivals *arrivals, int64_t until, uint32_t packet)
{
	if (array_reserve(&arrivals->deliveries, &arrivals->delivery_room,
			  arrivals->delivery_count + 1,
			  sizeof(*arrivals->deliveries)) < 0)
		return -ENOMEM;
	arrivals->deliveries[arrivals->delivery_count++] =
		(struct delivery){.until = until, .packet = packet};
	arrivals->frontier = until;
	return 0;
}

static int redeliver(struct arrivals *arrivals, int64_t from, int64_t acked,
		     uint32_t packet)
{
	if (array_reserve(&arrivals->redeliveries, &arrivals->redelivery_room,
			  arrivals->redelivery_count + 1,
			  sizeof(*arrivals->redeliveries)) < 0)
		return -ENOMEM;
	arrivals->redeliveries[arrivals->redelivery_count++] =
		(struct redelivery){.from = from > acked ? from : acked,
				    .until = arrivals->frontier,
				    .acked = acked,
				    .packet = packet};
	return 0;
}

/* The number of early segments that begin at or before offset. */
static size_t early_before(const struct arrivals *arrivals, int64_t offset)
{
	size_t low = 0, high = arrivals->early_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arrivals->early[middle].from <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int keep_early(struct arrivals *arrivals, int64_t from, int64_t to,
		      uint32_t packet)
{
	size_t at = early_before(arrivals, from);

	if (at && arrivals->early[at - 1].to >= to)
		return 1;
	if (arrivals->early_count >= LIMIT_STREAM_HOLES) {
		struct early_segment *last = &arrivals->early[arrivals->early_count - 1];

		if (last->to == from)
			last->to = to;
		return 0;
	}
	if (array_reserve(&arrivals->early, &arrivals->early_room,
			  arrivals->early_count + 1, sizeof(*arrivals->early)) < 0)
		return -ENOMEM;
	memmove(&arrivals->early[at + 1], &arrivals->early[at],
		(arrivals->early_count - at) * sizeof(*arrivals->early));
	arrivals->early[at] =
		(struct early_segment){.from = from, .to = to, .packet = packet};
	arrivals->early_count++;
	return 0;
}

static void forget_early(struct arrivals *arrivals, size_t count)
{
	arrivals->early_count -= count;
	memmove(arrivals->early, arrivals->early + count,
		arrivals->early_count * sizeof(*arrivals->early));
}

int arrivals_add(struct arrivals *arrivals, int64_t from, int64_t to, int64_t acked,
		 uint32_t packet)
{
	size_t joined = 0;

	if (to <= arrivals->frontier) {
		if (to > acked && redeliver(arrivals, from, acked, packet) < 0)
			return -ENOMEM;
		return 1;
	}
	if (from > arrivals->frontier)
		return keep_early(arrivals, from, to, packet);
	while (joined < arrivals->early_count && arrivals->early[joined].from <= to) {
		if (arrivals->early[joined].to > to)
			to = arrivals->early[joined].to;
		joined++;
	}
	if (joined)
		forget_early(arrivals, joined);
	return deliver(arrivals, to, packet);
}

int arrivals_confirm(struct arrivals *arrivals, int64_t acked)
{
	size_t joined = 0;
	int error = 0;

	while (!error && arrivals->frontier < acked) {
		const struct early_segment *next =
			joined < arrivals->early_count ? &arrivals->early[joined] : NULL;

		if (next && next->from <= arrivals->frontier) {
			if (next->to > arrivals->frontier)
				error = deliver(arrivals, next->to, next->packet);
			joined++;
		} else {
			error = deliver(arrivals,
					next && next->from < acked ? next->from : acked,
					0);
		}
	}
	if (joined)
		forget_early(arrivals, joined);
	return error;
}

static bool is_after(const struct sonde_recording *recording, uint32_t packet,
		     int64_t end_ns)
{
	return recording->packets[packet - 1].at_ns > end_ns;
}

uint32_t arrivals_find(const struct arrivals *arrivals,
		       const struct sonde_recording *recording, int64_t offset,
		       int64_t end_ns)
{
	size_t low = 0, high = arrivals->delivery_count;
	uint32_t found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arrivals->deliveries[middle].until > offset)
			high = middle;
		else
			low = middle + 1;
	}
	if (low == arrivals->delivery_count)
		return 0;
	found = arrivals->deliveries[low].packet;
	if (!found || is_after(recording, found, end_ns))
		return 0;

	/* `until` never falls: those that reach beyond the offset are the last ones. */
	low = 0;
	high = arrivals->redelivery_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arrivals->redeliveries[middle].until > offset)
			high = middle;
		else
			low = middle + 1;
	}
	for (; low < arrivals->redelivery_count; low++) {
		const struct redelivery *again = &arrivals->redeliveries[low];

		if (again->acked > offset || is_after(recording, again->packet, end_ns))
			break;
		if (again->from <= offset)
			found = again->packet;
	}
	return found;
}

void arrivals_done(struct arrivals *arrivals)
{
	array_free(arrivals->deliveries);
	array_free(arrivals->redeliveries);
	array_free(arrivals->early);
	*arrivals = (struct arrivals){0};
}
