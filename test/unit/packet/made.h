/* Packets made by hand, header by header, and what must hold for each of them however
 * short it is cut. */
#ifndef TEST_MADE_H
#define TEST_MADE_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/packet.h>

#include "base/wire.h"

struct made {
	uint8_t bytes[1024];
	struct wire_writer to;
};

void made_init(struct made *made);
void made_ethernet(struct made *made, uint16_t ether_type);
/* 10.0.0.1 -> 10.0.0.2, ttl 64; `length` is that of what follows the header. */
void made_ipv4(struct made *made, uint8_t protocol, size_t length);
/* 2001:db8::1 -> 2001:db8::2, hop limit 63. */
void made_ipv6(struct made *made, uint8_t next, size_t length);
/* Port 50000 -> 80, seq 0x01020304, ack 0x05060708, window 0x1234; options are padded by
 * the caller. */
void made_tcp(struct made *made, uint8_t flags, const uint8_t *options, size_t n);
/* Port 5353 -> 53. */
void made_udp(struct made *made, size_t payload_length);
void made_text(struct made *made, const char *text);

void made_decode(const struct made *made, enum sonde_link link,
		 struct sonde_decoded *ret);

/* Decodes the packet cut at every byte, each time from memory of just that size.  Offsets
 * stay inside; what is told of a part is what is told of the whole, or nothing; CUT is
 * set if and only if fewer than `header_bytes` are there. */
void made_check_cuts(const struct made *made, enum sonde_link link, size_t header_bytes);

/* "10.0.0.1:50000" */
void made_check_address(const struct sonde_address *address, const char *text);

#endif
