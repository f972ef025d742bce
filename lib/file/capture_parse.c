/* Which format a file has, and what the formats share; see capture_parse.h. */
#include "file/capture_parse.h"

#include <errno.h>

#include "base/array.h"
#include "base/limits.h"
#include "file/number.h"

void capture_parser_init(struct capture_parser *parser)
{
	*parser = (struct capture_parser){0};
}

void capture_parser_done(struct capture_parser *parser)
{
	for (size_t i = 0; i < parser->interface_count; i++)
		array_free(parser->interfaces[i].name);
	array_free(parser->interfaces);
	array_free(parser->comments);
	*parser = (struct capture_parser){0};
}

int capture_fail(struct capture_parser *parser, const char *reason)
{
	parser->reason = reason;
	return -EBADMSG;
}

int capture_add_interface(struct capture_parser *parser,
			  const struct capture_interface *interface)
{
	if (parser->interface_count >= LIMIT_FILE_INTERFACES)
		return capture_fail(parser, "it has more than 65536 interfaces");
	if (array_reserve(&parser->interfaces, &parser->interface_capacity,
			  parser->interface_count + 1, sizeof(parser->interfaces[0])) < 0)
		return -ENOMEM;
	parser->interfaces[parser->interface_count++] = *interface;
	return 0;
}

int capture_find_format(struct capture_parser *parser, const uint8_t *bytes, size_t n)
{
	static const char gzip[] = "\x1f\x8b", zstd[] = "\x28\xb5\x2f\xfd",
			  xz[] = "\xfd"
				 "7zX",
			  lz4[] = "\x04\x22\x4d\x18";

	if (n < 4) {
		parser->wanted = 4;
		return 0;
	}
	switch (number_u32(bytes, false)) {
	case PCAPNG_SECTION:
		parser->format = CAPTURE_PCAPNG;
		return 0;
	case 0xa1b2c3d4: /* microseconds */
	case 0xd4c3b2a1:
	case 0xa1b23c4d: /* nanoseconds */
	case 0x4d3cb2a1:
	case 0xa1b2cd34: /* microseconds, and longer record headers */
	case 0x34cdb2a1:
		parser->format = CAPTURE_PCAP;
		return 0;
	default:
		break;
	}
	if (memcmp(bytes, gzip, 2) == 0)
		return capture_fail(parser, "it is compressed by gzip");
	if (memcmp(bytes, zstd, 4) == 0)
		return capture_fail(parser, "it is compressed by zstd");
	if (memcmp(bytes, xz, 4) == 0)
		return capture_fail(parser, "it is compressed by xz");
	if (memcmp(bytes, lz4, 4) == 0)
		return capture_fail(parser, "it is compressed by lz4");
	return capture_fail(parser, "it begins neither as pcap nor as pcapng");
}

int capture_parse(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		  size_t *ret_used, struct sonde_frame *ret)
{
	int r;

	*ret_used = 0;
	if (parser->format == CAPTURE_UNKNOWN) {
		r = capture_find_format(parser, bytes, n);
		if (r < 0 || parser->format == CAPTURE_UNKNOWN)
			return r;
	}
	if (parser->format == CAPTURE_PCAPNG)
		return pcapng_parse_block(parser, bytes, n, ret_used, ret);
	if (!parser->interface_count)
		return pcap_parse_header(parser, bytes, n, ret_used);
	return pcap_parse_record(parser, bytes, n, ret_used, ret);
}
