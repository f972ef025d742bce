/* UDP (RFC 768). */
#include "packet/layer.h"

enum { HEADER_LENGTH = 8 };

void udp_decode(const struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	struct layer payload = *layer;
	uint16_t length;

	ret->src.port = wire_read_be16(&reader);
	ret->dst.port = wire_read_be16(&reader);
	length = wire_read_be16(&reader);
	wire_skip(&reader, 2); /* checksum */
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return;
	}
	payload.at += HEADER_LENGTH;
	if (length >= HEADER_LENGTH && (uint64_t)layer->at + length <= layer->end) {
		payload.end = layer->at + length;
	} else if (length == 0 && ret->src.family == SONDE_FAMILY_INET6) {
		/* A jumbogram (RFC 2675, 4): the length is that of the IP header. */
	} else if (!(ret->trouble & SONDE_PACKET_FRAGMENT) || length < HEADER_LENGTH) {
		/* The first fragment holds less than the datagram; nothing else may. */
		ret->trouble |= SONDE_PACKET_MALFORMED;
	}
	layer_set_payload(&payload, ret);
}
