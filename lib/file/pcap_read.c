/* pcap files (draft-ietf-opsawg-pcap), as capture_parse.h has them. */
#include <errno.h>

#include "base/limits.h"
#include "file/capture_parse.h"
#include "file/number.h"

enum {
	HEADER_BYTES = 24,
	RECORD_BYTES = 16,
	/* A patch of 1998 added interface, protocol and kind of packet to each. */
	LONG_RECORD_BYTES = 24,
	/* What files of old systems say for raw IP: each has the number that its own
	 * kernel had for it. */
	LINK_RAW_OLD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_BITS = 0x03FFFFFF, /* above are those that tell of a checksum's length */
};

int pcap_parse_header(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		      size_t *ret_used)
{
	struct capture_interface interface = {.resolution = 6};
	uint32_t magic, link;

	if (n < HEADER_BYTES) {
		parser->wanted = HEADER_BYTES;
		return 0;
	}
	magic = number_u32(bytes, false);
	parser->swapped = magic >> 24 != 0xa1;
	magic = number_u32(bytes, parser->swapped);
	parser->record_bytes = magic == 0xa1b2cd34 ? LONG_RECORD_BYTES : RECORD_BYTES;
	if (magic == 0xa1b23c4d)
		interface.resolution = 9;
	if (number_u16(bytes + 4, parser->swapped) != 2)
		return capture_fail(parser, "its pcap version is not 2");
	interface.snap_bytes = number_u32(bytes + 16, parser->swapped);
	link = number_u32(bytes + 20, parser->swapped) & LINK_BITS;
	if (link > UINT16_MAX)
		return capture_fail(parser, "there is no link type of its number");
	if (link == LINK_RAW_OLD || link == LINK_RAW_OPENBSD)
		link = LINK_RAW;
	interface.link = (uint16_t)link;
	*ret_used = HEADER_BYTES;
	return capture_add_interface(parser, &interface);
}

int pcap_parse_record(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		      size_t *ret_used, struct sonde_frame *ret)
{
	const struct capture_interface *interface = parser->interfaces;
	uint32_t header_bytes = parser->record_bytes, captured, second, part;

	if (n < header_bytes) {
		parser->wanted = header_bytes;
		return 0;
	}
	captured = number_u32(bytes + 8, parser->swapped);
	if (captured > LIMIT_FILE_PACKET)
		return capture_fail(parser, "a packet of more than 16 MiB");
	if (n - header_bytes < captured) {
		parser->wanted = header_bytes + captured;
		return 0;
	}
	second = number_u32(bytes, parser->swapped);
	part = number_u32(bytes + 4, parser->swapped);
	*ret = (struct sonde_frame){
		.number = ++parser->frames,
		.kind = SONDE_FRAME_PACKET,
		.link = interface->link,
		.time_digits = interface->resolution,
		.at_ns = second * INT64_C(1000000000) +
			 part * (interface->resolution == 9 ? INT64_C(1) : 1000),
		.captured_length = captured,
		.wire_length = number_u32(bytes + 12, parser->swapped),
		.bytes = bytes + header_bytes,
	};
	*ret_used = header_bytes + captured;
	return 1;
}
