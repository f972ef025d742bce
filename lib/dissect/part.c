/* Messages in several pieces, for the dissectors; see dissector.h. */
#include <errno.h>

#include "dissect/part_store.h"
#include "dissect/state.h"

static uint64_t owner_of(const struct sonde_dissector *d)
{
	return (uint64_t)d->flow->number << 2 | (unsigned)d->is_tcp << 1 | d->is_forward;
}

static struct parted *find(const struct sonde_dissector *d, uint16_t place)
{
	return d->flow ? part_store_find(&d->parts, owner_of(d), place) : NULL;
}

const struct parted *dissect_parts(const struct sonde_dissector *d, uint16_t place)
{
	return find(d, place);
}

void dissect_forget_parts(struct sonde_dissector *d, uint16_t *place)
{
	struct parted *message = find(d, *place);

	if (message)
		part_store_remove(&d->parts, message);
	*place = 0;
}

bool dissect_keep_part(struct sonde_dissector *d, uint16_t *place,
		       const struct span *part)
{
	struct parted *message;
	int r;

	if (!d->flow)
		return false;
	message = *place ? find(d, *place)
			 : part_store_begin(&d->parts, owner_of(d), place);
	if (!message) { /* forgotten, or without memory */
		*place = 0;
		return false;
	}
	r = part_store_append(&d->parts, message, span_bytes(part), span_left(part),
			      d->frame_number);
	if (r == -ENOMEM)
		d->trouble = r;
	if (r < 0)
		dissect_forget_parts(d, place);
	return r == 0;
}

bool dissect_join_parts(struct sonde_dissector *d, uint16_t place, struct span *ret)
{
	const struct parted *message = find(d, place);
	ssize_t at =
		message ? dissect_reassemble(d, message->bytes, message->size) : -ENOENT;

	if (at < 0)
		return false;
	*ret = (struct span){
		.bytes = d->reassembled,
		.at = (uint32_t)at,
		.captured = d->reassembled_size,
		.end = d->reassembled_size,
		.source = 1,
	};
	return true;
}

void dissect_add_parts(struct sonde_dissector *d, const struct part_fields *fields,
		       const struct span *message, const struct part *parts, size_t count)
{
	uint32_t left = span_left(message), at = 0, used = 0;
	struct sonde_field *all = dissect_add_number(d, fields->all, message, 0, left, 1);

	dissect_set_flags(all, SONDE_FIELD_GENERATED);
	dissect_set_label(d, all, "%s (%u bytes)", fields->title, left);
	dissect_nest(d);
	for (; used < count && at < left; used++) {
		uint32_t length = parts[used].length;
		struct sonde_field *one;

		if (length > left - at)
			length = left - at;
		one = dissect_add_number(d, fields->one, message, at, length,
					 parts[used].frame);
		dissect_set_flags(one, SONDE_FIELD_GENERATED);
		dissect_set_label(d, one, "Frame: %u, payload: %u-%u (%u bytes)",
				  parts[used].frame, at, at + length - 1, length);
		at += length;
	}
	dissect_add_made(d, fields->count, used);
	dissect_unnest(d);
}
