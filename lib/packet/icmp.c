/* ICMP (RFC 792) and ICMPv6 (RFC 4443), and the packet that an error quotes: it names the
 * connection that the error is about. */
#include "packet/layer.h"

enum { HEADER_LENGTH = 8 };

static bool is_error(uint8_t proto, uint8_t type)
{
	if (proto == SONDE_PACKET_ICMP6) /* all below 128; these have a meaning */
		return type >= 1 && type <= 4;
	/* Unreachable, source quench, redirect, time exceeded, parameter problem. */
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static void decode_quote(struct layer quote, struct sonde_decoded *ret)
{
	struct wire_reader reader;
	struct ip_header ip;
	uint16_t src_port, dst_port;
	uint32_t seq;
	bool has_transport = ret->proto == SONDE_PACKET_ICMP ? ipv4_decode(&quote, &ip)
							     : ipv6_decode(&quote, &ip);

	/* That the quoted packet was a fragment is no trouble of this one. */
	ret->trouble |= ip.trouble & (SONDE_PACKET_CUT | SONDE_PACKET_MALFORMED);
	if (!has_transport || ip.is_later_fragment ||
	    (ip.protocol != IP_PROTOCOL_TCP && ip.protocol != IP_PROTOCOL_UDP))
		return;
	reader = layer_reader(&quote);
	src_port = wire_read_be16(&reader);
	dst_port = wire_read_be16(&reader);
	if (reader.failed) {
		ret->trouble |= layer_short(&quote);
		return;
	}
	seq = wire_read_be32(&reader);
	if (reader.failed)
		ret->trouble |= layer_short(&quote);
	ret->has_quote = true;
	ret->quote_proto =
		ip.protocol == IP_PROTOCOL_TCP ? SONDE_PACKET_TCP : SONDE_PACKET_UDP;
	ret->quote_src = ip.src;
	ret->quote_src.port = src_port;
	ret->quote_dst = ip.dst;
	ret->quote_dst.port = dst_port;
	if (ret->quote_proto == SONDE_PACKET_TCP)
		ret->quote_seq = seq;
}

void icmp_decode(const struct layer *layer, struct sonde_decoded *ret)
{
	struct wire_reader reader = layer_reader(layer);
	struct layer payload = *layer;

	ret->icmp_type = wire_read_u8(&reader);
	ret->icmp_code = wire_read_u8(&reader);
	wire_skip(&reader, 2 + 4); /* checksum, and a word that depends on the type */
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return;
	}
	payload.at += HEADER_LENGTH;
	layer_set_payload(&payload, ret);
	if (is_error(ret->proto, ret->icmp_type))
		decode_quote(payload, ret);
}
