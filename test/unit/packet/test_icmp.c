/* ICMP and ICMPv6: which connection an error is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "made.h"

static void add_icmp(struct made *made, uint8_t type, uint8_t code)
{
	wire_write_u8(&made->to, type);
	wire_write_u8(&made->to, code);
	wire_write_be16(&made->to, 0xabcd);
	wire_write_be32(&made->to, 0);
}

static void test_echo(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 1, 8 + 4);
	add_icmp(&made, 8, 0);
	made_text(&made, "abcd");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_ICMP);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.icmp_type, 8);
	assert_int_equal(decoded.icmp_code, 0);
	assert_false(decoded.has_quote);
	assert_int_equal(decoded.payload_offset, 28);
	assert_int_equal(decoded.payload_length, 4);
	made_check_cuts(&made, SONDE_LINK_RAW, 28);
}

static void test_quoted_udp(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 1, 8 + 28);
	add_icmp(&made, 3, 3);
	made_ipv4(&made, 17, 500); /* of which 8 are quoted */
	made_udp(&made, 492);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.icmp_type, 3);
	assert_int_equal(decoded.icmp_code, 3);
	assert_int_equal(decoded.src.port, 0);
	assert_true(decoded.has_quote);
	assert_int_equal(decoded.quote_proto, SONDE_PACKET_UDP);
	made_check_address(&decoded.quote_src, "10.0.0.1:5353");
	made_check_address(&decoded.quote_dst, "10.0.0.2:53");
	assert_int_equal(decoded.quote_seq, 0);
	assert_int_equal(decoded.payload_length, 28);
	made_check_cuts(&made, SONDE_LINK_RAW, 28 + 28);
}

/* Eight bytes of TCP are all that has to be quoted: ports and sequence number. */
static void test_quoted_tcp(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv4(&made, 1, 8 + 28);
	add_icmp(&made, 11, 0);
	made_ipv4(&made, 6, 40);
	made_tcp(&made, SONDE_TCP_SYN, NULL, 0);
	made.to.at -= 12;
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_true(decoded.has_quote);
	assert_int_equal(decoded.quote_proto, SONDE_PACKET_TCP);
	made_check_address(&decoded.quote_src, "10.0.0.1:50000");
	made_check_address(&decoded.quote_dst, "10.0.0.2:80");
	assert_int_equal(decoded.quote_seq, 0x01020304);
	made_check_cuts(&made, SONDE_LINK_RAW, 28 + 28);
}

static void test_quoted_ipv6(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv6(&made, 58, 8 + 40 + 8 + 20);
	add_icmp(&made, 1, 4);
	made_ipv6(&made, 60, 8 + 20);
	wire_write_bytes(&made.to, "\x06\x00\x01\x04\0\0\0\0", 8);
	made_tcp(&made, SONDE_TCP_SYN, NULL, 0);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_ICMP6);
	assert_int_equal(decoded.trouble, 0);
	assert_true(decoded.has_quote);
	made_check_address(&decoded.quote_src, "[2001:db8::1]:50000");
	made_check_address(&decoded.quote_dst, "[2001:db8::2]:80");
	assert_int_equal(decoded.quote_seq, 0x01020304);
	made_check_cuts(&made, SONDE_LINK_RAW, 40 + 8 + 40 + 8 + 8);
}

static void test_neighbour_discovery(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv6(&made, 58, 8 + 16);
	add_icmp(&made, 135, 0);
	wire_write_zeros(&made.to, 16);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.icmp_type, 135);
	assert_false(decoded.has_quote);
	assert_int_equal(decoded.trouble, 0);
	made_check_cuts(&made, SONDE_LINK_RAW, 48);
}

/* Quotes that name no connection. */
static void test_no_quote(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made); /* of an ICMP message */
	made_ipv4(&made, 1, 8 + 28);
	add_icmp(&made, 3, 1);
	made_ipv4(&made, 1, 8);
	add_icmp(&made, 8, 0);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_false(decoded.has_quote);

	made_init(&made); /* of a later fragment */
	made_ipv4(&made, 1, 8 + 28);
	add_icmp(&made, 3, 1);
	made_ipv4(&made, 17, 8);
	made.bytes[28 + 7] = 3;
	made_text(&made, "no ports");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_false(decoded.has_quote);

	made_init(&made); /* too little of it */
	made_ipv4(&made, 1, 8 + 22);
	add_icmp(&made, 3, 1);
	made_ipv4(&made, 17, 8);
	wire_write_be16(&made.to, 5353);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
	assert_false(decoded.has_quote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_quoted_udp),
		cmocka_unit_test(test_quoted_tcp),
		cmocka_unit_test(test_quoted_ipv6),
		cmocka_unit_test(test_neighbour_discovery),
		cmocka_unit_test(test_no_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
