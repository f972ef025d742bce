/* Fuzz target: applications over TCP and UDP.
 *
 * The first byte chooses the port, and with its highest bit UDP.  What follows are messages:
 * a byte whose highest bit is the direction and whose others are a length, then the bytes.
 * They go through the dissectors as packets of one conversation.
 *
 * Properties: fields lie in the bytes that they are of, columns are UTF-8 and end, and a
 * second dissector that is asked for secrets finds the same number of fields. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/dissect.h>
#include <sonde/text.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { IP_BYTES = 20, TCP_BYTES = 20, UDP_BYTES = 8 };

static const uint16_t ports[] = {25, 143, 50000, 7,   9,   13,   17,   19,
				 37, 80,  53,    443, 587, 2143, 50001};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

struct side {
	uint32_t seq;
};

/* The packet's length; payload stands where it belongs already. */
static uint32_t make_packet(uint8_t *packet, uint32_t n, uint16_t port, bool is_udp,
			    bool is_server, struct side sides[2])
{
	uint32_t header = is_udp ? UDP_BYTES : TCP_BYTES, length = IP_BYTES + header + n;
	uint8_t *transport = packet + IP_BYTES;

	memset(packet, 0, IP_BYTES + header);
	packet[0] = 0x45;
	put16(packet + 2, length);
	packet[8] = 64;
	packet[9] = is_udp ? 17 : 6;
	memcpy(packet + 12, is_server ? "\xc0\0\2\2\xc0\0\2\1" : "\xc0\0\2\1\xc0\0\2\2",
	       8);
	put16(transport, is_server ? port : 40000);
	put16(transport + 2, is_server ? 40000 : port);
	if (is_udp) {
		put16(transport + 4, UDP_BYTES + n);
		return length;
	}
	put16(transport + 4, sides[is_server].seq >> 16);
	put16(transport + 6, sides[is_server].seq & 0xffff);
	put16(transport + 8, sides[!is_server].seq >> 16);
	put16(transport + 10, sides[!is_server].seq & 0xffff);
	transport[12] = 0x50;
	transport[13] = 0x18;
	sides[is_server].seq += n;
	return length;
}

static void check_text(const char *text)
{
	size_t n = strlen(text);
	unsigned code;

	for (size_t at = 0; at < n;) {
		size_t step = sonde_text_decode_utf8(text + at, n - at, &code);

		require(step > 0);
		at += step;
	}
}

static void check(const struct sonde_frame *frame, const struct sonde_dissection *found)
{
	char text[256];

	for (size_t i = 0; i < found->field_count; i++) {
		const struct sonde_field *field = &found->fields[i];
		size_t size =
			field->source ? found->reassembled_size : frame->captured_length;

		require(field->offset <= size && field->length <= size - field->offset);
		sonde_field_format(field, text, sizeof(text));
		if (field->label)
			check_text(field->label);
	}
	check_text(found->info);
	check_text(found->protocol);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct side sides[2] = {{1}, {1}};
	struct sonde_dissector *masked = NULL, *plain = NULL;
	uint8_t *packet = malloc(IP_BYTES + TCP_BYTES + 128);
	struct sonde_frame frame = {.link = SONDE_LINK_RAW};
	uint16_t port;
	size_t at = 1;

	require(packet && sonde_dissector_new(&masked) == 0 &&
		sonde_dissector_new(&plain) == 0);
	sonde_dissector_want_all(masked);
	sonde_dissector_want_columns(masked);
	sonde_dissector_want_all(plain);
	sonde_dissector_want_columns(plain);
	sonde_dissector_show_secrets(plain);
	port = ports[n ? (bytes[0] & 0x7f) % (sizeof(ports) / sizeof(ports[0])) : 0];
	while (at < n) {
		bool is_server = bytes[at] & 0x80, is_udp = bytes[0] & 0x80;
		uint32_t length = bytes[at] & 0x7f;
		struct sonde_dissection found, found_plain;
		size_t count;

		at++;
		if (length > n - at)
			length = (uint32_t)(n - at);
		memcpy(packet + IP_BYTES + (is_udp ? UDP_BYTES : TCP_BYTES), bytes + at,
		       length);
		at += length;
		frame.number++;
		frame.at_ns += 1000;
		frame.captured_length = frame.wire_length =
			make_packet(packet, length, port, is_udp, is_server, sides);
		/* In memory of just that size. */
		frame.bytes = memcpy(malloc(frame.captured_length), packet,
				     frame.captured_length);
		require(sonde_dissect(masked, &frame, &found) == 0);
		check(&frame, &found);
		count = found.field_count;
		require(sonde_dissect(plain, &frame, &found_plain) == 0);
		check(&frame, &found_plain);
		require(found_plain.field_count == count);
		free((void *)(uintptr_t)frame.bytes);
	}
	sonde_dissector_free(masked);
	sonde_dissector_free(plain);
	free(packet);
	return 0;
}
