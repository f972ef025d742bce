/* What was read of TCP streams and is not yet a whole message.
 *
 * Of each direction it is kept where the next byte is expected, the bytes of the message
 * that is under way with the frames that they came in, and segments that came too early.
 * All of it together is bounded by LIMIT_DISSECT_HELD: what does not fit is not put
 * together, and its messages are shown as far as their segments show them. */
#ifndef DISSECT_STREAM_STORE_H
#define DISSECT_STREAM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissect/part.h"

struct stream_early {
	uint32_t seq, length, frame;
	uint8_t *bytes; /* owned */
};

struct stream_side {
	bool has_next, has_acked, until_close;
	bool has_gap;   /* before the message that comes next */
	uint32_t next;  /* the byte that goes on */
	uint32_t acked; /* what the other side says that it has */
	uint32_t hint;  /* the dissector's, within the message under way */
	uint64_t skip;  /* bytes of a message that is too long to be put together */
	uint8_t *bytes; /* under way, from `head` on: see stream_side_bytes() */
	size_t head, size, capacity;
	struct part *parts;
	size_t part_count, part_capacity;
	struct stream_early *early; /* by sequence number */
	size_t early_count, early_capacity;
};

struct stream {
	struct stream_side side[2];
	uint32_t next_free;
};

struct stream_store {
	struct stream *streams;
	size_t count, capacity;
	uint32_t free; /* place + 1 */
	size_t held;   /* bytes of all */
};

void stream_store_done(struct stream_store *store);
/* The stream at `place` (from 1 on), or a new one where that is 0, with its place in
 * *place; NULL without memory. */
struct stream *stream_store_get(struct stream_store *store, uint32_t *place);
void stream_store_release(struct stream_store *store, uint32_t place);

/* The `size` bytes that are under way. */
static inline const uint8_t *stream_side_bytes(const struct stream_side *side)
{
	return side->head ? side->bytes + side->head : side->bytes;
}
/* 0, -ENOMEM, or -ENOSPC beyond the limits, with nothing changed. */
int stream_side_append(struct stream_store *store, struct stream_side *side,
		       const uint8_t *bytes, uint32_t n, uint32_t frame);
/* The message of n bytes at the start of what is under way is done with. */
void stream_side_consume(struct stream_store *store, struct stream_side *side, size_t n);
int stream_side_keep_early(struct stream_store *store, struct stream_side *side,
			   uint32_t seq, const uint8_t *bytes, uint32_t n,
			   uint32_t frame);
/* Forgets the first one that came early. */
void stream_side_drop_early(struct stream_store *store, struct stream_side *side);

#endif
