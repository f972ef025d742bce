/* Ties the layers of a packet together; each has a file of its own. */
#include <sonde/packet.h>

#include "packet/layer.h"

static bool decode_link(enum sonde_link link, struct layer *layer,
			struct sonde_decoded *ret)
{
	switch (link) {
	case SONDE_LINK_ETHERNET:
		return eth_decode(layer, ret);
	case SONDE_LINK_SLL:
		return sll_decode(layer, ret);
	case SONDE_LINK_SLL2:
		return sll2_decode(layer, ret);
	case SONDE_LINK_NULL:
	case SONDE_LINK_LOOP:
		return null_decode(layer, ret);
	case SONDE_LINK_RAW:
	case SONDE_LINK_IPV4:
	case SONDE_LINK_IPV6:
		break;
	}
	return true;
}

static bool is_bare(enum sonde_link link)
{
	return link == SONDE_LINK_RAW || link == SONDE_LINK_IPV4 ||
	       link == SONDE_LINK_IPV6;
}

/* Raw IP has no type field: the version is all there is to go by. */
static bool guess_ether_type(const struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint8_t version = wire_read_u8(&reader) >> 4;

	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	if (version == 4)
		ret->ether_type = ETHER_TYPE_IPV4;
	else if (version == 6)
		ret->ether_type = ETHER_TYPE_IPV6;
	else
		ret->trouble |= SONDE_PACKET_MALFORMED;
	return true;
}

static uint8_t proto_of(uint16_t ether_type, uint8_t ip_protocol)
{
	switch (ip_protocol) {
	case IP_PROTOCOL_TCP:
		return SONDE_PACKET_TCP;
	case IP_PROTOCOL_UDP:
		return SONDE_PACKET_UDP;
	case IP_PROTOCOL_ICMP:
		return ether_type == ETHER_TYPE_IPV4 ? SONDE_PACKET_ICMP
						     : SONDE_PACKET_OTHER;
	case IP_PROTOCOL_ICMP6:
		return ether_type == ETHER_TYPE_IPV6 ? SONDE_PACKET_ICMP6
						     : SONDE_PACKET_OTHER;
	default:
		return SONDE_PACKET_OTHER;
	}
}

static void decode_transport(const struct layer *layer, struct sonde_decoded *ret)
{
	switch (ret->proto) {
	case SONDE_PACKET_TCP:
		tcp_decode(layer, ret);
		break;
	case SONDE_PACKET_UDP:
		udp_decode(layer, ret);
		break;
	case SONDE_PACKET_ICMP:
	case SONDE_PACKET_ICMP6:
		icmp_decode(layer, ret);
		break;
	default:
		layer_set_payload(layer, ret);
		break;
	}
}

static void decode_network(struct layer *layer, struct sonde_decoded *ret)
{
	struct ip_header ip;
	bool has_transport;

	if (ret->ether_type == ETHER_TYPE_IPV4) {
		has_transport = ipv4_decode(layer, &ip);
	} else if (ret->ether_type == ETHER_TYPE_IPV6) {
		has_transport = ipv6_decode(layer, &ip);
	} else {
		layer_set_payload(layer, ret);
		return;
	}
	ret->src = ip.src;
	ret->dst = ip.dst;
	ret->ttl = ip.ttl;
	ret->trouble |= ip.trouble;
	ret->proto = proto_of(ret->ether_type, ip.protocol);
	if (!has_transport)
		return;
	if (ip.is_later_fragment)
		layer_set_payload(layer, ret);
	else
		decode_transport(layer, ret);
}

void sonde_packet_decode(enum sonde_link link, const uint8_t *bytes, size_t n,
			 struct sonde_decoded *ret)
{
	struct layer layer = {
		.bytes = bytes,
		.captured = n < LAYER_END_UNKNOWN ? (uint32_t)n : LAYER_END_UNKNOWN - 1,
		.end = LAYER_END_UNKNOWN,
	};

	*ret = (struct sonde_decoded){.window_scale = -1};
	if (!decode_link(link, &layer, ret))
		return;
	ret->network_offset = layer.at;
	if (is_bare(link) && !guess_ether_type(&layer, ret))
		return;
	decode_network(&layer, ret);
}
