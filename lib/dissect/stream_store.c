/* Storage of streams under way; see stream_store.h. */
#include "dissect/stream_store.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

enum { KEPT_CAPACITY = 1 << 16 }; /* bytes that an idle side may keep for later */

static void clear_side(struct stream_store *store, struct stream_side *side)
{
	while (side->early_count)
		stream_side_drop_early(store, side);
	store->held -= side->size;
	array_free(side->bytes);
	array_free(side->parts);
	array_free(side->early);
	*side = (struct stream_side){0};
}

void stream_store_done(struct stream_store *store)
{
	for (size_t i = 0; i < store->count; i++)
		for (int end = 0; end < 2; end++)
			clear_side(store, &store->streams[i].side[end]);
	array_free(store->streams);
	*store = (struct stream_store){0};
}

struct stream *stream_store_get(struct stream_store *store, uint32_t *place)
{
	if (*place)
		return &store->streams[*place - 1];
	if (store->free) {
		*place = store->free;
		store->free = store->streams[*place - 1].next_free;
		return &store->streams[*place - 1];
	}
	if (store->count >= LIMIT_DISSECT_STREAMS ||
	    array_reserve(&store->streams, &store->capacity, store->count + 1,
			  sizeof(*store->streams)) < 0)
		return NULL;
	*place = (uint32_t)++store->count;
	return &store->streams[*place - 1];
}

void stream_store_release(struct stream_store *store, uint32_t place)
{
	struct stream *stream = &store->streams[place - 1];

	clear_side(store, &stream->side[0]);
	clear_side(store, &stream->side[1]);
	stream->next_free = store->free;
	store->free = place;
}

int stream_side_append(struct stream_store *store, struct stream_side *side,
		       const uint8_t *bytes, uint32_t n, uint32_t frame)
{
	struct part *last;

	if (side->size + n > LIMIT_DISSECT_PDU || store->held + n > LIMIT_DISSECT_HELD)
		return -ENOSPC;
	/* What is left of messages that are done with: less than came with their last
	 * byte, so that no byte is moved often. */
	if (side->head && side->size)
		memmove(side->bytes, stream_side_bytes(side), side->size);
	side->head = 0;
	if (array_reserve(&side->bytes, &side->capacity, side->size + n, 1) < 0 ||
	    array_reserve(&side->parts, &side->part_capacity, side->part_count + 1,
			  sizeof(*side->parts)) < 0)
		return -ENOMEM;
	memcpy(side->bytes + side->size, bytes, n);
	side->size += n;
	store->held += n;
	last = side->part_count ? &side->parts[side->part_count - 1] : NULL;
	if (last && last->frame == frame)
		last->length += n;
	else /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is room. */
		side->parts[side->part_count++] = (struct part){frame, n};
	return 0;
}

void stream_side_consume(struct stream_store *store, struct stream_side *side, size_t n)
{
	size_t parts = 0, left = n;

	side->hint = 0;
	side->until_close = false;
	side->head += n;
	side->size -= n;
	store->held -= n;
	while (parts < side->part_count && side->parts[parts].length <= left)
		left -= side->parts[parts++].length;
	side->part_count -= parts;
	memmove(side->parts, side->parts + parts,
		side->part_count * sizeof(*side->parts));
	if (side->part_count)
		side->parts[0].length -= (uint32_t)left;
	if (!side->size)
		side->head = 0;
	if (!side->size && side->capacity > KEPT_CAPACITY) {
		array_free(side->bytes);
		side->bytes = NULL;
		side->capacity = 0;
	}
}

int stream_side_keep_early(struct stream_store *store, struct stream_side *side,
			   uint32_t seq, const uint8_t *bytes, uint32_t n, uint32_t frame)
{
	struct stream_early early = {.seq = seq, .length = n, .frame = frame};
	size_t at = side->early_count;

	if (side->early_count >= LIMIT_DISSECT_AHEAD ||
	    store->held + n > LIMIT_DISSECT_HELD)
		return -ENOSPC;
	if (array_reserve(&side->early, &side->early_capacity, side->early_count + 1,
			  sizeof(*side->early)) < 0)
		return -ENOMEM;
	early.bytes = array_new(n, 1);
	if (!early.bytes)
		return -ENOMEM;
	memcpy(early.bytes, bytes, n);
	while (at > 0 && (int32_t)(side->early[at - 1].seq - seq) > 0)
		at--;
	memmove(side->early + at + 1, side->early + at,
		(side->early_count - at) * sizeof(early));
	side->early[at] = early;
	side->early_count++;
	store->held += n;
	return 0;
}

void stream_side_drop_early(struct stream_store *store, struct stream_side *side)
{
	store->held -= side->early[0].length;
	array_free(side->early[0].bytes);
	side->early_count--;
	memmove(side->early, side->early + 1, side->early_count * sizeof(*side->early));
}
