/* The segments of a direction that are under way; see tcp_unacked.h. */
#include "dissect/tcp_unacked.h"

#include "base/array.h"
#include "base/limits.h"
#include "dissect/state.h"

enum { UNACKED_MOST = 1 << 12 }; /* of one direction */

/* A segment that was sent and not yet acknowledged. */
struct unacked {
	uint32_t next; /* place + 1; 0 the last */
	uint32_t frame, seq, end;
	int64_t at_ns;
};

struct unacked_pool {
	struct unacked *all;
	size_t count, capacity;
	uint32_t free; /* place + 1 */
};

void unacked_pool_free(struct unacked_pool *pool)
{
	if (!pool)
		return;
	array_free(pool->all);
	array_free(pool);
}

static struct unacked *at(const struct sonde_dissector *d, uint32_t place)
{
	return &d->unacked->all[place - 1];
}

static void drop(struct sonde_dissector *d, struct tcp_side *side, uint32_t place,
		 uint32_t previous)
{
	struct unacked *segment = at(d, place);

	if (previous)
		at(d, previous)->next = segment->next;
	else
		side->unacked_first = segment->next;
	if (side->unacked_last == place)
		side->unacked_last = previous;
	segment->next = d->unacked->free;
	d->unacked->free = place;
	side->unacked_count--;
	if (!side->unacked_count)
		side->has_disorder = false;
}

static uint32_t take_place(struct sonde_dissector *d)
{
	struct unacked_pool *pool = d->unacked;

	if (!pool) {
		pool = d->unacked = array_new(1, sizeof(*pool));
		if (!pool)
			return 0;
	}
	if (pool->free) {
		uint32_t place = pool->free;

		pool->free = pool->all[place - 1].next;
		return place;
	}
	if (pool->count >= LIMIT_DISSECT_UNACKED ||
	    array_reserve(&pool->all, &pool->capacity, pool->count + 1,
			  sizeof(*pool->all)) < 0)
		return 0;
	return (uint32_t)++pool->count;
}

void tcp_unacked_keep(struct sonde_dissector *d, struct tcp_side *side,
		      const struct tcp_segment *segment, uint32_t end)
{
	uint32_t place;

	if (side->unacked_count >= UNACKED_MOST)
		drop(d, side, side->unacked_first, 0);
	place = take_place(d);
	if (!place)
		return;
	*at(d, place) = (struct unacked){
		.frame = segment->frame,
		.seq = segment->seq,
		.end = end,
		.at_ns = segment->at_ns,
	};
	if (side->unacked_last) {
		at(d, side->unacked_last)->next = place;
		if (tcp_is_before(segment->seq, at(d, side->unacked_last)->end))
			side->has_disorder = true;
		if (tcp_is_after(end, side->unacked_end))
			side->unacked_end = end;
	} else {
		side->unacked_first = place;
		side->unacked_end = end;
	}
	side->unacked_last = place;
	side->unacked_count++;
}

void tcp_unacked_take(struct sonde_dissector *d, struct tcp_side *sender, uint32_t ack,
		      int64_t now_ns, struct tcp_seen *ret)
{
	uint32_t place = sender->unacked_first, previous = 0;

	while (place) {
		struct unacked *segment = at(d, place);
		uint32_t next = segment->next;

		if (tcp_is_after(segment->end, ack)) {
			if (tcp_is_before(segment->seq, ack)) /* a part has arrived */
				segment->seq = ack;
			/* In order, all that follow are later still. */
			if (!sender->has_disorder)
				break;
			previous = place;
			place = next;
			continue;
		}
		if (segment->end == ack && !ret->acks_frame) {
			ret->acks_frame = segment->frame;
			ret->ack_rtt_ns = now_ns - segment->at_ns;
		}
		drop(d, sender, place, previous);
		place = next;
	}
}

uint32_t tcp_unacked_span(const struct sonde_dissector *d, const struct tcp_side *side)
{
	uint32_t first, place = side->unacked_first;

	if (!place)
		return 0;
	first = at(d, place)->seq;
	if (side->has_disorder)
		for (; place; place = at(d, place)->next)
			if (tcp_is_before(at(d, place)->seq, first))
				first = at(d, place)->seq;
	return side->unacked_end - first;
}

bool tcp_unacked_first(const struct sonde_dissector *d, const struct tcp_side *side,
		       uint32_t *ret_frame, int64_t *ret_at_ns)
{
	const struct unacked *first;

	if (!side->unacked_first)
		return false;
	first = at(d, side->unacked_first);
	*ret_frame = first->frame;
	*ret_at_ns = first->at_ns;
	return true;
}
