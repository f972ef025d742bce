/* TCP: fields, options, lengths that contradict each other, flags as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "made.h"

#define SYN_OPTIONS                                                                      \
	"\x02\x04\xff\xd7"                                                               \
	"\x04\x02"                                                                       \
	"\x08\x0a\x11\x22\x33\x44\x55\x66\x77\x88"                                       \
	"\x01"                                                                           \
	"\x03\x03\x07"

static void make(struct made *made, uint8_t flags, const char *options, size_t n,
		 const char *payload)
{
	made_init(made);
	made_ethernet(made, 0x0800);
	made_ipv4(made, 6, 20 + n + strlen(payload));
	made_tcp(made, flags, (const uint8_t *)options, n);
	made_text(made, payload);
}

static void test_data(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, SONDE_TCP_PSH | SONDE_TCP_ACK, "", 0, "GET /");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.proto, SONDE_PACKET_TCP);
	assert_int_equal(decoded.trouble, 0);
	made_check_address(&decoded.src, "10.0.0.1:50000");
	made_check_address(&decoded.dst, "10.0.0.2:80");
	assert_int_equal(decoded.seq, 0x01020304);
	assert_int_equal(decoded.ack, 0x05060708);
	assert_int_equal(decoded.window, 0x1234);
	assert_int_equal(decoded.tcp_flags, 0x18);
	assert_int_equal(decoded.payload_offset, 54);
	assert_int_equal(decoded.payload_length, 5);
	assert_int_equal(decoded.mss, 0);
	assert_int_equal(decoded.window_scale, -1);
	assert_false(decoded.sack_permitted);
	assert_false(decoded.has_timestamps);
	made_check_cuts(&made, SONDE_LINK_ETHERNET, 54);
}

static void test_syn_options(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, SONDE_TCP_SYN, SYN_OPTIONS, 20, "");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.mss, 65495);
	assert_int_equal(decoded.window_scale, 7);
	assert_true(decoded.sack_permitted);
	assert_true(decoded.has_timestamps);
	assert_int_equal(decoded.timestamp_value, 0x11223344);
	assert_int_equal(decoded.timestamp_echo, 0x55667788);
	assert_int_equal(decoded.payload_length, 0);
	made_check_cuts(&made, SONDE_LINK_ETHERNET, 74);
}

/* The payload's length is known although options and payload were cut off. */
static void test_cut_in_options(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, SONDE_TCP_ACK, SYN_OPTIONS, 20, "payload");
	sonde_packet_decode(SONDE_LINK_ETHERNET, made.bytes, 54 + 4, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_CUT);
	assert_int_equal(decoded.mss, 65495);
	assert_int_equal(decoded.window_scale, -1);
	assert_int_equal(decoded.payload_length, 7);
	assert_int_equal(decoded.payload_captured, 0);
	made_check_cuts(&made, SONDE_LINK_ETHERNET, 74);
}

static void test_end_of_options(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, SONDE_TCP_SYN, "\x02\x04\x05\xb4\x00\x03\x03\x07", 8, "");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.trouble, 0);
	assert_int_equal(decoded.mss, 1460);
	assert_int_equal(decoded.window_scale, -1); /* it stands after the end */
}

static void test_window_scale_most(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, SONDE_TCP_SYN, "\x03\x03\xff\x01", 4, "");
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.window_scale, 14);
}

static void test_bad_options(void **state)
{
	static const char options[][5] = {
		"\x02\x01\0\0",     /* shorter than itself */
		"\x02\x00\0\0",     /* the same: would never end */
		"\x02\x08\x05\xb4", /* past the header */
		"\x02\x03\x05\x01", /* an MSS of one byte */
		"\x03\x02\x01\x01", /* a window scale of none */
		"\x04\x03\x01\x01", /* SACK permitted holds nothing */
		"\x01\x01\x01\x02", /* no length */
		"\x08\x04\x11\x22", /* half a timestamp */
		"\x01\x01\x03\x03", /* past the header by one */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct sonde_decoded decoded;
		struct made made;

		make(&made, SONDE_TCP_SYN, options[i], 4, "data");
		made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
		assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
		assert_int_equal(decoded.payload_length, 4);
		assert_false(decoded.has_timestamps);
		made_check_cuts(&made, SONDE_LINK_ETHERNET, 58);
	}
}

static void test_bad_header_length(void **state)
{
	struct sonde_decoded decoded;
	struct made made;

	(void)state;
	make(&made, SONDE_TCP_ACK, "", 0, "data");
	made.bytes[34 + 12] = 0x40; /* 16 bytes */
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
	assert_int_equal(decoded.seq, 0x01020304);
	assert_int_equal(decoded.payload_length, 0);

	made.bytes[34 + 12] = 0x70; /* 28 bytes, of 24 */
	made_decode(&made, SONDE_LINK_ETHERNET, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED);
	assert_int_equal(decoded.tcp_flags, SONDE_TCP_ACK);
	assert_int_equal(decoded.payload_length, 0);

	/* The same, and the capture ends even before the packet does. */
	sonde_packet_decode(SONDE_LINK_ETHERNET, made.bytes, 34 + 20, &decoded);
	assert_int_equal(decoded.trouble, SONDE_PACKET_MALFORMED | SONDE_PACKET_CUT);
	assert_int_equal(decoded.payload_length, 0);
}

static void test_flags(void **state)
{
	static const struct {
		uint8_t flags;
		const char *letters, *words;
	} cases[] = {
		{0, "", "<None>"},
		{SONDE_TCP_SYN, "S", "SYN"},
		{SONDE_TCP_SYN | SONDE_TCP_ACK, "SA", "SYN, ACK"},
		{SONDE_TCP_ACK, "A", "ACK"},
		{SONDE_TCP_PSH | SONDE_TCP_ACK, "PA", "PSH, ACK"},
		{SONDE_TCP_FIN | SONDE_TCP_ACK, "FA", "FIN, ACK"},
		{SONDE_TCP_RST | SONDE_TCP_ACK, "RA", "RST, ACK"},
		{SONDE_TCP_RST, "R", "RST"},
		{SONDE_TCP_SYN | SONDE_TCP_ECE | SONDE_TCP_CWR, "SEC", "SYN, ECE, CWR"},
		{0xff, "SFRPUECA", "FIN, SYN, RST, PSH, ACK, URG, ECE, CWR"},
	};
	char letters[9], words[48];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sonde_packet_flag_letters(cases[i].flags, letters);
		sonde_packet_flag_words(cases[i].flags, words);
		assert_string_equal(letters, cases[i].letters);
		assert_string_equal(words, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_syn_options),
		cmocka_unit_test(test_cut_in_options),
		cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_window_scale_most),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_bad_header_length),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
