/* A capture file as a stream of bytes, whatever its format: bytes in, frames out.  Pure:
 * its caller has the file (lib/store), and gives it as much of it as it likes.
 *
 *	capture_parser_init(&parser);
 *	for (;;) {
 *		r = capture_parse(&parser, bytes + at, n - at, &used, &frame);
 *		at += used;
 *		r == 1: a frame, which points into the bytes; r == 0 and used: no frame, go on;
 *		r == 0 and not used: parser.wanted bytes are needed from here on */
#ifndef FILE_CAPTURE_PARSE_H
#define FILE_CAPTURE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/frame.h>

#include "file/pcapng.h"

enum capture_format { CAPTURE_UNKNOWN = 0, CAPTURE_PCAP, CAPTURE_PCAPNG };

struct capture_interface {
	uint16_t link;
	uint8_t resolution; /* as if_tsresol: 10^-n, or 2^-n with the highest bit set */
	int64_t offset_s;
	uint32_t snap_bytes; /* 0 no limit */
	uint64_t dropped;    /* the last statistics said so */
	char *name;          /* owned; NULL none */
};

struct capture_parser {
	enum capture_format format;
	bool swapped;
	uint32_t record_bytes; /* of a pcap record's header */
	/* Of the section; of a pcap file there is one. */
	struct capture_interface *interfaces; /* owned */
	size_t interface_count, interface_capacity;
	uint32_t interfaces_before;        /* those of the sections before */
	struct sonde_frame_text *comments; /* owned; of the frame given last */
	size_t comment_capacity;
	uint32_t frames;
	size_t wanted;
	const char *reason; /* static: why -EBADMSG */
	uint64_t passed_over, dropped;
	bool has_dropped;
};

void capture_parser_init(struct capture_parser *parser);
void capture_parser_done(struct capture_parser *parser);

/* By the first four bytes; capture_parse() does it, too.  0 (without parser->format where
 * more are needed) or -EBADMSG with parser->reason. */
int capture_find_format(struct capture_parser *parser, const uint8_t *bytes, size_t n);

/* 1 a frame, 0 (see above), -EBADMSG with parser->reason, -ENOMEM.  *ret_used is written
 * in all cases. */
int capture_parse(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		  size_t *ret_used, struct sonde_frame *ret);

/* ---- for the formats, which share the parser ---- */

int capture_fail(struct capture_parser *parser, const char *reason); /* -EBADMSG */
/* 0, -ENOMEM, or -EBADMSG for one too many. */
int capture_add_interface(struct capture_parser *parser,
			  const struct capture_interface *interface);

int pcap_parse_header(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		      size_t *ret_used);
int pcap_parse_record(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		      size_t *ret_used, struct sonde_frame *ret);
int pcapng_parse_block(struct capture_parser *parser, const uint8_t *bytes, size_t n,
		       size_t *ret_used, struct sonde_frame *ret);

#endif
