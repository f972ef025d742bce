/* Fuzz target: what TCP carries, for every application's dissector.  The first byte
 * chooses the dissector; then segments follow, each behind three bytes: its direction and
 * flags, its length, and how far from the end of the stream it begins.
 *
 * Properties: as fuzz_dissect's, and messages that were put together hold the bytes that
 * their segments had. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/dissect.h>
#include <sonde/error.h>

enum { HEADERS = 40, SEGMENTS_MOST = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static const char *const names[] = {"http", "dns",  "tls",     "calc", "smtp",
				    "imap", "echo", "chargen", "time"};

static void put32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void make_headers(uint8_t *to, bool forward, uint32_t seq, uint8_t flags,
			 size_t length)
{
	memset(to, 0, HEADERS);
	to[0] = 0x45;
	to[2] = (uint8_t)((HEADERS + length) >> 8);
	to[3] = (uint8_t)(HEADERS + length);
	to[8] = 64;
	to[9] = 6;
	to[12] = to[16] = 10;
	to[15] = forward ? 1 : 2;
	to[19] = forward ? 2 : 1;
	to[forward ? 20 : 22] = 0x80; /* client 32768, server 9999 */
	to[forward ? 22 : 20] = 9999 >> 8;
	to[forward ? 23 : 21] = 9999 & 0xff;
	put32(to + 24, seq);
	to[32] = 0x50;
	to[33] = flags;
	to[34] = 0x20;
}

static void check(const struct sonde_frame *frame, const struct sonde_dissection *found)
{
	for (size_t i = 0; i < found->field_count; i++) {
		const struct sonde_field *field = &found->fields[i];
		size_t size =
			field->source ? found->reassembled_size : frame->captured_length;
		const struct sonde_field_info *info = sonde_field_info(field->field);
		char line[128];

		require((size_t)field->offset + field->length <= size);
		sonde_field_format(field, line, sizeof(line));
		if (strcmp(info->name, "tcp.reassembled.data") == 0)
			require(field->source == 1 &&
				memcmp(field->value.data.bytes,
				       found->reassembled + field->offset,
				       field->length) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_dissector *dissector;
	struct sonde_dissection found;
	struct sonde_error err;
	uint32_t ends[2] = {0xffffff00, 1};
	char rule[48];

	if (n == 0)
		return 0;
	require(sonde_dissector_new(&dissector) == 0);
	sonde_dissector_want_all(dissector);
	sonde_dissector_want_columns(dissector);
	snprintf(rule, sizeof(rule), "tcp.port==9999,%s",
		 names[bytes[0] % (sizeof(names) / sizeof(names[0]))]);
	require(sonde_dissector_decode_as(dissector, rule, &err) == 0);
	bytes++;
	n--;
	for (uint32_t number = 1; n >= 3 && number <= SEGMENTS_MOST; number++) {
		bool forward = bytes[0] & 1;
		uint8_t flags = 0x18 | (bytes[0] >> 1 & 0x07); /* FIN, SYN, RST, too */
		size_t length = bytes[1] < n - 3 ? bytes[1] : n - 3;
		uint32_t seq = ends[forward] - (uint32_t)(int8_t)bytes[2];
		struct sonde_frame frame = {.number = number, .link = SONDE_LINK_RAW};
		uint8_t *packet = malloc(HEADERS + length);

		require(packet != NULL);
		make_headers(packet, forward, seq, flags, length);
		put32(packet + 28, ends[!forward]);
		memcpy(packet + HEADERS, bytes + 3, length);
		frame.bytes = packet;
		frame.captured_length = frame.wire_length = (uint32_t)(HEADERS + length);
		frame.at_ns = number * 1000000ll;
		require(sonde_dissect(dissector, &frame, &found) == 0);
		check(&frame, &found);
		if ((int32_t)(seq + length - ends[forward]) > 0)
			ends[forward] = seq + (uint32_t)length;
		free(packet);
		bytes += 3 + length;
		n -= 3 + length;
	}
	sonde_dissector_free(dissector);
	return 0;
}
