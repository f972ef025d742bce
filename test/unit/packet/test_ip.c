/* IPv4 and IPv6: lengths, options, extension headers, fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "made.h"

static void test_ipv4(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 17, 8 + 2);
	made_udp(&made, 2);
	made_text(&made, "hi");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	made_check_address(&decoded.src, "10.0.0.1:5353");
	made_check_address(&decoded.dst, "10.0.0.2:53");
	assert_int_equal(decoded.ttl, 64);
	assert_int_equal(decoded.trouble, 0);
}

static void test_ipv4_options(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 17, 4 + 8 + 2);
	made.bytes[0] = 0x46;
	wire_write_be32(&made.to, 0x94040000); /* router alert */
	made_udp(&made, 2);
	made_text(&made, "hi");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.dst.port, 53);
	assert_int_equal(decoded.payload_offset, 32);
	assert_int_equal(decoded.payload_length, 2);
	made_check_cuts(&made, SONDE_LINK_RAW, 32);
}

/* Segmentation offload: the packet is longer than the field can say, which is 0. */
static void test_ipv4_length_zero(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x0800);
	made_ipv4(&made, 6, 0);
	made.bytes[14 + 2] = made.bytes[14 + 3] = 0;
	made_tcp(&made, SONDE_TCP_ACK, NULL, 0);
	made_text(&made, "as long as it is");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 16);
	assert_int_equal(decoded.payload_captured, 16);
}

static void test_ipv4_malformed(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	for (int i = 0; i < 4; i++) {
		made_init(&made);
		made_ethernet(&made, 0x0800);
		made_ipv4(&made, 17, 8);
		made_udp(&made, 0);
		switch (i) {
		case 0: /* header length 16 */
			made.bytes[14] = 0x44;
			break;
		case 1: /* version 6 */
			made.bytes[14] = 0x65;
			break;
		case 2: /* total length 19 */
			made.bytes[14 + 3] = 19;
			break;
		case 3: /* total length 24: the UDP header does not fit */
			made.bytes[14 + 3] = 24;
			break;
		}
		made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
		assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
		assert_int_equal(decoded.payload_captured, 0);
	}
}

static void test_ipv4_fragments(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made); /* the first of two */
	made_ipv4(&made, 17, 8 + 8);
	made.bytes[6] = 0x20;
	made_udp(&made, 100);
	made_text(&made, "8 bytes!");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	assert_int_equal(decoded.trouble, SONDE_PACKET_FRAGMENT);
	assert_int_equal(decoded.src.port, 5353);
	assert_int_equal(decoded.payload_length, 8);
	made_check_cuts(&made, SONDE_LINK_RAW, 28);
	made.bytes[24] = 0; /* even a fragment of a datagram of 7 bytes has a header */
	made.bytes[25] = 7;
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_FRAGMENT | SONDE_PACKET_MALFORMED);

	made_init(&made); /* the second */
	made_ipv4(&made, 17, 8);
	made.bytes[6] = 0;
	made.bytes[7] = 2;
	made_text(&made, "no ports");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	assert_int_equal(decoded.trouble, SONDE_PACKET_FRAGMENT);
	assert_int_equal(decoded.src.port, 0);
	assert_int_equal(decoded.dst.port, 0);
	assert_int_equal(decoded.payload_offset, 20);
	assert_int_equal(decoded.payload_length, 8);
	made_check_cuts(&made, SONDE_LINK_RAW, 20);
}

static void test_other_protocol(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 132, 12); /* SCTP */
	wire_write_zeros(&made.to, 12);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.trouble, 0);
	made_check_address(&decoded.src, "10.0.0.1:0");
	assert_int_equal(decoded.payload_offset, 20);
	assert_int_equal(decoded.payload_length, 12);

	made.bytes[3] = 19; /* less than its own header */
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);

	made_init(&made); /* ICMPv6 has no meaning over IPv4 */
	made_ipv4(&made, 58, 8);
	wire_write_zeros(&made.to, 8);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
}

static void test_ipv6(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x86dd);
	made_ipv6(&made, 17, 8 + 2);
	made_udp(&made, 2);
	made_text(&made, "hi, padded");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.ttl, 63);
	made_check_address(&decoded.src, "[2001:db8::1]:5353");
	made_check_address(&decoded.dst, "[2001:db8::2]:53");
	assert_int_equal(decoded.payload_offset, 14 + 48);
	assert_int_equal(decoded.payload_length, 2);
	made_check_cuts(&made, SONDE_LINK_ETHERNET, 14 + 48);
}

/* Hop-by-hop, routing, destination and authentication headers before the transport. */
static void test_ipv6_extensions(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv6(&made, 0, 8 + 24 + 16 + 24 + 8);
	wire_write_bytes(&made.to, "\x2b\x00\x05\x02\0\0\x01\0", 8);
	wire_write_bytes(&made.to, "\x3c\x02\x00\x01\0\0\0\0", 8);
	wire_write_zeros(&made.to, 16);
	wire_write_bytes(&made.to, "\x33\x01\x01\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	wire_write_bytes(&made.to, "\x11\x04\0\0", 4);
	wire_write_zeros(&made.to, 20);
	made_udp(&made, 0);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	assert_int_equal(decoded.src.port, 5353);
	assert_int_equal(decoded.payload_offset, 40 + 8 + 24 + 16 + 24 + 8);
	made_check_cuts(&made, SONDE_LINK_RAW, 40 + 8 + 24 + 16 + 24 + 8);

	made.bytes[40 + 1] = 200; /* the first is longer than the packet */
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
}

static void test_ipv6_fragments(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made); /* the first: offset 0, more follow */
	made_ipv6(&made, 44, 8 + 8 + 8);
	wire_write_bytes(&made.to, "\x11\0\0\x01\0\0\0\x07", 8);
	made_udp(&made, 100);
	made_text(&made, "8 bytes!");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_FRAGMENT);
	assert_int_equal(decoded.dst.port, 53);
	assert_int_equal(decoded.payload_length, 8);
	made_check_cuts(&made, SONDE_LINK_RAW, 56);

	made_init(&made); /* the second: offset 16 */
	made_ipv6(&made, 44, 8 + 8);
	wire_write_bytes(&made.to, "\x11\0\0\x10\0\0\0\x07", 8);
	made_text(&made, "no ports");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	assert_int_equal(decoded.trouble, SONDE_PACKET_FRAGMENT);
	assert_int_equal(decoded.dst.port, 0);
	assert_int_equal(decoded.payload_offset, 48);
	assert_int_equal(decoded.payload_length, 8);
	made_check_cuts(&made, SONDE_LINK_RAW, 48);

	made_init(&made); /* atomic: alone, offset 0; reserved bits mean nothing */
	made_ipv6(&made, 44, 8 + 8);
	wire_write_bytes(&made.to, "\x11\0\0\x06\0\0\0\x07", 8);
	made_udp(&made, 0);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.dst.port, 53);
}

static void test_ipv6_nothing_next(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x86dd);
	made_ipv6(&made, 59, 0);
	made_text(&made, "padding");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 0);
}

/* Length 0, with a jumbo payload option and without. */
static void test_ipv6_length_zero(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv6(&made, 0, 0);
	wire_write_bytes(&made.to, "\x06\x00\xc2\x04\x00\x01\x11\x70", 8); /* 70,000 */
	made_tcp(&made, SONDE_TCP_ACK, NULL, 0);
	made_text(&made, "the beginning");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 70000 - 8 - 20);
	assert_int_equal(decoded.payload_captured, 13);
	made_check_cuts(&made, SONDE_LINK_RAW, 68);

	made_init(&made);
	made_ipv6(&made, 6, 0);
	made_tcp(&made, SONDE_TCP_ACK, NULL, 0);
	made_text(&made, "all there is");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 12);
}

/* The snap length cut the payload: no trouble, and its length is still known. */
static void test_snapped(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 17, 8 + 1000);
	made_udp(&made, 1000);
	made_text(&made, "hi");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 1000);
	assert_int_equal(decoded.payload_captured, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_length_zero),
		cmocka_unit_test(test_ipv4_malformed),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_other_protocol),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_ipv6_fragments),
		cmocka_unit_test(test_ipv6_nothing_next),
		cmocka_unit_test(test_ipv6_length_zero),
		cmocka_unit_test(test_snapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
