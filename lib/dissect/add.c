/* Adding fields to the frame's dissection; see dissector.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "dissect/state.h"

enum { KEEP_LEAST = 4096 };

struct span span_part(const struct span *span, uint32_t skip, uint32_t length)
{
	struct span part = *span;
	uint32_t room = span_length(span);

	if (skip > room)
		skip = room;
	part.at += skip;
	if (length < room - skip)
		part.end = part.at + length;
	if (part.captured > part.end)
		part.captured = part.end;
	if (part.captured < part.at)
		part.captured = part.at;
	return part;
}

void *dissect_keep(struct sonde_dissector *d, size_t n)
{
	struct keep *keep = &d->keep;
	size_t size = KEEP_LEAST;

	n = (n + 7) & ~(size_t)7;
	for (; keep->chunk < keep->chunk_count; keep->chunk++, keep->used = 0) {
		if (n <= keep->sizes[keep->chunk] - keep->used) {
			keep->used += n;
			return keep->chunks[keep->chunk] + keep->used - n;
		}
	}
	if (keep->chunk_count > 0)
		size = keep->sizes[keep->chunk_count - 1] * 2;
	if (size < n)
		size = n;
	if (array_reserve(&keep->chunks, &keep->chunk_capacity, keep->chunk_count + 1,
			  sizeof(*keep->chunks)) < 0 ||
	    array_reserve(&keep->sizes, &keep->size_capacity, keep->chunk_count + 1,
			  sizeof(*keep->sizes)) < 0)
		goto full;
	keep->chunks[keep->chunk_count] = array_new(size, 1);
	if (!keep->chunks[keep->chunk_count])
		goto full;
	keep->sizes[keep->chunk_count++] = size;
	keep->used = n;
	return keep->chunks[keep->chunk];
full:
	d->trouble = -ENOMEM;
	return NULL;
}

bool dissect_wants(const struct sonde_dissector *d, unsigned own)
{
	unsigned number = d->base + own;

	return d->wanted[number / 64] >> number % 64 & 1;
}

bool dissect_wants_own(const struct sonde_dissector *d)
{
	return d->wants_of[d->dissector];
}

struct sonde_field *dissect_add(struct sonde_dissector *d, unsigned own,
				const struct span *span, uint32_t at, uint32_t length)
{
	struct sonde_field *field;

	if (!dissect_wants(d, own))
		return NULL;
	if (d->field_count >= LIMIT_DISSECT_FIELDS) {
		d->out->is_cut = true;
		return NULL;
	}
	if (array_reserve(&d->fields, &d->field_capacity, d->field_count + 1,
			  sizeof(*d->fields)) < 0) {
		d->trouble = -ENOMEM;
		return NULL;
	}
	field = &d->fields[d->field_count++];
	*field = (struct sonde_field){
		.field = (uint16_t)(d->base + own),
		.depth = d->depth,
		.source = span->source,
	};
	/* Positions stay within the bytes that are there, whatever was claimed. */
	field->offset = at < span_left(span) ? span->at + at : span->captured;
	field->length = span->captured - field->offset;
	if (field->length > length)
		field->length = length;
	return field;
}

struct sonde_field *dissect_add_number(struct sonde_dissector *d, unsigned own,
				       const struct span *span, uint32_t at,
				       uint32_t length, uint64_t value)
{
	struct sonde_field *field = dissect_add(d, own, span, at, length);

	if (field)
		field->value.number = value;
	return field;
}

struct sonde_field *dissect_add_integer(struct sonde_dissector *d, unsigned own,
					const struct span *span, uint32_t at,
					uint32_t length, int64_t value)
{
	struct sonde_field *field = dissect_add(d, own, span, at, length);

	if (field)
		field->value.integer = value;
	return field;
}

struct sonde_field *dissect_add_be(struct sonde_dissector *d, unsigned own,
				   const struct span *span, uint32_t at, uint32_t length)
{
	struct sonde_field *field;
	uint64_t value = 0;

	if (!dissect_wants(d, own) || (uint64_t)at + length > span_left(span))
		return NULL;
	for (uint32_t i = 0; i < length; i++)
		value = value << 8 | span_bytes(span)[at + i];
	field = dissect_add(d, own, span, at, length);
	if (field)
		field->value.number = value;
	return field;
}

struct sonde_field *dissect_add_bytes(struct sonde_dissector *d, unsigned own,
				      const struct span *span, uint32_t at,
				      uint32_t length)
{
	struct sonde_field *field = dissect_add(d, own, span, at, length);

	if (field) {
		field->value.data.bytes = span->bytes + field->offset;
		field->value.data.size = field->length;
	}
	return field;
}

struct sonde_field *dissect_add_text(struct sonde_dissector *d, unsigned own,
				     const struct span *span, uint32_t at,
				     uint32_t length, const char *text, size_t size)
{
	struct sonde_field *field = text ? dissect_add(d, own, span, at, length) : NULL;

	if (field) {
		field->value.data.bytes = (const uint8_t *)text;
		field->value.data.size = (uint32_t)size;
	}
	return field;
}

struct sonde_field *dissect_add_address(struct sonde_dissector *d, unsigned own,
					const struct span *span, uint32_t at,
					const struct sonde_address *address)
{
	if (address->family == SONDE_FAMILY_INET)
		return dissect_add_number(d, own, span, at, 4,
					  (uint32_t)address->bytes[0] << 24 |
						  (uint32_t)address->bytes[1] << 16 |
						  (uint32_t)address->bytes[2] << 8 |
						  address->bytes[3]);
	if (address->family == SONDE_FAMILY_INET6)
		return dissect_add_bytes(d, own, span, at, 16);
	return NULL;
}

static const struct span nothing = {.bytes = (const uint8_t *)""};

struct sonde_field *dissect_add_made(struct sonde_dissector *d, unsigned own,
				     uint64_t value)
{
	struct sonde_field *field = dissect_add_number(d, own, &nothing, 0, 0, value);

	dissect_set_flags(field, SONDE_FIELD_GENERATED);
	return field;
}

void dissect_add_note(struct sonde_dissector *d, unsigned own)
{
	dissect_add_made(d, own, 1);
}

void dissect_set_flags(struct sonde_field *field, uint8_t flags)
{
	if (field)
		field->flags |= flags;
}

void dissect_set_label(struct sonde_dissector *d, struct sonde_field *field,
		       const char *format, ...)
{
	char text[512], *kept;
	va_list arguments;
	int n;

	if (!field || !d->wants_all)
		return;
	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	kept = dissect_keep(d, strlen(text) + 1);
	if (kept) {
		memcpy(kept, text, strlen(text) + 1);
		field->label = kept;
	}
}

void dissect_nest(struct sonde_dissector *d)
{
	d->depth++;
}

void dissect_unnest(struct sonde_dissector *d)
{
	d->depth--;
}

const char *value_name(const struct sonde_value_name *names, uint64_t value,
		       const char *otherwise)
{
	for (; names && names->name; names++)
		if (names->value == value)
			return names->name;
	return otherwise;
}

/* Several messages of one protocol in a frame are named once. */
static bool is_named_last(const struct sonde_dissector *d, const char *name, size_t n)
{
	return d->messages && d->protocols_used > n &&
	       memcmp(d->protocols + d->protocols_used - n, name, n) == 0 &&
	       d->protocols[d->protocols_used - n - 1] == ':';
}

/* In frame.protocols. */
static void name_protocol(struct sonde_dissector *d, const char *name)
{
	size_t n = strlen(name);

	if (d->protocols_used + n + 1 >= sizeof(d->protocols) ||
	    is_named_last(d, name, n))
		return;
	if (d->protocols_used)
		d->protocols[d->protocols_used++] = ':';
	memcpy(d->protocols + d->protocols_used, name, n);
	d->protocols_used += (uint32_t)n;
}

struct sonde_field *dissect_open(struct sonde_dissector *d, const struct span *span,
				 uint32_t length)
{
	struct sonde_field *field;

	if (d->wants_of[0] && d->dissector != 0)
		name_protocol(d, dissectors[d->dissector]->name);
	d->depth = d->layer_depth;
	field = dissect_wants_own(d) ? dissect_add_bytes(d, 0, span, 0, length) : NULL;
	d->depth++;
	return field;
}

void dissect_set_malformed(struct sonde_dissector *d)
{
	d->is_malformed = true;
}

void dissect_set_short(struct sonde_dissector *d)
{
	d->is_short = true;
}

ssize_t dissect_reassemble(struct sonde_dissector *d, const void *bytes, size_t n)
{
	uint32_t old = d->reassembled_size;

	if (old + n > d->reassembled_capacity) {
		/* What was put together before stays where it is: fields point there.
		 * Of many messages each is copied twice or so. */
		size_t capacity = old ? 2 * (old + n) : n;
		uint8_t *both = dissect_keep(d, capacity);

		if (!both)
			return -ENOMEM;
		if (old)
			memcpy(both, d->reassembled, old);
		d->reassembled = both;
		d->reassembled_capacity = capacity;
	}
	if (n)
		memcpy(d->reassembled + old, bytes, n);
	d->reassembled_size = old + (uint32_t)n;
	return old;
}

struct column *dissect_info(struct sonde_dissector *d)
{
	return &d->info;
}

bool dissect_wants_columns(const struct sonde_dissector *d)
{
	return d->wants_columns;
}

void dissect_set_column(struct sonde_dissector *d, const char *protocol)
{
	if (d->is_quoted)
		return;
	d->column_protocol = protocol;
	column_clear(&d->info);
}

void dissect_name_column(struct sonde_dissector *d, const char *protocol)
{
	if (!d->is_quoted)
		d->column_protocol = protocol;
}

void dissect_join_column(struct sonde_dissector *d, const char *protocol,
			 const char *between)
{
	if (d->messages == 0) {
		dissect_set_column(d, protocol);
	} else if (!d->is_quoted) {
		d->column_protocol = protocol;
		column_add(&d->info, between);
	}
}

uint64_t *dissect_conversation_state(struct sonde_dissector *d)
{
	return d->flow ? d->flow->state : NULL;
}

bool dissect_is_from_client(const struct sonde_dissector *d)
{
	return d->is_forward;
}

uint16_t dissect_source_port(const struct sonde_dissector *d)
{
	return d->src.port;
}

uint16_t dissect_destination_port(const struct sonde_dissector *d)
{
	return d->dst.port;
}

bool dissect_is_tcp(const struct sonde_dissector *d)
{
	return d->is_tcp;
}

bool dissect_shows_secrets(const struct sonde_dissector *d)
{
	return d->shows_secrets;
}

uint32_t dissect_frame_number(const struct sonde_dissector *d)
{
	return d->frame_number;
}

int64_t dissect_frame_time(const struct sonde_dissector *d)
{
	return d->frame->at_ns;
}
