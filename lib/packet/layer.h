/* What the layers of one packet hand on to each other, from the link header inwards.
 *
 * Two ends matter, and they are not the same.  `captured` is where the bytes end: nothing
 * is ever read past it.  `end` is where the packet ends as the length fields of the outer
 * layers say: before `captured` where Ethernet pads, past it where the capture was cut.
 * A header that does not fit is CUT in the second case and MALFORMED in the first. */
#ifndef PACKET_LAYER_H
#define PACKET_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wire.h"
#include <sonde/packet.h>

#define LAYER_END_UNKNOWN UINT32_MAX /* no length field told it: all that is there */

struct layer {
	const uint8_t *bytes; /* borrowed, the whole packet */
	uint32_t captured;
	uint32_t at; /* where the next header begins */
	uint32_t end;
};

enum {
	ETHER_TYPE_IPV4 = 0x0800,
	ETHER_TYPE_IPV6 = 0x86dd,
};

enum {
	IP_PROTOCOL_ICMP = 1,
	IP_PROTOCOL_TCP = 6,
	IP_PROTOCOL_UDP = 17,
	IP_PROTOCOL_ICMP6 = 58,
};

/* A reader over what is there of the packet from `at` on. */
struct wire_reader layer_reader(const struct layer *layer);
/* The trouble that a header which does not fit means. */
uint8_t layer_short(const struct layer *layer);
/* Length from `at` to the end that the headers claim, and the part that is there. */
uint32_t layer_length(const struct layer *layer);
uint32_t layer_captured(const struct layer *layer);
/* Everything from `at` on is payload. */
void layer_set_payload(const struct layer *layer, struct sonde_decoded *ret);

/* Link headers: they set ether_type and move on to the network header.  False where that
 * was cut off. */
bool eth_decode(struct layer *layer, struct sonde_decoded *ret);
bool sll_decode(struct layer *layer, struct sonde_decoded *ret);
bool sll2_decode(struct layer *layer, struct sonde_decoded *ret);
bool null_decode(struct layer *layer, struct sonde_decoded *ret);
/* VLAN tags (802.1Q, 802.1ad) that follow a type field, as many as there are. */
bool eth_decode_tags(struct layer *layer, uint16_t ether_type, struct sonde_decoded *ret);

/* The outer header of a packet, or the one that an ICMP error quotes. */
struct ip_header {
	struct sonde_address src, dst; /* family NONE where they were cut off */
	uint8_t protocol;              /* of the transport; 0 where it was cut off */
	uint8_t ttl;
	uint8_t trouble;
	bool is_later_fragment; /* no transport header follows */
};

/* Moves on to the transport header, and `end` to where this packet ends.  False where
 * none can be read. */
bool ipv4_decode(struct layer *layer, struct ip_header *ret);
bool ipv6_decode(struct layer *layer, struct ip_header *ret);

/* The transports read from `at` on and set all of their own fields, the payload too. */
void tcp_decode(const struct layer *layer, struct sonde_decoded *ret);
void udp_decode(const struct layer *layer, struct sonde_decoded *ret);
void icmp_decode(const struct layer *layer, struct sonde_decoded *ret);

#endif
