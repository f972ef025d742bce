/* Packets made by hand; see made.h. */
#include "made.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

void made_init(struct made *made)
{
	memset(made, 0, sizeof(*made));
	wire_writer_init(&made->to, made->bytes, sizeof(made->bytes));
}

void made_ethernet(struct made *made, uint16_t ether_type)
{
	wire_write_bytes(&made->to, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	wire_write_be16(&made->to, ether_type);
}

void made_ipv4(struct made *made, uint8_t protocol, size_t length)
{
	wire_write_be16(&made->to, 0x4500);
	wire_write_be16(&made->to, (uint16_t)(20 + length));
	wire_write_be32(&made->to, 0x1a2b4000); /* do not fragment */
	wire_write_u8(&made->to, 64);
	wire_write_u8(&made->to, protocol);
	wire_write_be16(&made->to, 0);
	wire_write_be32(&made->to, 0x0a000001);
	wire_write_be32(&made->to, 0x0a000002);
}

void made_ipv6(struct made *made, uint8_t next, size_t length)
{
	static const uint8_t prefix[15] = {0x20, 0x01, 0x0d, 0xb8};

	wire_write_be32(&made->to, 0x60012345);
	wire_write_be16(&made->to, (uint16_t)length);
	wire_write_u8(&made->to, next);
	wire_write_u8(&made->to, 63);
	wire_write_bytes(&made->to, prefix, 15);
	wire_write_u8(&made->to, 1);
	wire_write_bytes(&made->to, prefix, 15);
	wire_write_u8(&made->to, 2);
}

void made_tcp(struct made *made, uint8_t flags, const uint8_t *options, size_t n)
{
	wire_write_be16(&made->to, 50000);
	wire_write_be16(&made->to, 80);
	wire_write_be32(&made->to, 0x01020304);
	wire_write_be32(&made->to, 0x05060708);
	wire_write_u8(&made->to, (uint8_t)((20 + n) / 4 << 4));
	wire_write_u8(&made->to, flags);
	wire_write_be16(&made->to, 0x1234);
	wire_write_be32(&made->to, 0xabcd0000);
	wire_write_bytes(&made->to, options, n);
}

void made_udp(struct made *made, size_t payload_length)
{
	wire_write_be16(&made->to, 5353);
	wire_write_be16(&made->to, 53);
	wire_write_be16(&made->to, (uint16_t)(8 + payload_length));
	wire_write_be16(&made->to, 0xabcd);
}

void made_text(struct made *made, const char *text)
{
	wire_write_bytes(&made->to, text, strlen(text));
}

static void decode_part(const struct made *made, enum sonde_link link, size_t n,
			struct sonde_decoded *ret)
{
	uint8_t *part = malloc(n ? n : 1);

	assert_non_null(part);
	memcpy(part, made->bytes, n);
	sonde_packet_decode(link, n ? part : NULL, n, ret);
	free(part);
}

void made_decode(const struct made *made, enum sonde_link link, struct sonde_decoded *ret)
{
	assert_false(made->to.failed);
	decode_part(made, link, made->to.at, ret);
}

static void check_address(const struct sonde_address *part,
			  const struct sonde_address *whole)
{
	if (part->family == SONDE_FAMILY_NONE) {
		assert_int_equal(part->port, 0);
		return;
	}
	assert_int_equal(part->family, whole->family);
	assert_memory_equal(part->bytes, whole->bytes, sizeof(part->bytes));
	assert_true(part->port == 0 || part->port == whole->port);
}

#define CHECK_ZERO_OR_SAME(field)                                                        \
	assert_true(part->field == 0 || part->field == whole->field)

static void check_part(const struct sonde_decoded *part,
		       const struct sonde_decoded *whole)
{
	CHECK_ZERO_OR_SAME(proto);
	CHECK_ZERO_OR_SAME(ttl);
	CHECK_ZERO_OR_SAME(tcp_flags);
	CHECK_ZERO_OR_SAME(ether_type);
	CHECK_ZERO_OR_SAME(window);
	CHECK_ZERO_OR_SAME(seq);
	CHECK_ZERO_OR_SAME(ack);
	CHECK_ZERO_OR_SAME(icmp_type);
	CHECK_ZERO_OR_SAME(icmp_code);
	CHECK_ZERO_OR_SAME(has_quote);
	CHECK_ZERO_OR_SAME(quote_proto);
	CHECK_ZERO_OR_SAME(quote_seq);
	CHECK_ZERO_OR_SAME(mss);
	CHECK_ZERO_OR_SAME(sack_permitted);
	CHECK_ZERO_OR_SAME(has_timestamps);
	CHECK_ZERO_OR_SAME(timestamp_value);
	CHECK_ZERO_OR_SAME(timestamp_echo);
	CHECK_ZERO_OR_SAME(network_offset);
	CHECK_ZERO_OR_SAME(payload_offset);
	CHECK_ZERO_OR_SAME(payload_length);
	assert_true(part->window_scale == -1 ||
		    part->window_scale == whole->window_scale);
	assert_true((part->trouble & whole->trouble) ==
		    (part->trouble & ~SONDE_PACKET_CUT));
	check_address(&part->src, &whole->src);
	check_address(&part->dst, &whole->dst);
	check_address(&part->quote_src, &whole->quote_src);
	check_address(&part->quote_dst, &whole->quote_dst);
}

void made_check_cuts(const struct made *made, enum sonde_link link, size_t header_bytes)
{
	struct sonde_decoded whole, part;

	made_decode(made, link, &whole);
	assert_false(whole.trouble & SONDE_PACKET_CUT);
	for (size_t n = 0; n <= made->to.at; n++) {
		decode_part(made, link, n, &part);
		assert_true(part.network_offset <= n);
		assert_true(part.payload_offset + (size_t)part.payload_captured <= n);
		assert_true(part.payload_captured <= part.payload_length);
		check_part(&part, &whole);
		assert_int_equal(!(part.trouble & SONDE_PACKET_CUT), n >= header_bytes);
	}
}

void made_check_address(const struct sonde_address *address, const char *text)
{
	char formatted[SONDE_ADDRESS_CHARS];

	sonde_address_format(address, formatted);
	assert_string_equal(formatted, text);
}
