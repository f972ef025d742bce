/* The two ends of a packet; see layer.h. */
#include "packet/layer.h"

static uint32_t readable_end(const struct layer *layer)
{
	return layer->end < layer->captured ? layer->end : layer->captured;
}

struct wire_reader layer_reader(const struct layer *layer)
{
	struct wire_reader reader;
	uint32_t length = layer_captured(layer);

	wire_reader_init(&reader, length ? layer->bytes + layer->at : NULL, length);
	return reader;
}

uint8_t layer_short(const struct layer *layer)
{
	return layer->end > layer->captured ? SONDE_PACKET_CUT : SONDE_PACKET_MALFORMED;
}

uint32_t layer_length(const struct layer *layer)
{
	uint32_t end = layer->end == LAYER_END_UNKNOWN ? layer->captured : layer->end;

	return end > layer->at ? end - layer->at : 0;
}

uint32_t layer_captured(const struct layer *layer)
{
	uint32_t end = readable_end(layer);

	return end > layer->at ? end - layer->at : 0;
}

void layer_set_payload(const struct layer *layer, struct sonde_decoded *ret)
{
	ret->payload_captured = layer_captured(layer);
	ret->payload_length = layer_length(layer);
	ret->payload_offset = layer->at;
}
