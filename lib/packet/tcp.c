/* TCP (RFC 9293) and the options that say what a connection can do (RFC 7323, 2018). */
#include "packet/layer.h"

enum {
	OPTION_END = 0,
	OPTION_NOTHING = 1,
	OPTION_MSS = 2,
	OPTION_WINDOW_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_TIMESTAMPS = 8,
};

enum { WINDOW_SCALE_MOST = 14 }; /* a greater one means this (RFC 7323, 2.3) */

static void decode_option(uint8_t kind, struct wire_reader value,
			  struct sonde_decoded *ret)
{
	uint8_t scale;

	switch (kind) {
	case OPTION_MSS:
		ret->mss = wire_read_be16(&value);
		break;
	case OPTION_WINDOW_SCALE:
		scale = wire_read_u8(&value);
		if (!value.failed)
			ret->window_scale =
				(int8_t)(scale < WINDOW_SCALE_MOST ? scale
								   : WINDOW_SCALE_MOST);
		break;
	case OPTION_SACK_PERMITTED:
		ret->sack_permitted = true;
		break;
	case OPTION_TIMESTAMPS:
		ret->timestamp_value = wire_read_be32(&value);
		ret->timestamp_echo = wire_read_be32(&value);
		ret->has_timestamps = !value.failed;
		break;
	default:
		return;
	}
	if (value.failed || wire_left(&value))
		ret->trouble |= SONDE_PACKET_MALFORMED;
}

/* The options in the next `length` bytes, of which the last may be missing. */
static void decode_options(struct wire_reader *reader, uint32_t length,
			   struct sonde_decoded *ret)
{
	while (length) {
		struct wire_reader value;
		const uint8_t *bytes;
		uint8_t kind = wire_read_u8(reader), size;

		if (reader->failed || kind == OPTION_END)
			return;
		length--;
		if (kind == OPTION_NOTHING)
			continue;
		if (!length) {
			ret->trouble |= SONDE_PACKET_MALFORMED;
			return;
		}
		size = wire_read_u8(reader);
		if (reader->failed)
			return;
		length--;
		if (size < 2 || size - 2u > length) {
			ret->trouble |= SONDE_PACKET_MALFORMED;
			return;
		}
		bytes = wire_read_bytes(reader, size - 2u);
		if (!bytes)
			return;
		wire_reader_init(&value, bytes, size - 2u);
		decode_option(kind, value, ret);
		length -= size - 2u;
	}
}

void tcp_decode(const struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint32_t header_length;
	uint8_t offset;

	ret->src.port = wire_read_be16(&reader);
	ret->dst.port = wire_read_be16(&reader);
	ret->seq = wire_read_be32(&reader);
	ret->ack = wire_read_be32(&reader);
	offset = wire_read_u8(&reader);
	ret->tcp_flags = wire_read_u8(&reader);
	ret->window = wire_read_be16(&reader);
	wire_skip(&reader, 2 + 2); /* checksum, urgent pointer */

	header_length = (offset >> 4) * 4u;
	if (!offset && reader.failed) {
		ret->trouble |= layer_short(layer);
		return;
	}
	if (header_length < 20) {
		ret->trouble |= SONDE_PACKET_MALFORMED;
		return;
	}
	if (layer->end != LAYER_END_UNKNOWN && header_length > layer_length(layer))
		ret->trouble |= SONDE_PACKET_MALFORMED;
	decode_options(&reader, header_length - 20, ret);
	if (header_length <= layer_captured(layer)) {
		struct layer payload = *layer;

		payload.at += header_length;
		layer_set_payload(&payload, ret);
	} else {
		/* How long the payload was can be told without its being there. */
		if (layer->end != LAYER_END_UNKNOWN &&
		    header_length <= layer_length(layer))
			ret->payload_length = layer_length(layer) - header_length;
		ret->trouble |= layer_short(layer);
	}
}
