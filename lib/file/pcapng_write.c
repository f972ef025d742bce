/* Blocks out; see pcapng.h.  All numbers are written little-endian, whatever the machine:
 * the same recording is the same file everywhere. */
#include "file/pcapng.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "file/pcapng_format.h"

enum {
	PACKET_BYTES = 20,    /* before the bytes of a packet */
	PLAIN_MOST = 1 << 20, /* longer ones are looked at more closely */
};

void pcapng_block_init(struct pcapng_block *block)
{
	*block = (struct pcapng_block){0};
}

void pcapng_block_done(struct pcapng_block *block)
{
	array_free(block->bytes);
	*block = (struct pcapng_block){0};
}

void pcapng_block_keep(struct pcapng_block *block)
{
	block->start = block->used;
}

void pcapng_block_clear(struct pcapng_block *block)
{
	block->start = block->used = 0;
}

/* Room for n more bytes; NULL once there is an error. */
static uint8_t *grow(struct pcapng_block *block, size_t n)
{
	uint8_t *room;

	if (block->error)
		return NULL;
	if (n > LIMIT_PCAPNG_BLOCK - (block->used - block->start)) {
		block->error = -E2BIG;
		return NULL;
	}
	if (block->used + n > block->capacity) {
		block->error = array_reserve(&block->bytes, &block->capacity,
					     block->used + n, 1);
		if (block->error)
			return NULL;
	}
	room = block->bytes + block->used;
	block->used += n;
	return room;
}

static void add_bytes(struct pcapng_block *block, const void *bytes, size_t n)
{
	uint8_t *room = n ? grow(block, n) : NULL;

	if (room)
		memcpy(room, bytes, n);
}

static void add_number(struct pcapng_block *block, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	add_bytes(block, bytes, size);
}

static void add_u16(struct pcapng_block *block, uint16_t value)
{
	add_number(block, value, 2);
}

static void add_u32(struct pcapng_block *block, uint32_t value)
{
	add_number(block, value, 4);
}

/* A time is two numbers, the high half first, in either byte order. */
static void add_time(struct pcapng_block *block, int64_t at_ns)
{
	add_u32(block, (uint32_t)((uint64_t)at_ns >> 32));
	add_u32(block, (uint32_t)at_ns);
}

static void pad(struct pcapng_block *block)
{
	static const uint8_t zeros[3];

	add_bytes(block, zeros, pcapng_pad(block->used));
}

static void add_option(struct pcapng_block *block, uint16_t code, const void *value,
		       uint16_t n)
{
	add_u16(block, code);
	add_u16(block, n);
	add_bytes(block, value, n);
	pad(block);
}

/* The length of an option has 16 bits: what is longer is cut, at a whole character. */
static void add_text(struct pcapng_block *block, uint16_t code, const char *text,
		     size_t n)
{
	if (n > UINT16_MAX)
		n = utf8_whole(text, UINT16_MAX);
	add_option(block, code, text, (uint16_t)n);
}

static void add_text_option(struct pcapng_block *block, uint16_t code, const char *text)
{
	add_text(block, code, text, strlen(text));
}

static void end_options(struct pcapng_block *block)
{
	add_u16(block, PCAPNG_OPTION_END);
	add_u16(block, 0);
}

static void begin(struct pcapng_block *block, uint32_t type)
{
	block->used = block->start;
	block->error = 0;
	add_u32(block, type);
	add_u32(block, 0); /* its length, when that is known */
}

/* A block with an error is left empty: half of one must not get into a file. */
static void end(struct pcapng_block *block)
{
	uint32_t length = (uint32_t)(block->used - block->start) + 4;

	add_u32(block, length);
	if (block->error) {
		block->used = block->start;
		return;
	}
	memcpy(block->bytes + block->start + 4, block->bytes + block->used - 4, 4);
}

void pcapng_format_section(struct pcapng_block *block, const char *application,
			   const char *comment)
{
	begin(block, PCAPNG_SECTION);
	add_u32(block, PCAPNG_BYTE_ORDER);
	add_u16(block, 1); /* version 1.0 */
	add_u16(block, 0);
	add_number(block, UINT64_MAX, 8); /* length of the section: not known */
	if (comment)
		add_text_option(block, PCAPNG_OPTION_COMMENT, comment);
	if (application)
		add_text_option(block, PCAPNG_SECTION_APPLICATION, application);
	end_options(block);
	end(block);
}

/* What is added in front of an if_filter that is text. */
static void add_filter(struct pcapng_block *block, const char *filter)
{
	size_t n = strlen(filter);

	if (n > UINT16_MAX - 1)
		n = utf8_whole(filter, UINT16_MAX - 1);
	add_u16(block, PCAPNG_INTERFACE_FILTER);
	add_u16(block, (uint16_t)(n + 1));
	add_number(block, 0, 1); /* libpcap's language */
	add_bytes(block, filter, n);
	pad(block);
}

void pcapng_format_interface(struct pcapng_block *block, uint16_t link,
			     uint32_t snap_bytes, const char *name)
{
	pcapng_format_filtered(block, link, snap_bytes, name, NULL);
}

void pcapng_format_filtered(struct pcapng_block *block, uint16_t link,
			    uint32_t snap_bytes, const char *name, const char *filter)
{
	static const uint8_t nanoseconds = PCAPNG_NANOSECONDS;

	begin(block, PCAPNG_INTERFACE);
	add_u16(block, link);
	add_u16(block, 0);
	add_u32(block, snap_bytes);
	if (name)
		add_text_option(block, PCAPNG_INTERFACE_NAME, name);
	add_option(block, PCAPNG_INTERFACE_RESOLUTION, &nanoseconds, 1);
	if (filter)
		add_filter(block, filter);
	end_options(block);
	end(block);
}

static void put_u32(uint8_t *room, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap32(value);
#endif
	memcpy(room, &value, sizeof(value));
}

static uint8_t *put_options(uint8_t *room, const struct pcapng_packet *packet)
{
	if (packet->direction) {
		put_u32(room, PCAPNG_PACKET_FLAGS | 4u << 16);
		put_u32(room + 4, packet->direction);
		room += 8;
	}
	if (packet->pid || packet->tid) {
		put_u32(room, PCAPNG_PACKET_PROCESS | 8u << 16);
		put_u32(room + 4, packet->pid);
		put_u32(room + 8, packet->tid);
		room += 12;
	}
	return room;
}

/* With their end, which a packet without options does not need. */
static size_t options_size(const struct pcapng_packet *packet, bool has_comments)
{
	size_t size = (packet->direction ? 8 : 0) + (packet->pid || packet->tid ? 12 : 0);

	return size || has_comments ? size + 4 : 0;
}

/* All that stands before the options. */
static uint8_t *put_packet(uint8_t *room, const struct pcapng_packet *packet)
{
	size_t n = packet->captured_length;

	put_u32(room, PCAPNG_PACKET);
	put_u32(room + 8, packet->interface);
	put_u32(room + 12, (uint32_t)((uint64_t)packet->at_ns >> 32));
	put_u32(room + 16, (uint32_t)packet->at_ns);
	put_u32(room + 20, packet->captured_length);
	put_u32(room + 24, packet->wire_length);
	room += 8 + PACKET_BYTES;
	if (n)
		memcpy(room, packet->bytes, n);
	room += n;
	for (size_t padding = pcapng_pad(n); padding; padding--)
		*room++ = 0;
	return room;
}

/* The last option and the length; those that come with most packets before it. */
static void finish_packet(struct pcapng_block *block, const struct pcapng_packet *packet,
			  uint8_t *room)
{
	uint32_t length = (uint32_t)(block->used - block->start);
	const uint8_t *length_at = block->bytes + block->used - 4;

	room = put_options(room, packet);
	if (room < length_at) {
		put_u32(room, PCAPNG_OPTION_END);
		room += 4;
	}
	put_u32(room, length);
	put_u32(block->bytes + block->start + 4, length);
}

/* Captures are many of these: without comments it is one piece of room. */
void pcapng_format_packet(struct pcapng_block *block, const struct pcapng_packet *packet)
{
	bool has_comments = packet->comment_count || packet->text_count;
	size_t n = packet->captured_length, tail = options_size(packet, has_comments) + 4;
	size_t head = 8 + PACKET_BYTES + n + pcapng_pad(n);
	uint8_t *room;

	block->used = block->start;
	block->error = 0;
	room = grow(block, has_comments ? head : head + tail);
	if (!room)
		return;
	room = put_packet(room, packet);
	for (size_t i = 0; i < packet->comment_count; i++)
		add_text_option(block, PCAPNG_OPTION_COMMENT, packet->comments[i]);
	for (size_t i = 0; i < packet->text_count; i++)
		add_text(block, PCAPNG_OPTION_COMMENT, packet->texts[i].text,
			 packet->texts[i].length);
	if (has_comments)
		room = grow(block, tail);
	if (room)
		finish_packet(block, packet, room);
	else
		block->used = block->start;
}

/* What a capture has a million of: no comment, no process, and room is there already. */
static bool format_plain(struct pcapng_block *block, uint32_t interface,
			 const struct sonde_frame *frame)
{
	size_t n = frame->captured_length, padding = pcapng_pad(n);
	size_t length = 8 + PACKET_BYTES + n + padding + (frame->direction ? 12 : 0) + 4;
	uint8_t *room;

	if (frame->comment_count || frame->pid || frame->tid || frame->at_ns < 0 ||
	    n > PLAIN_MOST || block->capacity - block->start < length)
		return false;
	room = block->bytes + block->start;
	put_u32(room, PCAPNG_PACKET);
	put_u32(room + 4, (uint32_t)length);
	put_u32(room + 8, interface);
	put_u32(room + 12, (uint32_t)((uint64_t)frame->at_ns >> 32));
	put_u32(room + 16, (uint32_t)frame->at_ns);
	put_u32(room + 20, frame->captured_length);
	put_u32(room + 24, frame->wire_length);
	room += 8 + PACKET_BYTES;
	if (n) {
		/* The padding, before the bytes, which may fill all of it. */
		put_u32(room + n + padding - 4, 0);
		memcpy(room, frame->bytes, n);
	}
	room += n + padding;
	if (frame->direction) {
		put_u32(room, PCAPNG_PACKET_FLAGS | 4u << 16);
		put_u32(room + 4, frame->direction);
		put_u32(room + 8, PCAPNG_OPTION_END);
		room += 12;
	}
	put_u32(room, (uint32_t)length);
	block->used = block->start + length;
	block->error = 0;
	return true;
}

void pcapng_format_frame(struct pcapng_block *block, uint32_t interface,
			 const struct sonde_frame *frame)
{
	struct pcapng_packet packet;

	if (format_plain(block, interface, frame))
		return;
	packet = (struct pcapng_packet){
		.interface = interface,
		.at_ns = frame->at_ns == INT64_MIN ? 0 : frame->at_ns,
		.captured_length = frame->captured_length,
		.wire_length = frame->wire_length,
		.bytes = frame->bytes,
		.direction = frame->direction,
		.pid = frame->pid,
		.tid = frame->tid,
		.texts = frame->comments,
		.text_count = frame->comment_count,
	};
	pcapng_format_packet(block, &packet);
}

void pcapng_format_journal(struct pcapng_block *block, const uint8_t *text, size_t n)
{
	begin(block, PCAPNG_JOURNAL);
	add_bytes(block, text, n);
	pad(block);
	end(block);
}

static void add_time_option(struct pcapng_block *block, uint16_t code, int64_t at_ns)
{
	add_u16(block, code);
	add_u16(block, 8);
	add_time(block, at_ns);
}

static void add_count_option(struct pcapng_block *block, uint16_t code, uint64_t count)
{
	add_u16(block, code);
	add_u16(block, 8);
	add_number(block, count, 8);
}

void pcapng_format_statistics(struct pcapng_block *block, uint32_t interface,
			      int64_t start_ns, int64_t end_ns, uint64_t received,
			      uint64_t dropped)
{
	pcapng_format_statistics_with(block, interface, start_ns, end_ns, received,
				      dropped, NULL);
}

void pcapng_format_statistics_with(struct pcapng_block *block, uint32_t interface,
				   int64_t start_ns, int64_t end_ns, uint64_t received,
				   uint64_t dropped, const char *comment)
{
	begin(block, PCAPNG_STATISTICS);
	add_u32(block, interface);
	add_time(block, end_ns);
	if (comment)
		add_text_option(block, PCAPNG_OPTION_COMMENT, comment);
	add_time_option(block, PCAPNG_STATISTICS_START, start_ns);
	add_time_option(block, PCAPNG_STATISTICS_END, end_ns);
	add_count_option(block, PCAPNG_STATISTICS_RECEIVED, received);
	add_count_option(block, PCAPNG_STATISTICS_DROPPED, dropped);
	end_options(block);
	end(block);
}

void pcapng_journal_begin(struct pcapng_block *block)
{
	begin(block, PCAPNG_JOURNAL);
}

/* NUL is valid UTF-8, and yet readers that work on strings end there. */
static bool is_one_line(const char *value, size_t n)
{
	size_t step;

	for (size_t at = 0; at < n; at += step) {
		unsigned code;

		step = utf8_step(value + at, n - at, &code);
		if (code == UTF8_BAD || code == '\n' || code == '\0')
			return false;
	}
	return true;
}

void pcapng_journal_add(struct pcapng_block *block, const char *name, const char *value,
			size_t n)
{
	add_bytes(block, name, strlen(name));
	if (is_one_line(value, n)) {
		add_bytes(block, "=", 1);
	} else {
		add_bytes(block, "\n", 1);
		add_number(block, n, 8); /* little-endian in either kind of section */
	}
	add_bytes(block, value, n);
	add_bytes(block, "\n", 1);
}

void pcapng_journal_end(struct pcapng_block *block)
{
	pad(block);
	end(block);
}
