/* A capture in memory, frame by frame. */
#include "frames.h"

#include <errno.h>

void frames_begin(struct page_frames *frames, const uint8_t *bytes, size_t size)
{
	*frames = (struct page_frames){.bytes = bytes, .size = size};
	capture_parser_init(&frames->parser);
}

void frames_end(struct page_frames *frames)
{
	capture_parser_done(&frames->parser);
	*frames = (struct page_frames){0};
}

static int fail(struct page_frames *frames, const char *reason)
{
	frames->reason = reason;
	return -EBADMSG;
}

/* Nothing more fits: that is the end, or the file is not whole. */
static int end(struct page_frames *frames)
{
	const struct capture_parser *parser = &frames->parser;
	bool has_header = parser->format == CAPTURE_PCAPNG ? frames->at > 0
							   : parser->interface_count > 0;

	if (!frames->size)
		return fail(frames, "it is empty");
	if (!has_header)
		return fail(frames, "it ends within its header");
	frames->is_cut = frames->at < frames->size;
	return 0;
}

int frames_next(struct page_frames *frames, struct sonde_frame *ret)
{
	for (;;) {
		size_t left = frames->size - frames->at, used = 0;
		int r = capture_parse(&frames->parser, frames->bytes + frames->at, left,
				      &used, ret);

		if (r < 0)
			return r == -EBADMSG ? fail(frames, frames->parser.reason) : r;
		frames->at += used;
		if (r > 0)
			return 1;
		if (!used && left < frames->parser.wanted)
			return end(frames);
	}
}
