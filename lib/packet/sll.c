/* Linux cooked captures, versions 1 and 2: a header in place of the link's own. */
#include "packet/layer.h"

bool sll_decode(struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint16_t ether_type;

	/* Packet type, hardware type, length of the address, the address. */
	wire_skip(&reader, 2 + 2 + 2 + 8);
	ether_type = wire_read_be16(&reader);
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	layer->at += (uint32_t)reader.at;
	return eth_decode_tags(layer, ether_type, ret);
}

bool sll2_decode(struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint16_t ether_type;

	ether_type = wire_read_be16(&reader);
	/* Reserved, interface index, hardware type, packet type, length of the address,
	 * the address. */
	wire_skip(&reader, 2 + 4 + 2 + 1 + 1 + 8);
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	layer->at += (uint32_t)reader.at;
	return eth_decode_tags(layer, ether_type, ret);
}
