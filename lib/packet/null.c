/* BSD's loopback: a family of addresses in front of the packet.  Its order of bytes is
 * that of the machine that captured; families are small, which tells the order. */
#include "packet/layer.h"

enum {
	FAMILY_INET = 2,
	FAMILY_INET6_LINUX = 10, /* and in NetBSD, FreeBSD, Darwin: */
	FAMILY_INET6_NETBSD = 24,
	FAMILY_INET6_FREEBSD = 28,
	FAMILY_INET6_DARWIN = 30,
};

bool null_decode(struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint32_t family = wire_read_be32(&reader);

	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	if (family >> 16)
		family = __builtin_bswap32(family);
	layer->at += (uint32_t)reader.at;
	switch (family) {
	case FAMILY_INET:
		ret->ether_type = ETHER_TYPE_IPV4;
		break;
	case FAMILY_INET6_LINUX:
	case FAMILY_INET6_NETBSD:
	case FAMILY_INET6_FREEBSD:
	case FAMILY_INET6_DARWIN:
		ret->ether_type = ETHER_TYPE_IPV6;
		break;
	default:
		break;
	}
	return true;
}
