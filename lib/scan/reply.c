/* Answers to raw probes. */
#include "scan/reply.h"

#include <string.h>

enum {
	ECHO_REPLY = 0,
	UNREACHABLE = 3,
	TIME_EXCEEDED = 11,
	ECHO6_REPLY = 129,
	UNREACHABLE6 = 1,
	TIME_EXCEEDED6 = 3,
};

static bool read_tcp(const struct sonde_decoded *packet, struct reply *ret)
{
	const uint8_t flags = packet->tcp_flags;

	ret->about = packet->src;
	ret->own_port = packet->dst.port;
	ret->number = packet->ack - 1;
	if (packet->trouble & (SONDE_PACKET_CUT | SONDE_PACKET_FRAGMENT) ||
	    !(flags & SONDE_TCP_ACK))
		return false;
	if (flags & SONDE_TCP_RST)
		ret->kind = REPLY_CLOSED;
	else if (flags & SONDE_TCP_SYN)
		ret->kind = REPLY_OPEN;
	else
		ret->kind = REPLY_CHALLENGE;
	return true;
}

static bool read_echo(const struct sonde_decoded *packet, const uint8_t *bytes, size_t n,
		      struct reply *ret)
{
	/* Id and sequence stand right before the payload. */
	const uint8_t *at = bytes + packet->payload_offset - 4;

	if (packet->payload_offset < 8 || packet->payload_offset > n)
		return false;
	ret->kind = REPLY_ECHO;
	ret->about = packet->src;
	ret->own_port = (uint16_t)(at[0] << 8 | at[1]);
	ret->echo = (uint16_t)(at[2] << 8 | at[3]);
	return true;
}

static bool read_icmp(const struct sonde_decoded *packet, const uint8_t *bytes, size_t n,
		      struct reply *ret)
{
	bool is_inet6 = packet->proto == SONDE_PACKET_ICMP6;
	uint8_t type = packet->icmp_type;

	if (type == (is_inet6 ? ECHO6_REPLY : ECHO_REPLY))
		return read_echo(packet, bytes, n, ret);
	if (type != (is_inet6 ? UNREACHABLE6 : UNREACHABLE) &&
	    type != (is_inet6 ? TIME_EXCEEDED6 : TIME_EXCEEDED))
		return false;
	if (!packet->has_quote || packet->quote_proto != SONDE_PACKET_TCP)
		return false;
	ret->kind = REPLY_ICMP;
	ret->about = packet->quote_dst;
	ret->own_port = packet->quote_src.port;
	ret->number = packet->quote_seq;
	return true;
}

bool reply_read(enum sonde_link link, const uint8_t *bytes, size_t n, struct reply *ret)
{
	struct sonde_decoded packet;
	struct reply reply = {0};
	bool is_one = false;

	sonde_packet_decode(link, bytes, n, &packet);
	reply.ttl = packet.ttl;
	reply.icmp_type = packet.icmp_type;
	reply.icmp_code = packet.icmp_code;
	reply.from = packet.src;
	reply.from.port = 0;
	if (packet.proto == SONDE_PACKET_TCP)
		is_one = read_tcp(&packet, &reply);
	else if (packet.proto == SONDE_PACKET_ICMP || packet.proto == SONDE_PACKET_ICMP6)
		is_one = read_icmp(&packet, bytes, n, &reply);
	if (is_one)
		*ret = reply;
	return is_one;
}

static uint64_t mix(uint64_t x, uint64_t word)
{
	x = (x ^ word) * UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 32;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 29;
}

uint32_t reply_cookie(const uint64_t key[2], const struct sonde_address *about,
		      uint16_t own_port)
{
	uint64_t words[2];

	memcpy(words, about->bytes, sizeof(words));
	return (uint32_t)(mix(mix(mix(key[0], words[0]), words[1] ^ key[1]),
			      (uint64_t)about->port << 16 | own_port) >>
			  16);
}
