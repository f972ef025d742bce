/* Blocks in; see pcapng.h.  Lengths are believed only where they agree with each other
 * and with what is there. */
#include "file/pcapng.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/wire.h"
#include "file/number.h"
#include "file/pcapng_format.h"

static uint16_t read_u16(struct wire_reader *reader, bool swapped)
{
	return swapped ? wire_read_be16(reader) : wire_read_le16(reader);
}

static uint32_t read_u32(struct wire_reader *reader, bool swapped)
{
	return swapped ? wire_read_be32(reader) : wire_read_le32(reader);
}

ssize_t pcapng_parse(const uint8_t *bytes, size_t n, bool *swapped,
		     struct pcapng_view *ret)
{
	struct pcapng_view view = {.swapped = *swapped};

	*ret = view;
	if (n < PCAPNG_FRAME_BYTES)
		return 0;
	/* The type of a section header is the same in both byte orders. */
	view.type = number_u32(bytes, view.swapped);
	if (view.type == PCAPNG_SECTION) {
		view.swapped = number_u32(bytes + 8, false) != PCAPNG_BYTE_ORDER;
		if (number_u32(bytes + 8, view.swapped) != PCAPNG_BYTE_ORDER)
			return -EBADMSG;
	}
	view.length = number_u32(bytes + 4, view.swapped);
	if (view.length < PCAPNG_FRAME_BYTES || view.length % 4 ||
	    view.length > LIMIT_PCAPNG_BLOCK)
		return -EBADMSG;
	view.body = bytes + 8;
	view.body_length = view.length - PCAPNG_FRAME_BYTES;
	if (n < view.length) {
		ret->length = view.length;
		return 0;
	}
	if (number_u32(bytes + view.length - 4, view.swapped) != view.length)
		return -EBADMSG;
	*swapped = view.swapped;
	*ret = view;
	return view.length;
}

/* The next option.  1, 0 at the end of the list or of the block, -EBADMSG. */
static int next_option(struct wire_reader *reader, bool swapped, uint16_t *ret_code,
		       struct wire_reader *ret_value)
{
	uint16_t code, n;
	const uint8_t *value;

	if (!wire_left(reader))
		return 0;
	code = read_u16(reader, swapped);
	n = read_u16(reader, swapped);
	value = wire_read_bytes(reader, n);
	wire_skip(reader, pcapng_pad(n));
	if (reader->failed)
		return -EBADMSG;
	if (code == PCAPNG_OPTION_END)
		return 0;
	*ret_code = code;
	wire_reader_init(ret_value, value, n);
	return 1;
}

int pcapng_next_option(const struct pcapng_view *view, size_t *at,
		       struct pcapng_option *ret)
{
	struct wire_reader reader, value;
	uint16_t code;
	int r;

	wire_reader_init(&reader, view->body, view->body_length);
	wire_skip(&reader, *at);
	r = next_option(&reader, view->swapped, &code, &value);
	if (r <= 0)
		return r;
	*at = reader.at;
	*ret = (struct pcapng_option){
		.code = code, .length = (uint16_t)value.size, .value = value.bytes};
	return 1;
}

static int read_packet_options(struct wire_reader *reader, bool swapped,
			       struct pcapng_packet *packet)
{
	struct wire_reader value;
	uint16_t code;
	int r;

	while ((r = next_option(reader, swapped, &code, &value)) > 0) {
		switch (code) {
		case PCAPNG_PACKET_FLAGS:
			packet->direction = read_u32(&value, swapped) & 3;
			break;
		case PCAPNG_PACKET_PROCESS:
			packet->pid = read_u32(&value, swapped);
			packet->tid = read_u32(&value, swapped);
			break;
		default:
			continue;
		}
		if (value.failed || wire_left(&value))
			return -EBADMSG;
	}
	return r;
}

int pcapng_parse_packet(const struct pcapng_view *view, struct pcapng_packet *ret)
{
	struct pcapng_packet packet = {0};
	struct wire_reader reader;
	uint64_t high;
	int r;

	if (view->type != PCAPNG_PACKET)
		return -EBADMSG;
	wire_reader_init(&reader, view->body, view->body_length);
	packet.interface = read_u32(&reader, view->swapped);
	high = read_u32(&reader, view->swapped);
	packet.at_ns = (int64_t)(high << 32 | read_u32(&reader, view->swapped));
	packet.captured_length = read_u32(&reader, view->swapped);
	packet.wire_length = read_u32(&reader, view->swapped);
	packet.bytes = wire_read_bytes(&reader, packet.captured_length);
	wire_skip(&reader, pcapng_pad(packet.captured_length));
	if (reader.failed)
		return -EBADMSG;
	r = read_packet_options(&reader, view->swapped, &packet);
	if (r < 0)
		return r;
	*ret = packet;
	return 0;
}

int pcapng_parse_interface(const struct pcapng_view *view, uint16_t *ret_link,
			   uint32_t *ret_snap_bytes)
{
	uint8_t resolution = PCAPNG_MICROSECONDS;
	struct wire_reader reader, value;
	uint16_t link, code;
	uint32_t snap_bytes;
	int r;

	if (view->type != PCAPNG_INTERFACE)
		return -EBADMSG;
	wire_reader_init(&reader, view->body, view->body_length);
	link = read_u16(&reader, view->swapped);
	wire_skip(&reader, 2);
	snap_bytes = read_u32(&reader, view->swapped);
	if (reader.failed)
		return -EBADMSG;
	while ((r = next_option(&reader, view->swapped, &code, &value)) > 0) {
		if (code != PCAPNG_INTERFACE_RESOLUTION)
			continue;
		resolution = wire_read_u8(&value);
		if (value.failed || wire_left(&value))
			return -EBADMSG;
	}
	if (r < 0)
		return r;
	if (resolution != PCAPNG_NANOSECONDS)
		return -EOPNOTSUPP;
	*ret_link = link;
	*ret_snap_bytes = snap_bytes;
	return 0;
}

/* The rest of a line, without its end; NULL where there is no end. */
