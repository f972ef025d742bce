/* UDP: its own length field against that of IP. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "made.h"

enum { LENGTH_AT = 20 + 4 };

static void make(struct made *made, size_t udp_length, const char *payload)
{
	made_init(made);
	made_ipv4(made, 17, 8 + strlen(payload));
	made_udp(made, udp_length - 8);
	made_text(made, payload);
}

static void test_datagram(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, 8 + 4, "ping");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.proto, SONDE_PACKET_UDP);
	assert_int_equal(decoded.payload_offset, 28);
	assert_int_equal(decoded.payload_length, 4);
	assert_int_equal(decoded.window_scale, -1);
	made_check_cuts(&made, SONDE_LINK_RAW, 28);
}

static void test_empty(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, 8, "");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 0);
	assert_int_equal(decoded.payload_offset, 28);
}

/* Shorter than IP says is allowed: the rest belongs to nobody. */
static void test_shorter(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, 8 + 2, "ping");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 2);
	assert_int_equal(decoded.payload_captured, 2);
}

static void test_longer(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, 8 + 9, "ping");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
	assert_int_equal(decoded.payload_length, 4);
}

static void test_less_than_its_header(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, 8 + 4, "ping");
	made.bytes[LENGTH_AT + 1] = 7;
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
	made.bytes[LENGTH_AT + 1] = 0;
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
}

/* RFC 2675: more than 65,535 bytes, so both lengths are 0. */
static void test_jumbogram(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	made_init(&made);
	made_ipv6(&made, 0, 0);
	wire_write_bytes(&made.to, "\x11\x00\xc2\x04\x00\x01\x11\x70", 8); /* 70,000 */
	made_udp(&made, 0);
	made.bytes[48 + 5] = 0;
	made_text(&made, "the beginning");
	made_decode(&made, SONDE_LINK_RAW, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.payload_length, 70000 - 8 - 8);
	made_check_cuts(&made, SONDE_LINK_RAW, 56);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_shorter),
		cmocka_unit_test(test_longer),
		cmocka_unit_test(test_less_than_its_header),
		cmocka_unit_test(test_jumbogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
