/* Ethernet II, IEEE 802.3, and VLAN tags. */
#include "packet/layer.h"

enum {
	TYPE_8021Q = 0x8100,
	TYPE_8021AD = 0x88a8,
	TYPE_QINQ_OLD = 0x9100,
	TYPE_LEAST = 0x0600, /* below it, the field is the length of an 802.3 frame */
};

static bool is_tag(uint16_t ether_type)
{
	return ether_type == TYPE_8021Q || ether_type == TYPE_8021AD ||
	       ether_type == TYPE_QINQ_OLD;
}

bool eth_decode_tags(struct layer *layer, uint16_t ether_type, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);

	while (is_tag(ether_type)) {
		wire_skip(&reader, 2); /* priority and VLAN number */
		ether_type = wire_read_be16(&reader);
	}
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	layer->at += (uint32_t)reader.at;
	ret->ether_type = ether_type;
	return true;
}

bool eth_decode(struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint16_t ether_type;

	wire_skip(&reader, 6 + 6); /* destination, source */
	ether_type = wire_read_be16(&reader);
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	layer->at += (uint32_t)reader.at;
	if (!eth_decode_tags(layer, ether_type, ret))
		return false;
	if (ret->ether_type < TYPE_LEAST) {
		layer->end = layer->at + ret->ether_type;
		ret->ether_type = 0;
	}
	return true;
}
