/* The frames of a capture that is in memory as a whole. */
#ifndef WEB_FRAMES_H
#define WEB_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/frame.h>

#include "file/capture_parse.h"

struct page_frames {
	struct capture_parser parser;
	const uint8_t *bytes; /* borrowed */
	size_t size, at;
	bool is_cut;        /* it ends within a block, which is left out */
	const char *reason; /* static: why -EBADMSG */
};

void frames_begin(struct page_frames *frames, const uint8_t *bytes, size_t size);
void frames_end(struct page_frames *frames);
/* 1 a frame, 0 the end, -EBADMSG with the reason, -ENOMEM. */
int frames_next(struct page_frames *frames, struct sonde_frame *ret);

#endif
