/* One frame of a capture: what a file's reader gives, what a capture hands on, what
 * <sonde/dissect.h> takes.  All that it points to is borrowed, until the next one. */
#ifndef SONDE_FRAME_H
#define SONDE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sonde_frame_kind {
	SONDE_FRAME_PACKET = 0,
	SONDE_FRAME_JOURNAL, /* a systemd journal entry: in sonde's files, a call */
};

struct sonde_frame {
	uint32_t number;     /* from 1; journal entries count, as in Wireshark's list */
	uint8_t kind;        /* enum sonde_frame_kind */
	uint8_t direction;   /* 0 not known, 1 inbound, 2 outbound (epb_flags) */
	uint16_t link;       /* LINKTYPE_ value, see enum sonde_link; of a packet */
	uint32_t interface;  /* counts from 0 in the file; of a packet */
	uint8_t time_digits; /* of the second's fraction, as the file has them: 0 to 9 */
	/* CLOCK_REALTIME since the epoch, at most INT64_MAX / 2 before or behind it, so that
	 * two have a difference; INT64_MIN: the file has none. */
	int64_t at_ns;
	uint32_t captured_length, wire_length;
	const uint8_t *bytes; /* captured_length of them; of a journal entry, its text */
	uint32_t pid, tid;    /* epb_processid_threadid as sonde writes it; 0 none */
	const char *interface_name; /* NULL not known */
	/* A packet's opt_comment, in the file's order; not terminated by NUL. */
	const struct sonde_frame_text {
		const char *text;
		size_t length;
	} * comments;
	size_t comment_count;
};

#endif
