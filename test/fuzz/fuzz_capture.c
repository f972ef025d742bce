/* Fuzz target: capture files, pcap and pcapng.
 *
 * Properties: nothing is read past what was given; a file given in pieces has the same
 * frames as the whole one; and a frame that was written is read as the same frame. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file/capture_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ at[i]) * UINT64_C(1099511628211);
	return sum;
}

static uint64_t mix_frame(uint64_t sum, const struct sonde_frame *frame)
{
	sum = mix(sum, &frame->number, sizeof(frame->number));
	sum = mix(sum, &frame->at_ns, sizeof(frame->at_ns));
	sum = mix(sum, &frame->link, sizeof(frame->link));
	sum = mix(sum, &frame->interface, sizeof(frame->interface));
	sum = mix(sum, &frame->wire_length, sizeof(frame->wire_length));
	if (frame->interface_name)
		sum = mix(sum, frame->interface_name, strlen(frame->interface_name));
	for (size_t i = 0; i < frame->comment_count; i++)
		sum = mix(sum, frame->comments[i].text, frame->comments[i].length);
	return mix(sum, frame->bytes, frame->captured_length);
}

static void check_again(const struct sonde_frame *frame, struct pcapng_block *block)
{
	struct pcapng_packet again, packet = {
					    .at_ns = frame->at_ns,
					    .captured_length = frame->captured_length,
					    .wire_length = frame->wire_length,
					    .bytes = frame->bytes,
					    .direction = frame->direction,
					    .pid = frame->pid,
					    .tid = frame->tid,
					    .texts = frame->comments,
					    .text_count = frame->comment_count,
				    };
	struct pcapng_view view;
	bool swapped = false;

	pcapng_format_packet(block, &packet);
	if (block->error)
		return;
	require(pcapng_parse(block->bytes, block->used, &swapped, &view) ==
		(ssize_t)block->used);
	require(pcapng_parse_packet(&view, &again) == 0);
	require(again.at_ns == packet.at_ns && again.pid == packet.pid);
	require(again.captured_length == packet.captured_length);
	require(!again.captured_length ||
		memcmp(again.bytes, packet.bytes, again.captured_length) == 0);
}

/* The file in pieces: each time what is wanted and not more, in memory of that size. */
static uint64_t read_file(const uint8_t *bytes, size_t n, bool whole, uint32_t *ret_count)
{
	struct capture_parser parser;
	struct pcapng_block block;
	uint64_t sum = 0;
	size_t at = 0, given = whole ? n : 0;

	pcapng_block_init(&block);
	capture_parser_init(&parser);
	for (;;) {
		uint8_t *copy = whole ? NULL : malloc(given ? given : 1);
		const uint8_t *from = whole ? bytes + at : copy;
		struct sonde_frame frame;
		size_t used;
		int r;

		if (copy)
			memcpy(copy, bytes + at, given);
		r = capture_parse(&parser, from, given, &used, &frame);
		require(r <= 1 && used <= given && (r >= 0 || r == -EBADMSG));
		if (r == 1) {
			require(frame.number == parser.frames);
			require(frame.bytes >= from &&
				frame.bytes + frame.captured_length <= from + used);
			sum = mix_frame(sum, &frame);
			if (whole && frame.kind == SONDE_FRAME_PACKET)
				check_again(&frame, &block);
		}
		free(copy);
		at += used;
		given -= used;
		if (r < 0)
			break;
		if (used || parser.wanted <= given)
			continue;
		if (parser.wanted > n - at)
			break;
		given = parser.wanted;
	}
	*ret_count = parser.frames;
	pcapng_block_done(&block);
	capture_parser_done(&parser);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint32_t count, count_in_pieces;
	uint64_t sum = read_file(bytes, n, true, &count);

	require(read_file(bytes, n, false, &count_in_pieces) == sum);
	require(count == count_in_pieces);
	return 0;
}
