/* The page's half that knows: a capture as bytes in, JSON for the drawing half out.
 *
 * Nothing here is concluded anew.  The PURE rooms decode, join, filter and find; the words
 * are those of cli/label.h and cli/render.h, so that the page says in every cell what the
 * terminal says.  JavaScript asks for what it is about to draw, and only for that: the
 * rows that are in view, the packet that was chosen.
 *
 * One page holds one capture.  Functions marked PAGE_API are called from JavaScript, which
 * finds what they answered in the text at page_text(), page_length() bytes of JSON. */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/explain.h>
#include <sonde/filter.h>
#include <sonde/finding.h>
#include <sonde/json.h>
#include <sonde/timeline.h>

#include "frames.h"
#include "packets.h"

#ifdef __wasm__
#define PAGE_API(name) __attribute__((export_name(#name)))
#else
#define PAGE_API(name)
#endif

/* A row of the ladder that is in view, or of what the filter left of it. */
struct page_shown {
	uint32_t row;   /* of the ladder; or, for a gap, the first */
	int64_t gap_ns; /* of a gap: those of the filter run together */
};

/* From where a statement's bar begins to where it ends, in rows that are shown. */
struct page_bar {
	uint32_t statement, from, to;
	uint8_t lane;
	uint8_t depth; /* how many bars of its lane it stands beside */
};

struct page {
	uint8_t *bytes; /* the file; owned */
	size_t size, room;
	char *input; /* what JavaScript says: a filter, a text to search for; owned */
	size_t input_room;
	struct sonde_json json; /* what is answered */

	struct sonde_recording *recording; /* NULL: no capture is open */
	struct sonde_heard *heard;
	struct sonde_timeline timeline;
	struct sonde_tables tables;
	struct sonde_findings findings;
	struct sonde_account *accounts; /* NULL where calls tell more */
	uint32_t frame_count;
	bool shows_secrets; /* passwords as they were sent, not masked */

	struct sonde_ladder ladder; /* of the stream that is looked at; stream 0: none */
	struct page_shown *shown;   /* owned, as all below */
	struct page_bar *bars;      /* by where they begin */
	double *times; /* [shown]: ms since the start; of a gap not a number */
	size_t shown_count, shown_room, bar_count, bar_room, time_room;

	/* The filter.  NULL: everything passes. */
	uint8_t *frame_passes;     /* [frame - 1] */
	uint8_t *statement_passes; /* [statement - 1] */
	uint32_t frames_passed;

	/* Rows of the tables that pass, each an index. */
	struct page_rows {
		uint32_t *rows;
		size_t count, room;
	} sent, completed, taken, statements, packets;

	struct page_columns columns;

	/* The dissector that shows packets, behind the frame it saw last. */
	struct page_frames frames;
	struct sonde_dissector *dissector;
	uint32_t dissected;
};

extern struct page page;

/* page.c */
PAGE_API(page_reserve) void *page_reserve(uint32_t size);
/* Passwords are masked, or not, in what is opened from now on. */
PAGE_API(page_show_secrets) void page_show_secrets(uint32_t are_shown);
/* The bytes at page_reserve(), as a capture.  0: the answer is the overview; else it is
 * {"error","hint"} and there is no capture. */
PAGE_API(page_open) int page_open(uint32_t size);
PAGE_API(page_bytes) const uint8_t *page_bytes(void); /* the file, as it came */
PAGE_API(page_text) const char *page_text(void);
PAGE_API(page_length) uint32_t page_length(void);
PAGE_API(page_input) char *page_input(uint32_t size);
void page_close(void);

/* overview.c */
void page_answer_overview(void);

/* ladder.c: builds the ladder of a stream (from 1) and says how many rows it has, or a
 * negative errno.  fold_ms 0: idle times at length. */
PAGE_API(page_ladder)
int page_ladder(uint32_t stream, uint32_t all_acks, double fold_ms);
PAGE_API(page_times) const double *page_times(void);
/* The rows whose numbers (32 bits each, ascending) are the input, and the bars that reach
 * between the first and the last of them. */
PAGE_API(page_rows) void page_rows(uint32_t count);
/* Where a packet or a statement is among the rows; -1 nowhere. */
PAGE_API(page_row_of_packet) int page_row_of_packet(uint32_t packet);
PAGE_API(page_row_of_statement) int page_row_of_statement(uint32_t statement);
/* The next row from `from` on (or, backwards, before it) that has the input in its words;
 * -1 none. */
PAGE_API(page_search) int page_search(int from, int is_backwards);
/* Of all rows, once filter or ladder have changed. */
int page_choose_rows(void);

/* tables.c: kind 0 packet -> statement, 1 statement -> packet, 2 taken, 3 statements, 4
 * packets. */
enum page_table {
	TABLE_SENT = 0,
	TABLE_COMPLETED,
	TABLE_TAKEN,
	TABLE_STATEMENTS,
	TABLE_PACKETS,
};
PAGE_API(page_table_count) int page_table_count(uint32_t kind);
PAGE_API(page_table) void page_table(uint32_t kind, uint32_t first, uint32_t count);
int page_choose_tables(void);

/* A dissector that masks as the page does.  0 or -ENOMEM. */
int page_dissector_new(struct sonde_dissector **ret);

/* match.c: the input as a display filter.  1 it is one; 0 the answer says why not:
 * {"reason","at","length","hint"}, where 16-bit units of the text are counted. */
PAGE_API(page_filter) int page_filter(void);
bool page_packet_passes(uint32_t packet);
bool page_statement_passes(uint32_t statement);

/* detail.c, statement.c: all that is known of one. */
PAGE_API(page_packet) void page_packet(uint32_t packet);
/* Its bytes: 0 the frame's, 1 those that were put together. */
PAGE_API(page_packet_bytes) const uint8_t *page_packet_bytes(uint32_t source);
PAGE_API(page_statement) void page_statement(uint32_t statement);

/* say.c: a member of the object that is open, in the words of cli/, made safe to show:
 * control characters and those that reorder a line are spelt out. */
void page_say(const char *key, const char *text);
void page_say_ms(const char *key, int64_t at_ns); /* since the start: "191.661" */
void page_say_statement(const char *key, uint32_t statement);
void page_say_packet(const char *key, uint32_t packet);
void page_answer_begin(void);
void page_answer_end(void);

/* regex.c: `matches`, by the browser's own expressions. */
const struct sonde_regex *page_regex(void);

#endif
