/* Columns, lanes and texts of a ladder; see render_ladder.c for how it is read. */
#include "ladder_view.h"

#include <stdio.h>
#include <string.h>

enum { ARROW_LEAST = 16 }; /* columns between the lanes */

void ladder_format_packet(const struct ladder_view *view, uint32_t packet,
			  enum label_form form, struct sonde_text *text)
{
	sonde_text_add(text, "%u ", packet);
	label_packet(text, &view->timeline->recording->packets[packet - 1], form);
	if (view->timeline->packet_places[packet - 1].is_retransmission)
		sonde_text_add(text, " again");
}

void ladder_format_pass(const struct ladder_view *view,
			const struct sonde_ladder_row *row, enum label_form form,
			struct sonde_text *text)
{
	label_pass(text, view->timeline, &view->timeline->edges[row->edge - 1], form);
}

static unsigned measure_labels(const struct ladder_view *view, enum label_form form)
{
	unsigned most = 0;

	for (uint32_t i = 0; i < view->rows_seen; i++) {
		const struct sonde_ladder_row *row = &view->ladder->rows[i];
		char storage[LADDER_TEXT_CHARS];
		struct sonde_text text;
		unsigned columns;

		sonde_text_init(&text, storage, sizeof(storage));
		if (row->kind == SONDE_LADDER_PACKET)
			ladder_format_packet(view, row->packet, form, &text);
		else if (row->kind == SONDE_LADDER_PASS)
			ladder_format_pass(view, row, form, &text);
		else
			continue;
		columns = canvas_measure(&view->canvas, storage);
		if (columns > most)
			most = columns;
	}
	return most + LADDER_ARROW_AROUND;
}

static double in_ms(const struct ladder_view *view, int64_t at_ns)
{
	return (double)(at_ns - view->timeline->recording->started_ns) / 1e6;
}

/* As many decimals of a millisecond as the latest time leaves room for. */
static void choose_decimals(struct ladder_view *view)
{
	double latest = 0;

	for (uint32_t i = 0; i < view->rows_seen; i++) {
		double ms = in_ms(view, view->ladder->rows[i].at_ns);

		if (ms > latest)
			latest = ms;
	}
	view->decimals = 3;
	for (double most = 99999; latest > most && view->decimals > 0; most *= 10)
		view->decimals--;
}

/* The arrows get what their labels need, in the longest form that leaves room for the
 * source text. */
static void lay_out_arrows(struct ladder_view *view)
{
	unsigned width = view->canvas.width;
	const unsigned limits[] = {
		[LABEL_LONG] = width / 4 + 2,
		[LABEL_SHORT] = width * 3 / 10,
		[LABEL_LETTERS] = width * 3 / 10,
	};

	view->form = LABEL_LONG;
	view->arrow = measure_labels(view, LABEL_LONG);
	while (view->arrow > limits[view->form] && view->form < LABEL_LETTERS) {
		view->form++;
		view->arrow = measure_labels(view, view->form);
	}
	if (view->arrow > limits[LABEL_LETTERS])
		view->arrow = limits[LABEL_LETTERS];
	if (view->arrow < ARROW_LEAST)
		view->arrow = ARROW_LEAST;
}

void ladder_lay_out(struct ladder_view *view)
{
	unsigned text;

	canvas_init(&view->canvas, view->output);
	lay_out_arrows(view);
	choose_decimals(view);
	/* time, blank, text, blank, lane, arrow, lane, blank, text */
	text = view->canvas.width - LADDER_TIME_COLUMNS - 1 - 4 - view->arrow;
	view->sides[0].text = LADDER_TIME_COLUMNS + 1;
	view->sides[0].width = text / 2;
	view->sides[0].lane = view->sides[0].text + view->sides[0].width + 1;
	view->sides[0].ink = INK_CLIENT;
	view->sides[1].lane = view->sides[0].lane + view->arrow + 1;
	view->sides[1].text = view->sides[1].lane + 2;
	view->sides[1].width = text - text / 2;
	view->sides[1].ink = INK_SERVER;
}

void ladder_draw_time(struct ladder_view *view, int64_t at_ns)
{
	char shown[32];

	snprintf(shown, sizeof(shown), "%*.*f", LADDER_TIME_COLUMNS, view->decimals,
		 in_ms(view, at_ns));
	canvas_text(&view->canvas, 0, LADDER_TIME_COLUMNS, shown, INK_DIM);
}

void ladder_draw_lane(struct ladder_view *view, const struct ladder_side *side)
{
	const struct sonde_statement *statement;

	if (side->open_count == 0) {
		canvas_sign(&view->canvas, side->lane, "│", '|', INK_DIM);
		return;
	}
	statement = &view->timeline->statements[side->open[side->open_count - 1] - 1];
	if (statement->blocked == SONDE_YES)
		canvas_sign(&view->canvas, side->lane, "┇", ':', side->ink);
	else
		canvas_sign(&view->canvas, side->lane, "┃", '#', side->ink);
}

/* Puts the text beside its lane; what does not fit waits for the row below. */
void ladder_draw_text(struct ladder_view *view, struct ladder_side *side,
		      const char *text, enum ink ink)
{
	size_t fits = canvas_break(&view->canvas, text, side->width);
	char first[LADDER_TEXT_CHARS];

	snprintf(first, sizeof(first), "%.*s", (int)fits, text);
	canvas_text(&view->canvas, side->text, side->width, first, ink);
	side->pending[0] = '\0';
	if (text[fits])
		snprintf(side->pending, sizeof(side->pending), "  %s",
			 text + fits + strspn(text + fits, " "));
}

void ladder_draw_pending(struct ladder_view *view, struct ladder_side *side)
{
	if (!side->pending[0])
		return;
	canvas_text(&view->canvas, side->text, side->width, side->pending, INK_PLAIN);
	side->pending[0] = '\0';
}

/* A row that holds the rest of texts and the lanes. */
void ladder_print_between(struct ladder_view *view)
{
	for (int i = 0; i < 2; i++) {
		ladder_draw_lane(view, &view->sides[i]);
		ladder_draw_pending(view, &view->sides[i]);
	}
	canvas_print(&view->canvas, view->output);
}
