/* What a ladder is drawn on: where its columns are, and what is open or pending there. */
#ifndef CLI_LADDER_VIEW_H
#define CLI_LADDER_VIEW_H

#include <stdbool.h>

#include <sonde/text.h>
#include <sonde/timeline.h>

#include "canvas.h"
#include "label.h"

enum {
	LADDER_TIME_COLUMNS = 9,
	LADDER_ARROW_AROUND = 5,    /* of an arrow beside its label: "- ", " ->" */
	LADDER_OPEN_STATEMENTS = 8, /* threads in one socket at once that are drawn */
	LADDER_TEXT_CHARS = 512,
};

struct ladder_side {
	unsigned text, width, lane; /* columns */
	enum ink ink;
	uint32_t open[LADDER_OPEN_STATEMENTS]; /* have begun, the latest last */
	unsigned open_count;
	char pending[LADDER_TEXT_CHARS]; /* the rest of a text that needs a second row */
};

struct ladder_view {
	struct output *output;
	const struct sonde_timeline *timeline;
	const struct sonde_ladder *ladder;
	struct canvas canvas;
	struct ladder_side sides[2];
	unsigned arrow; /* columns between the lanes */
	enum label_form form;
	int decimals; /* of the times */
	bool is_full;
	uint32_t rows_seen;      /* the last that is drawn is among these, the first */
	uint32_t options_folded; /* rows */
};

/* From output, timeline, ladder and rows_seen: everything else. */
void ladder_lay_out(struct ladder_view *view);

/* "4 PSH,ACK 18 bytes" */
void ladder_format_packet(const struct ladder_view *view, uint32_t packet,
			  enum label_form form, struct sonde_text *text);
/* "18 bytes", of an arrow without a packet. */
void ladder_format_pass(const struct ladder_view *view,
			const struct sonde_ladder_row *row, enum label_form form,
			struct sonde_text *text);
void ladder_draw_time(struct ladder_view *view, int64_t at_ns);
void ladder_draw_lane(struct ladder_view *view, const struct ladder_side *side);
/* Puts the text beside its lane; what does not fit is pending. */
void ladder_draw_text(struct ladder_view *view, struct ladder_side *side,
		      const char *text, enum ink ink);
void ladder_draw_pending(struct ladder_view *view, struct ladder_side *side);
/* A row of its own for what is pending. */
void ladder_print_between(struct ladder_view *view);

#endif
