/* The time column, in tshark's formats (-t). */
#ifndef CLI_PACKET_TIME_H
#define CLI_PACKET_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <sonde/frame.h>

#include "lines.h"

enum packet_time_format {
	PACKET_TIME_RELATIVE = 0, /* since the first frame of the file */
	PACKET_TIME_ABSOLUTE,
	PACKET_TIME_DATE,
	PACKET_TIME_DELTA,       /* since the frame before */
	PACKET_TIME_DELTA_SHOWN, /* since the one shown before */
	PACKET_TIME_EPOCH,
	PACKET_TIME_UTC,
	PACKET_TIME_UTC_DATE,
};

/* "r", "a", ...: the words of the option, in the order of the enum; ends with NULL. */
extern const char *const packet_time_words[];

struct packet_time {
	uint8_t format; /* enum packet_time_format */
	bool has_first, has_shown;
	int64_t first_ns, previous_ns, shown_ns;
	/* The broken-down second that was shown last. */
	bool has_cached, is_cached_utc;
	int64_t cached_s;
	struct tm cached;
};

void packet_time_init(struct packet_time *time, enum packet_time_format format);
/* For every frame, before it is shown. */
void packet_time_see(struct packet_time *time, const struct sonde_frame *frame);
/* For every frame, when it has been shown or not. */
void packet_time_pass(struct packet_time *time, const struct sonde_frame *frame,
		      bool is_shown);
/* In the column's width. */
void packet_time_add(struct packet_time *time, const struct sonde_frame *frame,
		     struct lines *lines);

/* "Nov 14, 2023 22:13:20.000000000 UTC", as tshark prints a field; local time. */
void packet_time_add_field(struct packet_time *time, int64_t at_ns, struct lines *lines);
/* "-1.500000000" */
void packet_time_add_seconds(int64_t duration_ns, unsigned digits, struct lines *lines);

#endif
