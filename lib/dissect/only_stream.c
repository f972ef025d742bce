/* When a single conversation is asked for, packets of others need nothing but their number.
 *
 * Of half a gigabyte a few packets are wanted then, and what the others say is of interest
 * only as far as it decides how later conversations are numbered: that is, which ports were
 * used before.  What is not plainly TCP or UDP in IP (fragments, tunnels, ICMP errors that
 * quote a packet, broken headers) takes the long way.
 *
 * Nearly all packets have the same shape, Ethernet and IP without options: of those the
 * few bytes that matter are taken from where they must be.  The others are decoded. */
#include "dissect/only_stream.h"

#include <string.h>

#include "dissect/dissect_tcp.h"
#include "dissect/number.h"

enum {
	ETHERNET_BYTES = 14,
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	TCP_LEAST = 20,
	UDP_LEAST = 8,
};

void sonde_dissector_only_stream(struct sonde_dissector *d, bool is_tcp, uint32_t number)
{
	d->has_only = true;
	d->only_is_tcp = is_tcp;
	d->only_number = number;
}

/* What decides about a packet. */
struct peek {
	bool is_tcp;
	uint8_t flags;
	uint32_t seq;
};

static uint32_t be16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t be32(const uint8_t *bytes)
{
	return be16(bytes) << 16 | be16(bytes + 2);
}

/* The header at `bytes`, of which `left` are there; the packet has `length` of them, or
 * does not say. */
static bool peek_transport(struct sonde_dissector *d, uint8_t protocol,
			   const uint8_t *bytes, uint32_t left, uint32_t length,
			   struct peek *ret)
{
	uint32_t least = protocol == IP_PROTOCOL_TCP ? TCP_LEAST : UDP_LEAST;

	if (protocol != IP_PROTOCOL_TCP && protocol != IP_PROTOCOL_UDP)
		return false;
	if (left < least || length < least)
		return false;
	ret->is_tcp = protocol == IP_PROTOCOL_TCP;
	if (ret->is_tcp) {
		uint32_t header_length = (bytes[12] >> 4) * 4u;

		if (header_length < TCP_LEAST || header_length > left ||
		    header_length > length)
			return false;
		ret->seq = be32(bytes + 4);
		ret->flags = bytes[13];
	}
	d->src.port = (uint16_t)be16(bytes);
	d->dst.port = (uint16_t)be16(bytes + 2);
	return true;
}

static bool peek_ipv4(struct sonde_dissector *d, const uint8_t *bytes, uint32_t left,
		      struct peek *ret)
{
	uint32_t total;

	if (left < IPV4_BYTES || bytes[0] != 0x45 || be16(bytes + 6) & 0x3fff)
		return false;
	total = be16(bytes + 2);
	if (total && total < IPV4_BYTES)
		return false;
	d->src = d->dst = (struct sonde_address){.family = SONDE_FAMILY_INET};
	memcpy(d->src.bytes, bytes + 12, 4);
	memcpy(d->dst.bytes, bytes + 16, 4);
	return peek_transport(d, bytes[9], bytes + IPV4_BYTES, left - IPV4_BYTES,
			      total ? total - IPV4_BYTES : UINT32_MAX, ret);
}

static bool peek_ipv6(struct sonde_dissector *d, const uint8_t *bytes, uint32_t left,
		      struct peek *ret)
{
	uint32_t length;

	if (left < IPV6_BYTES || bytes[0] >> 4 != 6)
		return false;
	length = be16(bytes + 4);
	d->src = d->dst = (struct sonde_address){.family = SONDE_FAMILY_INET6};
	memcpy(d->src.bytes, bytes + 8, 16);
	memcpy(d->dst.bytes, bytes + 24, 16);
	return peek_transport(d, bytes[6], bytes + IPV6_BYTES, left - IPV6_BYTES,
			      length ? length : UINT32_MAX, ret);
}

/* Sets d->src and d->dst; false for any other shape. */
static bool peek(struct sonde_dissector *d, struct peek *ret)
{
	const uint8_t *bytes = d->frame->bytes;
	uint32_t left = d->frame->captured_length;

	if (d->frame->link != SONDE_LINK_ETHERNET || left < ETHERNET_BYTES)
		return false;
	switch (be16(bytes + 12)) {
	case ETHER_TYPE_IPV4:
		return peek_ipv4(d, bytes + ETHERNET_BYTES, left - ETHERNET_BYTES, ret);
	case ETHER_TYPE_IPV6:
		return peek_ipv6(d, bytes + ETHERNET_BYTES, left - ETHERNET_BYTES, ret);
	default:
		return false;
	}
}

/* The same of any packet. */
static bool decode(struct sonde_dissector *d, struct peek *ret)
{
	const struct sonde_decoded *decoded = dissect_headers(d);

	if (decoded->trouble ||
	    (decoded->proto != SONDE_PACKET_TCP && decoded->proto != SONDE_PACKET_UDP))
		return false;
	d->src = decoded->src;
	d->dst = decoded->dst;
	ret->is_tcp = decoded->proto == SONDE_PACKET_TCP;
	ret->flags = decoded->tcp_flags;
	ret->seq = decoded->seq;
	return true;
}

static bool passes_over_tcp(struct sonde_dissector *d, const struct peek *packet)
{
	const struct conversation *flow =
		conversation_look(&d->tcp_flows, &d->src, &d->dst, &d->is_forward);
	bool is_reused = false;

	/* It may be the one, or become it. */
	if (flow ? flow->number == d->only_number : d->tcp_flows.count == d->only_number)
		return false;
	if (flow && !(packet->flags & SONDE_TCP_SYN)) {
		d->out->has_stream = d->out->stream_is_tcp = true;
		d->out->stream = flow->number;
		return true;
	}
	if (d->tcp_flows.count == d->only_number)
		return false;
	return tcp_flow_find(d, packet->flags, packet->seq, &is_reused);
}

static bool passes_over_udp(struct sonde_dissector *d)
{
	const struct conversation *flow =
		conversation_look(&d->udp_flows, &d->src, &d->dst, &d->is_forward);

	if (flow ? flow->number == d->only_number : d->udp_flows.count == d->only_number)
		return false;
	return udp_flow_find(d);
}

bool only_stream_passes_over(struct sonde_dissector *d)
{
	struct peek packet = {0};

	if (!peek(d, &packet) && !decode(d, &packet))
		return false;
	if (packet.is_tcp != d->only_is_tcp)
		return true;
	return packet.is_tcp ? passes_over_tcp(d, &packet) : passes_over_udp(d);
}
