/* The blocks of a pcapng file as frames, as capture_parse.h has them.
 *
 * A section has its own byte order and its own interfaces; numbers of frames and of
 * interfaces go on through all of them.  A block of a type that is not known is passed
 * over by its length, which is all that is asked of it. */
#include <errno.h>
#include <limits.h>

#include <sonde/journal.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "file/capture_parse.h"
#include "file/number.h"
#include "file/pcapng_format.h"

enum {
	PACKET_BYTES = 20,       /* before the bytes of an enhanced packet, or old one */
	INTERFACE_BYTES = 8,     /* before the options */
	STATISTICS_BYTES = 12,   /* before the options */
	SIMPLE_PACKET_BYTES = 4, /* before the bytes */
	BINARY = 0x80,           /* of a resolution: 2^-n */
};

#define NS_PER_SECOND 1000000000

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

/* --- times */

#define MOST_NS (INT64_MAX / 2) /* see frame.h */

static int64_t within_limit(wide ns)
{
	if (ns > MOST_NS)
		return MOST_NS;
	return ns < -MOST_NS ? -MOST_NS : (int64_t)ns;
}

/* In ticks of 10^-n or 2^-n seconds since the epoch. */
static int64_t to_ns(uint64_t ticks, const struct capture_interface *interface)
{
	unsigned n = interface->resolution & (BINARY - 1);
	unsigned_wide ns = ticks;
	wide sum;

	if (interface->resolution & BINARY) {
		ns = ns * NS_PER_SECOND >> n;
	} else if (n != 9) {
		for (; n < 9; n++)
			ns *= 10;
		for (; n > 9 && ns; n--)
			ns /= 10;
	}
	sum = (wide)ns + (wide)interface->offset_s * NS_PER_SECOND;
	return within_limit(sum);
}

/* Decimal digits that tell its ticks apart. */
static uint8_t digits_of(const struct capture_interface *interface)
{
	unsigned n = interface->resolution & (BINARY - 1);

	if (interface->resolution & BINARY)
		n = (n * 3 + 9) / 10;
	return n < 9 ? (uint8_t)n : 9;
}

/* --- sections and interfaces */

static int begin_section(struct capture_parser *parser, const struct pcapng_view *view)
{
	uint16_t major;

	if (view->body_length < 16)
		return capture_fail(parser, "a section header that is too short");
	major = number_u16(view->body + 4, view->swapped);
	if (major != 1)
		return capture_fail(parser, "its pcapng version is not 1");
	for (size_t i = 0; i < parser->interface_count; i++)
		array_free(parser->interfaces[i].name);
	parser->interfaces_before += (uint32_t)parser->interface_count;
	parser->interface_count = 0;
	return 0;
}

/* Up to a NUL, should there be one.  0 or -ENOMEM. */
static int copy_name(const struct pcapng_option *option, char **ret)
{
	const char *text = (const char *)option->value;
	size_t n = strnlen(text, option->length);
	char *copy;

	if (n > LIMIT_INTERFACE_NAME)
		n = utf8_whole(text, LIMIT_INTERFACE_NAME);
	copy = array_new(n + 1, 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, n);
	array_free(*ret);
	*ret = copy;
	return 0;
}

static int describe_interface(struct capture_parser *parser,
			      const struct pcapng_view *view,
			      struct capture_interface *interface)
{
	struct pcapng_option option;
	size_t at = INTERFACE_BYTES;
	int r;

	while ((r = pcapng_next_option(view, &at, &option)) > 0) {
		if (option.code == PCAPNG_INTERFACE_NAME) {
			if (copy_name(&option, &interface->name) < 0)
				return -ENOMEM;
		} else if (option.code == PCAPNG_INTERFACE_RESOLUTION) {
			if (option.length != 1)
				return capture_fail(parser,
						    "a time unit of a wrong size");
			interface->resolution = option.value[0];
		} else if (option.code == PCAPNG_INTERFACE_OFFSET) {
			if (option.length != 8)
				return capture_fail(parser,
						    "a time offset of a wrong size");
			interface->offset_s =
				(int64_t)number_u64(option.value, view->swapped);
		}
	}
	return r < 0 ? capture_fail(parser, "an interface whose options do not fit") : 0;
}

static int begin_interface(struct capture_parser *parser, const struct pcapng_view *view)
{
	struct capture_interface interface = {.resolution = PCAPNG_MICROSECONDS};
	int r;

	if (view->body_length < INTERFACE_BYTES)
		return capture_fail(parser, "an interface block that is too short");
	interface.link = number_u16(view->body, view->swapped);
	interface.snap_bytes = number_u32(view->body + 4, view->swapped);
	r = describe_interface(parser, view, &interface);
	if (r == 0)
		r = capture_add_interface(parser, &interface);
	if (r < 0)
		array_free(interface.name);
	return r;
}

/* Counts from the beginning of the capture: the last ones are those of all of it. */
static int take_statistics(struct capture_parser *parser, const struct pcapng_view *view)
{
	struct pcapng_option option;
	size_t at = STATISTICS_BYTES;
	uint64_t dropped = 0;
	bool has_dropped = false;
	uint32_t id;
	int r;

	if (view->body_length < STATISTICS_BYTES)
		return capture_fail(parser, "a statistics block that is too short");
	id = number_u32(view->body, view->swapped);
	if (id >= parser->interface_count)
		return capture_fail(parser, "statistics of an interface that it does not "
					    "describe");
	while ((r = pcapng_next_option(view, &at, &option)) > 0) {
		if ((option.code == PCAPNG_STATISTICS_DROPPED ||
		     option.code == PCAPNG_STATISTICS_SYSTEM_DROPPED) &&
		    option.length == 8) {
			dropped += number_u64(option.value, view->swapped);
			has_dropped = true;
		}
	}
	if (r < 0)
		return capture_fail(parser, "statistics whose options do not fit");
	if (has_dropped) {
		parser->dropped -= parser->interfaces[id].dropped;
		parser->dropped += dropped;
		parser->interfaces[id].dropped = dropped;
		parser->has_dropped = true;
	}
	return 0;
}

/* --- frames */

static int take_options(struct capture_parser *parser, const struct pcapng_view *view,
			size_t at, struct sonde_frame *frame)
{
	struct pcapng_option option;
	int r;

	while ((r = pcapng_next_option(view, &at, &option)) > 0) {
		if (option.code == PCAPNG_OPTION_COMMENT) {
			if (frame->comment_count >= LIMIT_FRAME_COMMENTS)
				continue;
			if (array_reserve(&parser->comments, &parser->comment_capacity,
					  frame->comment_count + 1,
					  sizeof(parser->comments[0])) < 0)
				return -ENOMEM;
			parser->comments[frame->comment_count++] =
				(struct sonde_frame_text){
					.text = (const char *)option.value,
					.length = option.length,
				};
		} else if (option.code == PCAPNG_PACKET_FLAGS && option.length == 4) {
			frame->direction = number_u32(option.value, view->swapped) & 3;
		} else if (option.code == PCAPNG_PACKET_PROCESS && option.length == 8 &&
			   view->type == PCAPNG_PACKET) {
			frame->pid = number_u32(option.value, view->swapped);
			frame->tid = number_u32(option.value + 4, view->swapped);
		}
	}
	if (r < 0)
		return capture_fail(parser, "a packet whose options do not fit");
	if (frame->comment_count)
		frame->comments = parser->comments;
	return 0;
}

static int take_packet(struct capture_parser *parser, const struct pcapng_view *view,
		       struct sonde_frame *frame)
{
	const struct capture_interface *interface;
	const uint8_t *body = view->body;
	bool swapped = view->swapped;
	uint32_t id, captured;
	uint64_t ticks;
	size_t at;

	if (view->body_length < PACKET_BYTES)
		return capture_fail(parser, "a packet block that is too short");
	/* An old packet has 16 bits, and 16 more that count what was dropped before. */
	id = view->type == PCAPNG_PACKET ? number_u32(body, swapped)
					 : number_u16(body, swapped);
	ticks = (uint64_t)number_u32(body + 4, swapped) << 32 |
		number_u32(body + 8, swapped);
	captured = number_u32(body + 12, swapped);
	if (captured > view->body_length - PACKET_BYTES)
		return capture_fail(parser, "a packet that is longer than its block");
	if (id >= parser->interface_count)
		return capture_fail(parser, "a packet of an interface that it does not "
					    "describe");
	interface = &parser->interfaces[id];
	frame->link = interface->link;
	frame->interface = parser->interfaces_before + id;
	frame->interface_name = interface->name;
	frame->time_digits = digits_of(interface);
	frame->at_ns = to_ns(ticks, interface);
	frame->captured_length = captured;
	frame->wire_length = number_u32(body + 16, swapped);
	frame->bytes = body + PACKET_BYTES;
	at = PACKET_BYTES + captured + pcapng_pad(captured);
	return at < view->body_length ? take_options(parser, view, at, frame) : 0;
}

/* Without time and without captured length: that follows from the interface's limit. */
static int take_simple_packet(struct capture_parser *parser,
			      const struct pcapng_view *view, struct sonde_frame *frame)
{
	const struct capture_interface *interface = parser->interfaces;
	uint32_t captured;

	if (view->body_length < SIMPLE_PACKET_BYTES)
		return capture_fail(parser, "a packet block that is too short");
	if (!parser->interface_count)
		return capture_fail(parser, "a packet of an interface that it does not "
					    "describe");
	frame->wire_length = number_u32(view->body, view->swapped);
	captured = frame->wire_length;
	if (interface->snap_bytes && captured > interface->snap_bytes)
		captured = interface->snap_bytes;
	if (captured > view->body_length - SIMPLE_PACKET_BYTES)
		return capture_fail(parser, "a packet that is longer than its block");
	frame->link = interface->link;
	frame->interface = parser->interfaces_before;
	frame->interface_name = interface->name;
	frame->at_ns = INT64_MIN;
	frame->captured_length = captured;
	frame->bytes = view->body + SIMPLE_PACKET_BYTES;
	return 0;
}

/* The field __REALTIME_TIMESTAMP, decimal microseconds; INT64_MIN where there is none. */
static int64_t journal_time(const struct sonde_frame *entry)
{
	struct sonde_journal_field field;
	int64_t us = 0;
	size_t i = 0;

	if (!sonde_journal_find(entry, "__REALTIME_TIMESTAMP", &field))
		return INT64_MIN;
	while (i < field.value_length && field.value[i] >= '0' && field.value[i] <= '9' &&
	       us < INT64_MAX / 10000)
		us = us * 10 + (field.value[i++] - '0');
	return i == field.value_length && i ? within_limit((wide)us * 1000) : INT64_MIN;
}

static int take_journal(const struct pcapng_view *view, struct sonde_frame *frame)
{
	size_t n = view->body_length;

	for (int i = 0; i < 3 && n && !view->body[n - 1]; i++)
		n--; /* what fills the block up */
	frame->kind = SONDE_FRAME_JOURNAL;
	frame->time_digits = 6;
	frame->captured_length = (uint32_t)n;
	frame->wire_length = frame->captured_length;
	frame->bytes = view->body;
	frame->at_ns = journal_time(frame);
	return 0;
}

int pcapng_parse_block(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		       size_t *ret_used, struct sonde_frame *ret)
{
	struct sonde_frame frame = {.number = parser->frames + 1};
	struct pcapng_view view;
	ssize_t length = pcapng_parse(bytes, n, &parser->swapped, &view);
	int r;

	if (length < 0)
		return capture_fail(parser,
				    "a block whose lengths contradict each other");
	if (length == 0) {
		parser->wanted = view.length ? view.length : PCAPNG_FRAME_BYTES;
		return 0;
	}
	switch (view.type) {
	case PCAPNG_SECTION:
		r = begin_section(parser, &view);
		break;
	case PCAPNG_INTERFACE:
		r = begin_interface(parser, &view);
		break;
	case PCAPNG_STATISTICS:
		r = take_statistics(parser, &view);
		break;
	case PCAPNG_PACKET:
	case PCAPNG_OLD_PACKET:
		r = take_packet(parser, &view, &frame);
		goto out;
	case PCAPNG_SIMPLE_PACKET:
		r = take_simple_packet(parser, &view, &frame);
		goto out;
	case PCAPNG_JOURNAL:
		r = take_journal(&view, &frame);
		goto out;
	default:
		parser->passed_over++;
		r = 0;
		break;
	}
	if (r == 0)
		*ret_used = (size_t)length;
	return r;
out:
	if (r < 0)
		return r;
	parser->frames = frame.number;
	*ret_used = (size_t)length;
	*ret = frame;
	return 1;
}
