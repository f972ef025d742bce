/* Payloads by port, each the smallest harmless question of its protocol. */
#include "scan/udp_payload.h"

struct payload {
	uint16_t port;
	uint8_t count;
	const char *bytes;
};

#define PAYLOAD(port, text)                                                              \
	{                                                                                \
		port, sizeof(text) - 1, text                                             \
	}

/* DNS (RFC 1035): the servers of the root. */
#define DNS "\x53\x4e\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
/* mDNS (RFC 6762): the kinds of services, answered to the asker alone. */
#define MDNS                                                                             \
	"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09_services\x07_dns-sd"       \
	"\x04_udp\x05local\x00\x00\x0c\x80\x01"
/* The calculation protocol: sum of nothing. */
#define CALC "\x01\x00\x00\x00Summe\x00"
/* SNMP (RFC 1157): the description, of the community "public". */
#define SNMP                                                                             \
	"\x30\x26\x02\x01\x00\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\x00\x02\x01\x00" \
	"\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"

static const struct payload payloads[] = {
	PAYLOAD(53, DNS),
	/* A read request for a file that is not there (RFC 1350). */
	PAYLOAD(69, "\x00\x01sonde\x00octet\x00"),
	/* Portmapper (RFC 5531): the null procedure. */
	PAYLOAD(111,
		"\x53\x4e\x44\x45\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa0\x00"
		"\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00"),
	/* NTP (RFC 5905): a client, version 4. */
	PAYLOAD(123,
		"\x23\x00\x06\xec\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	PAYLOAD(161, SNMP),
	/* SSDP: what is there. */
	PAYLOAD(1900, "M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n"
		      "Man: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n"),
	/* STUN (RFC 8489): a binding request. */
	PAYLOAD(3478, "\x00\x01\x00\x00\x21\x12\xa4\x42sondesonde01"),
	/* SIP (RFC 3261). */
	PAYLOAD(5060, "OPTIONS sip:nobody SIP/2.0\r\nVia: SIP/2.0/UDP "
		      "nobody;branch=z9hG4bKs\r\n"
		      "From: <sip:s@nobody>;tag=s\r\nTo: <sip:nobody>\r\nCall-ID: s\r\n"
		      "CSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n"),
	PAYLOAD(5353, MDNS),
	PAYLOAD(5355, DNS),
	/* CoAP (RFC 7252): an empty confirmable message, which is answered by a reset. */
	PAYLOAD(5683, "\x40\x00\x53\x4e"),
	/* memcached over UDP: its version. */
	PAYLOAD(11211, "\x00\x01\x00\x00\x00\x01\x00\x00version\r\n"),
	PAYLOAD(50000, CALC),
};

/* Echo and its kind answer anything; most others pass it over. */
static const uint8_t anything[] = "sonde\r\n\r\n";

const uint8_t *udp_payload(uint16_t port, size_t *ret_bytes)
{
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		if (payloads[i].port == port) {
			*ret_bytes = payloads[i].count;
			return (const uint8_t *)payloads[i].bytes;
		}
	}
	*ret_bytes = sizeof(anything) - 1;
	return anything;
}
