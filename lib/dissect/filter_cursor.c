/* Display filters: the values of an operand in a frame; see filter_cursor.h. */
#include "dissect/filter_cursor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/address.h>

#include "base/array.h"
#include "base/limits.h"

enum { IPV4_BYTES = 4, STRING_BYTES = SONDE_ADDRESS_CHARS };

void filter_cursor_begin(struct cursor *cursor, struct sonde_filter *filter,
			 uint32_t operand, const struct sonde_dissection *dissection,
			 unsigned side)
{
	*cursor = (struct cursor){
		.filter = filter,
		.operand = &filter->operands[operand],
		.dissection = dissection,
		.buffers = filter->buffers[side],
	};
}

static uint8_t *take_buffer(struct cursor *cursor, size_t size)
{
	struct filter_buffer *buffer = &cursor->buffers[cursor->buffer];

	cursor->buffer ^= 1;
	if (array_reserve(&buffer->bytes, &buffer->capacity, size + 1, 1) < 0)
		return NULL;
	return buffer->bytes;
}

/* ---- steps ---- */

/* A field's value as bytes: what a slice is taken of. */
static int to_bytes(struct cursor *cursor, struct filter_value *value)
{
	uint32_t number;
	uint8_t *bytes;

	if (value->type == SONDE_FIELD_IPV4) {
		number = (uint32_t)value->u.number;
		bytes = take_buffer(cursor, IPV4_BYTES);
		if (!bytes)
			return -ENOMEM;
		for (unsigned i = 0; i < IPV4_BYTES; i++)
			bytes[i] = (uint8_t)(number >> (24 - 8 * i));
		value->u.data.bytes = bytes;
		value->u.data.size = IPV4_BYTES;
	}
	value->type = SONDE_FIELD_BYTES;
	return 0;
}

/* Where a range lies in `size` bytes; false where it does not. */
static bool place_range(const struct filter_range *range, uint32_t size,
			uint32_t *ret_start, uint32_t *ret_length)
{
	int64_t start = range->start < 0 ? (int64_t)size + range->start : range->start;
	int64_t length = range->other;

	if (range->kind == RANGE_REST)
		length = (int64_t)size - start;
	else if (range->kind == RANGE_TO)
		length = (int64_t)range->other - range->start + 1;
	if (start < 0 || length < 0 || start + length > (int64_t)size)
		return false;
	*ret_start = (uint32_t)start;
	*ret_length = (uint32_t)length;
	return true;
}

/* Pieces that lie outside are left out, as in Wireshark. */
static int slice(struct cursor *cursor, const struct filter_step *step,
		 struct filter_value *value)
{
	const struct filter_range *ranges = cursor->filter->ranges + step->first_range;
	uint32_t start, length;
	size_t used = 0, needed = 0;
	uint8_t *bytes;
	int r = to_bytes(cursor, value);

	if (r < 0)
		return r;
	if (step->range_count == 1) {
		if (!place_range(ranges, value->u.data.size, &start, &length))
			start = length = 0;
		if (value->u.data.bytes)
			value->u.data.bytes += start;
		value->u.data.size = length;
		return 0;
	}
	for (uint32_t i = 0; i < step->range_count; i++) {
		if (place_range(&ranges[i], value->u.data.size, &start, &length))
			needed += length;
		/* Many times the whole: no such slice has a meaning. */
		if (needed > LIMIT_FILTER_SLICE) {
			value->u.data.size = 0;
			return 0;
		}
	}
	bytes = take_buffer(cursor, needed);
	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < step->range_count; i++) {
		if (!place_range(&ranges[i], value->u.data.size, &start, &length) ||
		    length == 0)
			continue;
		memcpy(bytes + used, value->u.data.bytes + start, length);
		used += length;
	}
	value->u.data.bytes = bytes;
	value->u.data.size = (uint32_t)used;
	return 0;
}

/* ASCII letters alone, as in Wireshark. */
static int change_case(struct cursor *cursor, bool is_upper, struct filter_value *value)
{
	char first = is_upper ? 'a' : 'A';
	uint8_t *bytes = take_buffer(cursor, value->u.data.size);

	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < value->u.data.size; i++) {
		uint8_t c = value->u.data.bytes[i];
		bool is_letter = c >= first && c < first + 26;
		bytes[i] = is_letter ? c ^ 0x20 : c;
	}
	value->u.data.bytes = bytes;
	return 0;
}

static int to_string(struct cursor *cursor, struct filter_value *value)
{
	char *text = (char *)take_buffer(cursor, STRING_BYTES);
	struct sonde_address address = {.family = SONDE_FAMILY_INET};
	int n = 0;

	if (!text)
		return -ENOMEM;
	if (value->type == SONDE_FIELD_UINT) {
		n = snprintf(text, STRING_BYTES, "%llu",
			     (unsigned long long)value->u.number);
	} else if (value->type == SONDE_FIELD_INT) {
		n = snprintf(text, STRING_BYTES, "%lld", (long long)value->u.integer);
	} else if (value->type == SONDE_FIELD_ETHERNET) {
		for (uint32_t i = 0; i < value->u.data.size && i < 6; i++)
			n += snprintf(text + n, (size_t)(STRING_BYTES - n), "%s%02x",
				      i ? ":" : "", value->u.data.bytes[i]);
	} else {
		uint32_t number = (uint32_t)value->u.number;
		for (unsigned i = 0; i < IPV4_BYTES && value->type == SONDE_FIELD_IPV4;
		     i++)
			address.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
		if (value->type == SONDE_FIELD_IPV6) {
			address.family = SONDE_FAMILY_INET6;
			if (value->u.data.size == sizeof(address.bytes))
				memcpy(address.bytes, value->u.data.bytes,
				       sizeof(address.bytes));
		}
		sonde_address_format_host(&address, text);
		n = (int)strlen(text);
	}
	*value = (struct filter_value){.type = SONDE_FIELD_TEXT};
	value->u.data.bytes = (const uint8_t *)text;
	value->u.data.size = (uint32_t)n;
	return 0;
}

static uint64_t length_of(const struct cursor *cursor, const struct filter_value *value)
{
	const struct sonde_field_info *info = cursor->operand->info;

	if (filter_type_is_data(value->type))
		return value->u.data.size;
	if (value->type == SONDE_FIELD_IPV4)
		return IPV4_BYTES;
	return (info->bits + 7u) / 8;
}

static int mask(struct cursor *cursor, const struct filter_step *step,
		struct filter_value *value)
{
	uint32_t size = value->u.data.size;
	uint8_t *bytes;

	if (!filter_type_is_data(value->type)) {
		value->u.number &= step->mask.u.number;
		return 0;
	}
	if (size > step->mask.u.data.size)
		size = step->mask.u.data.size;
	bytes = take_buffer(cursor, size);
	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = value->u.data.bytes[i] & step->mask.u.data.bytes[i];
	value->u.data.bytes = bytes;
	value->u.data.size = size;
	return 0;
}

static int take_step(struct cursor *cursor, const struct filter_step *step,
		     struct filter_value *value)
{
	switch ((enum filter_step_kind)step->kind) {
	case STEP_SLICE:
		return slice(cursor, step, value);
	case STEP_LOWER:
		return change_case(cursor, false, value);
	case STEP_UPPER:
		return change_case(cursor, true, value);
	case STEP_STRING:
		return to_string(cursor, value);
	case STEP_LENGTH:
		value->u.number = length_of(cursor, value);
		value->type = SONDE_FIELD_UINT;
		return 0;
	case STEP_MASK:
		return mask(cursor, step, value);
	}
	return 0;
}

/* ---- values ---- */

static void value_of(const struct sonde_field *field, uint8_t type,
		     struct filter_value *ret)
{
	*ret = (struct filter_value){.type = type};
	if (type == SONDE_FIELD_IPV4)
		ret->prefix = 32;
	else if (type == SONDE_FIELD_IPV6)
		ret->prefix = 128;
	if (filter_type_is_data(type)) {
		ret->u.data.bytes = field->value.data.bytes;
		ret->u.data.size = field->value.data.size;
	} else {
		ret->u.number = field->value.number;
	}
}

static bool has_layer(const struct cursor *cursor)
{
	const struct filter_operand *operand = cursor->operand;

	for (uint32_t i = 0; i < operand->layer_count; i++) {
		const struct filter_range *range =
			&cursor->filter->ranges[operand->first_layer + i];
		int64_t last = range->other;
		if (range->kind == RANGE_REST)
			last = INT32_MAX;
		else if (range->kind == RANGE_LENGTH)
			last = (int64_t)range->start + range->other - 1;
		if (cursor->layer >= range->start && cursor->layer <= last)
			return true;
	}
	return operand->layer_count == 0;
}

/* The next field of the operand's name; NULL past the last. */
static const struct sonde_field *next_field(struct cursor *cursor)
{
	const struct filter_operand *operand = cursor->operand;
	const struct sonde_dissection *dissection = cursor->dissection;

	while (cursor->at < dissection->field_count) {
		const struct sonde_field *field = &dissection->fields[cursor->at++];
		if (operand->layer_count > 0 && field->field == operand->protocol)
			cursor->layer++;
		if (field->field == operand->field && has_layer(cursor))
			return field;
	}
	return NULL;
}

static int next_count(struct cursor *cursor, struct filter_value *ret)
{
	uint64_t count = 0;

	while (next_field(cursor))
		count++;
	if (count == 0)
		return 0;
	*ret = (struct filter_value){.type = SONDE_FIELD_UINT, .u.number = count};
	return 1;
}

/* To search in a protocol is to search in what it carries, too. */
static void widen(const struct cursor *cursor, const struct sonde_field *field,
		  struct filter_value *value)
{
	const struct sonde_dissection *dissection = cursor->dissection;
	const struct sonde_decoded *decoded = &dissection->decoded;
	uint64_t end = 0, packet_end;

	if (field->source != 0) {
		end = dissection->reassembled_size;
		/* The field points to what was there when it was made. */
		value->u.data.bytes = dissection->reassembled + field->offset;
	} else if (dissection->field_count > 0 &&
		   dissection->fields[0].field == cursor->filter->frame_field) {
		end = dissection->fields[0].value.data.size;
		/* What fills a short Ethernet frame up belongs to no packet in it. */
		packet_end =
			(uint64_t)decoded->payload_offset + decoded->payload_captured;
		if (decoded->payload_offset > 0 && packet_end < end &&
		    field->offset >= decoded->network_offset &&
		    cursor->operand->field != cursor->filter->frame_field)
			end = packet_end;
	}
	if (end > (uint64_t)field->offset + value->u.data.size && end <= UINT32_MAX)
		value->u.data.size = (uint32_t)end - field->offset;
}

int filter_cursor_next(struct cursor *cursor, struct filter_value *ret)
{
	const struct filter_operand *operand = cursor->operand;
	const struct sonde_field *field;
	int r = 0;

	if (operand->kind == OPERAND_CONSTANT) {
		if (cursor->at++ > 0)
			return 0;
		*ret = operand->constant;
		return 1;
	}
	if (operand->kind == OPERAND_COUNT)
		return next_count(cursor, ret);
	field = next_field(cursor);
	if (!field)
		return 0;
	value_of(field, operand->info->type, ret);
	if (operand->is_wide)
		widen(cursor, field, ret);
	for (uint32_t i = 0; r == 0 && i < operand->step_count; i++)
		r = take_step(cursor, &cursor->filter->steps[operand->first_step + i],
			      ret);
	return r < 0 ? r : 1;
}
