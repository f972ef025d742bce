/* Link headers: where the IP header is found, and what padding is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "made.h"

static void add_udp(struct made *made)
{
	made_ipv4(made, 17, 8 + 5);
	made_udp(made, 5);
	made_text(made, "hello");
}

static void check_udp(const struct made *made, enum sonde_link link, uint32_t network)
{
	struct sonde_decoded decoded;

	made_decode(made, link, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	assert_int_equal(decoded.ether_type, 0x0800);
	assert_int_equal(decoded.network_offset, network);
	assert_int_equal(decoded.payload_offset, network + 28);
	assert_int_equal(decoded.payload_length, 5);
	assert_int_equal(decoded.payload_captured, 5);
	made_check_cuts(made, link, network + 28);
}

static void test_ethernet(void **state)
{
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x0800);
	add_udp(&made);
	check_udp(&made, SONDE_LINK_ETHERNET, 14);
}

/* A frame has at least 60 bytes: what fills it up belongs to nothing. */
static void test_ethernet_padding(void **state)
{
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x0800);
	add_udp(&made);
	wire_write_bytes(&made.to, "PADDINGPADDIN", 13);
	assert_int_equal(made.to.at, 60);
	check_udp(&made, SONDE_LINK_ETHERNET, 14);
}

static void test_vlan(void **state)
{
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x8100);
	wire_write_be16(&made.to, 0xa007);
	wire_write_be16(&made.to, 0x0800);
	add_udp(&made);
	check_udp(&made, SONDE_LINK_ETHERNET, 18);

	made_init(&made);
	made_ethernet(&made, 0x88a8);
	wire_write_be16(&made.to, 0x0064);
	wire_write_be16(&made.to, 0x8100);
	wire_write_be16(&made.to, 0x0007);
	wire_write_be16(&made.to, 0x0800);
	add_udp(&made);
	check_udp(&made, SONDE_LINK_ETHERNET, 22);
}

static void test_other_ether_type(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 0x0806);
	wire_write_zeros(&made.to, 28);
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.ether_type, 0x0806);
	assert_int_equal(decoded.src.family, SONDE_FAMILY_NONE);
	assert_int_equal(decoded.payload_offset, 14);
	assert_int_equal(decoded.payload_length, 28);
}

/* IEEE 802.3: a length stands where the type would; 802.2 follows. */
static void test_802_3(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ethernet(&made, 38);
	wire_write_bytes(&made.to, "\x42\x42\x03", 3);
	wire_write_zeros(&made.to, 43);
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.ether_type, 0);
	assert_int_equal(decoded.payload_length, 38);
	assert_int_equal(decoded.payload_captured, 38);
}

static void test_sll(void **state)
{
	struct made made;

	(void)state;
	made_init(&made);
	wire_write_be16(&made.to, 4);   /* outgoing */
	wire_write_be16(&made.to, 772); /* ARPHRD_LOOPBACK */
	wire_write_be16(&made.to, 6);
	wire_write_zeros(&made.to, 8);
	wire_write_be16(&made.to, 0x0800);
	add_udp(&made);
	check_udp(&made, SONDE_LINK_SLL, 16);
}

static void test_sll2(void **state)
{
	struct made made;

	(void)state;
	made_init(&made);
	wire_write_be16(&made.to, 0x0800);
	wire_write_be16(&made.to, 0);
	wire_write_be32(&made.to, 3); /* interface index */
	wire_write_be16(&made.to, 1); /* ARPHRD_ETHER */
	wire_write_u8(&made.to, 0);
	wire_write_u8(&made.to, 6);
	wire_write_zeros(&made.to, 8);
	add_udp(&made);
	check_udp(&made, SONDE_LINK_SLL2, 20);
}

/* 802.2 in a cooked capture: a small protocol number, which is no length there. */
static void test_sll_802_2(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	wire_write_zeros(&made.to, 14);
	wire_write_be16(&made.to, 4);
	wire_write_zeros(&made.to, 40);
	made_decode(&made, SONDE_LINK_SLL, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.ether_type, 4);
	assert_int_equal(decoded.payload_length, 40);
}

static void test_raw(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	add_udp(&made);
	check_udp(&made, SONDE_LINK_RAW, 0);

	made_init(&made);
	made_ipv6(&made, 17, 8);
	made_udp(&made, 0);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.ether_type, 0x86dd);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	made_check_cuts(&made, SONDE_LINK_RAW, 48);

	made_init(&made);
	wire_write_bytes(&made.to, "\x50neither", 8);
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
}

static void test_unknown_link(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	add_udp(&made);
	made_decode(&made, (enum sonde_link)147, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_OTHER);
	assert_int_equal(decoded.payload_captured, made.to.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethernet), cmocka_unit_test(test_ethernet_padding),
		cmocka_unit_test(test_vlan),     cmocka_unit_test(test_other_ether_type),
		cmocka_unit_test(test_802_3),    cmocka_unit_test(test_sll),
		cmocka_unit_test(test_sll2),     cmocka_unit_test(test_sll_802_2),
		cmocka_unit_test(test_raw),      cmocka_unit_test(test_unknown_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
