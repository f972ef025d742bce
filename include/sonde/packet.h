/* One packet, decoded: bytes in, values out.  Pure. */
#ifndef SONDE_PACKET_H
#define SONDE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/export.h>

/* LINKTYPE_ values of the pcap and pcapng files that sonde decodes. */
enum sonde_link {
	SONDE_LINK_NULL = 0, /* BSD's loopback: a family in the order of its machine */
	SONDE_LINK_ETHERNET = 1,
	SONDE_LINK_RAW = 101,  /* IPv4 or IPv6, by the first nibble */
	SONDE_LINK_LOOP = 108, /* the same in network order */
	SONDE_LINK_SLL = 113,  /* Linux cooked */
	SONDE_LINK_IPV4 = 228, /* bare, as RAW */
	SONDE_LINK_IPV6 = 229,
	SONDE_LINK_SLL2 = 276, /* Linux cooked, version 2 */
};

enum sonde_packet_proto {
	SONDE_PACKET_OTHER = 0, /* no IP, or an IP protocol that is not decoded */
	SONDE_PACKET_TCP,
	SONDE_PACKET_UDP,
	SONDE_PACKET_ICMP,
	SONDE_PACKET_ICMP6,
};

enum {
	SONDE_TCP_FIN = 0x01,
	SONDE_TCP_SYN = 0x02,
	SONDE_TCP_RST = 0x04,
	SONDE_TCP_PSH = 0x08,
	SONDE_TCP_ACK = 0x10,
	SONDE_TCP_URG = 0x20,
	SONDE_TCP_ECE = 0x40,
	SONDE_TCP_CWR = 0x80,
};

/* What was wrong with a packet: a set of bits. */
enum {
	SONDE_PACKET_CUT = 0x1,       /* the capture ends within a header */
	SONDE_PACKET_MALFORMED = 0x2, /* a length field contradicts another one */
	SONDE_PACKET_FRAGMENT = 0x4,  /* an IP fragment; ports only in the first one */
};

struct sonde_decoded {
	uint8_t proto;       /* enum sonde_packet_proto */
	uint8_t trouble;     /* SONDE_PACKET_* bits */
	uint8_t ttl;         /* or hop limit */
	uint8_t tcp_flags;   /* SONDE_TCP_* */
	uint16_t ether_type; /* inside VLAN tags; 0 for 802.3 and what is no IP in RAW */
	uint16_t window;     /* as on the wire, unscaled */
	struct sonde_address src, dst; /* ports 0 where the protocol has none */
	uint32_t seq, ack;             /* as on the wire */
	uint8_t icmp_type, icmp_code;
	bool has_quote;      /* ICMP error that quotes a TCP or UDP packet: */
	uint8_t quote_proto; /* enum sonde_packet_proto */
	struct sonde_address quote_src, quote_dst;
	uint32_t quote_seq;
	/* TCP options; 0 where absent (window_scale: -1). */
	uint16_t mss;
	int8_t window_scale;
	bool sack_permitted, has_timestamps;
	uint32_t timestamp_value, timestamp_echo;
	/* Offsets into the bytes given.  payload_length is what the headers claim, which
	 * the capture may have cut; payload_captured is what is there. */
	uint32_t network_offset, payload_offset, payload_length, payload_captured;
};

/* Decodes bytes[0..n) of a packet with that link type.  Never fails: what cannot be read
 * stays 0 and `trouble` says so.  RFC 791, 8200, 9293, 768, 792, 4443, 7323, 2018. */
SONDE_API void sonde_packet_decode(enum sonde_link link, const uint8_t *bytes, size_t n,
				   struct sonde_decoded *ret);

/* Flags as letters of SFRPUEC with A last: "S", "SA", "PA", "FA", "RA"; "" for none.  (C
 * is CWR.) */
SONDE_API void sonde_packet_flag_letters(uint8_t tcp_flags, char ret[9]);
/* Flags as Wireshark's list shows them: "SYN, ACK"; "<None>". */
SONDE_API void sonde_packet_flag_words(uint8_t tcp_flags, char ret[48]);

#endif
