/* What a packet from outside answers: bytes in, values out. */
#ifndef SCAN_REPLY_H
#define SCAN_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/packet.h>

enum reply_kind {
	REPLY_NONE = 0, /* nothing that a scan asks for */
	REPLY_OPEN,     /* SYN-ACK */
	REPLY_CLOSED,   /* RST */
	/* An acknowledgement of something else: the host holds an older connection with
	 * the same addresses and ports (RFC 9293 3.10.7.3, RFC 5961). */
	REPLY_CHALLENGE,
	REPLY_ICMP, /* about a probe that it quotes */
	REPLY_ECHO,
};

struct reply {
	enum reply_kind kind;
	struct sonde_address about; /* the address and port that were probed */
	uint16_t own_port;          /* of an echo: its id */
	uint32_t number;            /* the probe's sequence number, as it is answered */
	uint16_t echo;              /* sequence of an echo */
	uint8_t ttl, icmp_type, icmp_code;
	struct sonde_address from; /* port 0 */
};

/* False for REPLY_NONE. */
bool reply_read(enum sonde_link link, const uint8_t *bytes, size_t n, struct reply *ret);

/* The sequence number of a probe: who does not see the probe cannot answer it. */
uint32_t reply_cookie(const uint64_t key[2], const struct sonde_address *about,
		      uint16_t own_port);

#endif
