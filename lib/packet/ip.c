/* IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200, 4302, 2675).
 *
 * A length of 0 is no mistake: the kernel hands packets over before they are segmented
 * (TSO, "BIG TCP"), and what does not fit into 16 bits is then 0.  Such a packet ends
 * where the capture ends, or where a jumbo payload option says. */
#include <string.h>

#include "packet/layer.h"

enum {
	HEADER_HOP_BY_HOP = 0,
	HEADER_ROUTING = 43,
	HEADER_FRAGMENT = 44,
	HEADER_AUTHENTICATION = 51,
	HEADER_NONE = 59,
	HEADER_DESTINATION = 60,
	HEADER_MOBILITY = 135,
	HEADER_HIP = 139,
	HEADER_SHIM6 = 140,
};

enum {
	OPTION_PAD1 = 0,
	OPTION_JUMBO = 0xc2,
};

static void set_address(uint8_t family, const uint8_t *bytes, size_t n,
			struct sonde_address *ret)
{
	if (!bytes)
		return;
	ret->family = family;
	memcpy(ret->bytes, bytes, n);
}

/* A packet inside another one cannot end after it. */
static void set_end(struct layer *layer, uint64_t end)
{
	if (end < layer->end)
		layer->end = (uint32_t)end;
}

bool ipv4_decode(struct layer *layer, struct ip_header *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint32_t start = layer->at, header_length;
	uint16_t total_length, fragment;
	uint8_t first;

	*ret = (struct ip_header){0};
	first = wire_read_u8(&reader);
	header_length = (first & 0x0f) * 4u;
	if (!reader.failed && (first >> 4 != 4 || header_length < 20)) {
		ret->trouble |= SONDE_PACKET_MALFORMED;
		return false;
	}
	wire_skip(&reader, 1); /* DSCP, ECN */
	total_length = wire_read_be16(&reader);
	wire_skip(&reader, 2); /* identification */
	fragment = wire_read_be16(&reader);
	ret->ttl = wire_read_u8(&reader);
	ret->protocol = wire_read_u8(&reader);
	wire_skip(&reader, 2); /* checksum: often not yet filled in */
	set_address(SONDE_FAMILY_INET, wire_read_bytes(&reader, 4), 4, &ret->src);
	set_address(SONDE_FAMILY_INET, wire_read_bytes(&reader, 4), 4, &ret->dst);
	if (fragment & 0x3fff) /* more fragments, or an offset */
		ret->trouble |= SONDE_PACKET_FRAGMENT;
	ret->is_later_fragment = fragment & 0x1fff;
	if (!reader.failed && total_length && total_length < header_length) {
		ret->trouble |= SONDE_PACKET_MALFORMED;
		return false;
	}
	wire_skip(&reader, header_length - 20); /* options */
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	layer->at = start + header_length;
	if (total_length)
		set_end(layer, (uint64_t)start + total_length);
	return true;
}

/* The length in a jumbo payload option among the options of a hop-by-hop header, or 0. */
static uint32_t find_jumbo_length(struct wire_reader options)
{
	while (wire_left(&options)) {
		uint8_t type = wire_read_u8(&options);
		uint8_t length = type == OPTION_PAD1 ? 0 : wire_read_u8(&options);

		if (type == OPTION_JUMBO && length == 4)
			return wire_read_be32(&options);
		wire_skip(&options, length);
	}
	return 0;
}

/* Walks over the extension headers; `next` is the type of the first.  Returns the type of
 * what follows them. */
static uint8_t walk_extensions(struct wire_reader *reader, uint8_t next,
			       struct ip_header *ret, uint32_t *ret_jumbo_length)
{
	while (!reader->failed && !ret->is_later_fragment) {
		struct wire_reader options;
		uint16_t fragment;
		uint8_t type = next, length;

		switch (type) {
		case HEADER_HOP_BY_HOP:
		case HEADER_ROUTING:
		case HEADER_DESTINATION:
		case HEADER_MOBILITY:
		case HEADER_HIP:
		case HEADER_SHIM6:
			next = wire_read_u8(reader);
			length = wire_read_u8(reader);
			wire_reader_init(&options,
					 wire_read_bytes(reader, length * 8u + 6),
					 length * 8u + 6);
			if (type == HEADER_HOP_BY_HOP && !reader->failed)
				*ret_jumbo_length = find_jumbo_length(options);
			break;
		case HEADER_AUTHENTICATION:
			next = wire_read_u8(reader);
			length = wire_read_u8(reader);
			wire_skip(reader, length * 4u + 6);
			break;
		case HEADER_FRAGMENT:
			next = wire_read_u8(reader);
			wire_skip(reader, 1);
			fragment = wire_read_be16(reader);
			wire_skip(reader, 4);  /* identification */
			if (fragment & 0xfff9) /* an atomic fragment (RFC 6946) is none */
				ret->trouble |= SONDE_PACKET_FRAGMENT;
			ret->is_later_fragment = fragment & 0xfff8;
			break;
		default:
			return type;
		}
	}
	return next;
}

bool ipv6_decode(struct layer *layer, struct ip_header *ret)
{
	struct wire_reader reader = layer_reader(layer);
	uint32_t start = layer->at, jumbo_length = 0;
	uint16_t payload_length;
	uint8_t first, next;

	*ret = (struct ip_header){0};
	first = wire_read_u8(&reader);
	if (!reader.failed && first >> 4 != 6) {
		ret->trouble |= SONDE_PACKET_MALFORMED;
		return false;
	}
	wire_skip(&reader, 3); /* traffic class, flow label */
	payload_length = wire_read_be16(&reader);
	next = wire_read_u8(&reader);
	ret->ttl = wire_read_u8(&reader);
	set_address(SONDE_FAMILY_INET6, wire_read_bytes(&reader, 16), 16, &ret->src);
	set_address(SONDE_FAMILY_INET6, wire_read_bytes(&reader, 16), 16, &ret->dst);
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	layer->at = start + (uint32_t)reader.at;
	if (payload_length || next == HEADER_NONE)
		set_end(layer, (uint64_t)layer->at + payload_length);

	reader = layer_reader(layer);
	next = walk_extensions(&reader, next, ret, &jumbo_length);
	if (reader.failed) {
		ret->trouble |= layer_short(layer);
		return false;
	}
	ret->protocol = next;
	if (!payload_length && jumbo_length)
		set_end(layer, (uint64_t)layer->at + jumbo_length);
	layer->at += (uint32_t)reader.at;
	return true;
}
