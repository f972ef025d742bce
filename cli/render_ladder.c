/* The ladder of one stream on a terminal.
 *
 *	     time  what the client does |---- packets ---->| what the server does
 *
 * A lane is a column: thin while its program does something else, thick while a statement
 * is in the kernel, dashed while it is blocked there.  An arrow that ends in a dot is the
 * packet for which the statement on that lane was waiting.
 *
 * The text of a statement stands where its bar begins and may go on in the row below.
 * That row is the next one of the ladder where it leaves the place free, else a row is
 * put in: `pending` holds what is still to be printed on each side. */
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "ladder_view.h"
#include "render.h"

enum { ROWS_SHOWN = 300 }; /* without --full */

static void open_statement(struct ladder_side *side, uint32_t statement)
{
	if (side->open_count < LADDER_OPEN_STATEMENTS)
		side->open[side->open_count++] = statement;
}

static bool is_open(const struct ladder_side *side, uint32_t statement)
{
	for (unsigned i = 0; i < side->open_count; i++) {
		if (side->open[i] == statement)
			return true;
	}
	return false;
}

static void close_statement(struct ladder_side *side, uint32_t statement)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < side->open_count; i++) {
		if (side->open[i] != statement)
			side->open[kept++] = side->open[i];
	}
	side->open_count = kept;
}

/* "9 -> 8 bytes, 1.23 ms" */
static bool format_end(const struct ladder_view *view, uint32_t number,
		       struct sonde_text *text)
{
	const struct sonde_statement *statement = &view->timeline->statements[number - 1];
	bool is_error;

	label_statement_key(text, view->timeline, number);
	sonde_text_add(text, " %s ", view->canvas.has_utf8 ? "→" : "->");
	is_error = label_outcome(text, view->timeline, number);
	if (statement->blocked == SONDE_YES && statement->exit_ns) {
		sonde_text_add(text, ", ");
		sonde_text_add_duration(text, statement->exit_ns - statement->enter_ns);
	}
	return is_error;
}

static void draw_statement(struct ladder_view *view, const struct sonde_ladder_row *row)
{
	struct ladder_side *side = &view->sides[row->lane];
	char storage[LADDER_TEXT_CHARS];
	struct sonde_text text;
	bool is_error;

	sonde_text_init(&text, storage, sizeof(storage));
	switch (row->kind) {
	case SONDE_LADDER_BEGIN:
		open_statement(side, row->statement);
		ladder_draw_lane(view, &view->sides[!row->lane]);
		canvas_sign(&view->canvas, side->lane, "┳", '+', side->ink);
		label_statement_in_lane(&text, view->timeline, row->statement);
		ladder_draw_text(view, side, storage, INK_PLAIN);
		break;
	case SONDE_LADDER_END:
		close_statement(side, row->statement);
		ladder_draw_lane(view, &view->sides[!row->lane]);
		canvas_sign(&view->canvas, side->lane, side->open_count ? "╋" : "┻", '+',
			    side->ink);
		is_error = format_end(view, row->statement, &text);
		ladder_draw_text(view, side, storage, is_error ? INK_ERROR : INK_PLAIN);
		break;
	default: /* SONDE_LADDER_WHOLE */
		ladder_draw_lane(view, &view->sides[!row->lane]);
		canvas_sign(&view->canvas, side->lane, "■", '=', side->ink);
		label_statement_in_lane(&text, view->timeline, row->statement);
		ladder_draw_text(view, side, storage, INK_PLAIN);
		text.used = 0;
		storage[0] = '\0';
		is_error = format_end(view, row->statement, &text);
		if (is_error) {
			/* An error must be seen; other outcomes are what one expects. */
			canvas_print(&view->canvas, view->output);
			if (side->pending[0])
				ladder_print_between(view);
			ladder_draw_lane(view, &view->sides[0]);
			ladder_draw_lane(view, &view->sides[1]);
			ladder_draw_text(view, side, storage, INK_ERROR);
		}
		break;
	}
}

/* From lane to lane, of a packet or, without one, from call to call: those have an arrow
 * of double lines. */
static void draw_arrow(struct ladder_view *view, const struct sonde_ladder_row *row)
{
	bool is_pass = row->kind == SONDE_LADDER_PASS;
	bool is_reset =
		!is_pass &&
		view->timeline->recording->packets[row->packet - 1].decoded.tcp_flags &
			SONDE_TCP_RST;
	bool goes_right = row->lane == 0;
	struct ladder_side *to = &view->sides[row->to_lane];
	enum ink ink = is_reset ? INK_ERROR : view->sides[row->lane].ink;
	unsigned first = view->sides[0].lane + 1, last = view->sides[1].lane - 1;
	char storage[LADDER_TEXT_CHARS];
	struct sonde_text text;
	unsigned at = first + 1 + !goes_right, used;

	ladder_draw_lane(view, &view->sides[0]);
	ladder_draw_lane(view, &view->sides[1]);
	for (unsigned column = first; column <= last; column++)
		canvas_sign(&view->canvas, column, is_pass ? "═" : "─",
			    is_pass ? '=' : '-', ink);
	if (goes_right)
		canvas_sign(&view->canvas, last, "▶", '>', ink);
	else
		canvas_sign(&view->canvas, first, "◀", '<', ink);

	sonde_text_init(&text, storage, sizeof(storage));
	if (is_pass)
		ladder_format_pass(view, row, view->form, &text);
	else
		ladder_format_packet(view, row->packet, view->form, &text);
	canvas_sign(&view->canvas, at++, " ", ' ', INK_PLAIN);
	used = canvas_text(&view->canvas, at, view->arrow - LADDER_ARROW_AROUND, storage,
			   is_reset ? INK_ERROR : INK_PLAIN);
	canvas_sign(&view->canvas, at + used, " ", ' ', INK_PLAIN);
	if (row->completes)
		canvas_sign(&view->canvas, to->lane, row->is_perhaps ? "○" : "●",
			    row->is_perhaps ? 'o' : '*', ink);
}

static void print_gap(struct ladder_view *view, const struct sonde_ladder_row *row)
{
	char storage[LADDER_TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_duration(&text, row->gap_ns);
	sonde_text_add(&text, " idle");
	canvas_sign(&view->canvas, LADDER_TIME_COLUMNS - 1, "⋮", ':', INK_DIM);
	for (int i = 0; i < 2; i++) {
		ladder_draw_lane(view, &view->sides[i]);
		ladder_draw_pending(view, &view->sides[i]);
	}
	canvas_text(&view->canvas, view->sides[0].lane + 2, view->arrow - 2, storage,
		    INK_DIM);
	canvas_print(&view->canvas, view->output);
}

static void print_row(struct ladder_view *view, const struct sonde_ladder_row *row);

/* Nothing happened between the begin and the end of a statement that was blocked: it has
 * a bar all the same, because it did not come back at once. */
static void print_wait(struct ladder_view *view, const struct sonde_ladder_row *row)
{
	const struct sonde_statement *statement =
		&view->timeline->statements[row->statement - 1];
	struct sonde_ladder_row part = *row;

	part.kind = SONDE_LADDER_BEGIN;
	print_row(view, &part);
	part.gap_ns = statement->exit_ns - statement->enter_ns;
	if (part.gap_ns >= RENDER_GAP_NS && !view->is_full) {
		part.kind = SONDE_LADDER_GAP;
		print_row(view, &part);
	}
	part.kind = SONDE_LADDER_END;
	part.at_ns = statement->exit_ns;
	print_row(view, &part);
}

static bool is_wait(const struct ladder_view *view, const struct sonde_ladder_row *row)
{
	const struct sonde_statement *statement;

	if (row->kind != SONDE_LADDER_WHOLE)
		return false;
	statement = &view->timeline->statements[row->statement - 1];
	return statement->blocked == SONDE_YES && statement->exit_ns;
}

static void print_row(struct ladder_view *view, const struct sonde_ladder_row *row)
{
	bool is_arrow =
		row->kind == SONDE_LADDER_PACKET || row->kind == SONDE_LADDER_PASS;
	bool is_statement = !is_arrow && row->kind != SONDE_LADDER_GAP;

	if (is_wait(view, row)) {
		print_wait(view, row);
		return;
	}

	if (row->kind == SONDE_LADDER_GAP) {
		print_gap(view, row);
		return;
	}
	/* The other side of the row is free for the rest of a text, but a row that begins
	 * a text on a side whose last one is not out yet waits. */
	if (is_statement && view->sides[row->lane].pending[0])
		ladder_print_between(view);
	/* A statement whose beginning was cut off has no bar to end. */
	if (row->kind == SONDE_LADDER_END &&
	    !is_open(&view->sides[row->lane], row->statement))
		open_statement(&view->sides[row->lane], row->statement);
	for (int i = 0; i < 2; i++) {
		if (!is_statement || i != row->lane)
			ladder_draw_pending(view, &view->sides[i]);
	}
	ladder_draw_time(view, row->at_ns);
	if (is_arrow)
		draw_arrow(view, row);
	else
		draw_statement(view, row);
	canvas_print(&view->canvas, view->output);
}

static void print_head(struct ladder_view *view)
{
	const struct sonde_recording *recording = view->timeline->recording;

	canvas_text(&view->canvas, LADDER_TIME_COLUMNS - 2, 2, "ms", INK_DIM);
	for (int i = 0; i < 2; i++) {
		const struct sonde_lane *lane = &view->ladder->lanes[i];
		const struct ladder_side *side = &view->sides[i];
		char storage[LADDER_TEXT_CHARS];
		struct sonde_text text;

		sonde_text_init(&text, storage, sizeof(storage));
		if (lane->program)
			label_process(&text, recording, lane->program);
		else
			sonde_text_add(&text, "not traced");
		canvas_text(&view->canvas, side->text, side->width, storage, side->ink);
	}
	canvas_print(&view->canvas, view->output);
	for (int i = 0; i < 2; i++) {
		char address[LADDER_TEXT_CHARS];
		struct sonde_text text;

		sonde_text_init(&text, address, sizeof(address));
		label_socket(&text, recording, view->ladder->lanes[i].socket,
			     &view->ladder->lanes[i].address);
		canvas_text(&view->canvas, view->sides[i].text, view->sides[i].width,
			    address, view->sides[i].ink);
		ladder_draw_lane(view, &view->sides[i]);
	}
	canvas_print(&view->canvas, view->output);
}

/* Statements whose bars run to the end: they were still in a call. */
static void print_unfinished(struct ladder_view *view)
{
	for (int i = 0; i < 2; i++) {
		struct ladder_side *side = &view->sides[i];

		for (unsigned k = 0; k < side->open_count; k++) {
			char storage[LADDER_TEXT_CHARS];
			struct sonde_text text;
			bool is_error;

			if (view->timeline->statements[side->open[k] - 1].exit_ns)
				continue;
			sonde_text_init(&text, storage, sizeof(storage));
			is_error = format_end(view, side->open[k], &text);
			ladder_draw_lane(view, &view->sides[0]);
			ladder_draw_lane(view, &view->sides[1]);
			ladder_draw_text(view, side, storage,
					 is_error ? INK_ERROR : INK_PLAIN);
			canvas_print(&view->canvas, view->output);
			if (side->pending[0])
				ladder_print_between(view);
		}
	}
}

/* A statement that only set or asked for an option, and came back at once: it says little
 * about the connection, and some libraries make many.  An option that could not be set is
 * worth a row; that a name could not be asked for is how libraries find out. */
static bool is_option_row(const struct ladder_view *view,
			  const struct sonde_ladder_row *row)
{
	const struct sonde_statement *statement;
	const struct sonde_call *call;

	if (row->kind != SONDE_LADDER_WHOLE)
		return false;
	statement = &view->timeline->statements[row->statement - 1];
	if (!statement->principal)
		return false;
	call = &view->timeline->recording->calls[statement->principal - 1];
	return call->kind == SONDE_CALL_OPTION &&
	       (call->result >= 0 || strncmp(call->name, "get", 3) == 0);
}

static void add_count(struct sonde_text *text, uint32_t count, const char *what)
{
	if (count)
		sonde_text_add(text, "%s%u %s%s", text->used ? ", " : "", count, what,
			       count == 1 ? "" : "s");
}

static void print_folded(struct ladder_view *view)
{
	char storage[LADDER_TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	add_count(&text, view->ladder->acks_folded, "bare acknowledgement");
	add_count(&text, view->options_folded, "option call");
	if (text.used)
		output_print(view->output, "  left out: %s; --full draws all\n", storage);
}

static void print_foot(struct ladder_view *view, uint32_t rows_left)
{
	struct output *output = view->output;

	if (view->sides[0].pending[0] || view->sides[1].pending[0])
		ladder_print_between(view);
	if (!rows_left)
		print_unfinished(view);
	if (rows_left)
		output_print(output, "  %u more rows are not drawn; --full draws all\n",
			     rows_left);
	print_folded(view);
}

/* How many rows there are up to the last that is drawn: a ladder may have a million more,
 * and they must not cost anything. */
static uint32_t count_seen(const struct ladder_view *view)
{
	uint32_t drawn = 0, seen = 0;

	if (view->is_full)
		return view->ladder->row_count;
	while (seen < view->ladder->row_count && drawn < ROWS_SHOWN)
		drawn += !is_option_row(view, &view->ladder->rows[seen++]);
	return seen;
}

void render_ladder(struct output *output, const struct sonde_timeline *timeline,
		   const struct sonde_ladder *ladder,
		   const struct render_options *options)
{
	struct ladder_view view = {
		.output = output,
		.timeline = timeline,
		.ladder = ladder,
		.is_full = options->is_full,
	};
	uint32_t drawn = 0, left = 0;

	view.rows_seen = count_seen(&view);
	ladder_lay_out(&view);
	print_head(&view);
	for (uint32_t i = 0; i < ladder->row_count && !output_is_broken(output); i++) {
		if (!view.is_full && is_option_row(&view, &ladder->rows[i])) {
			view.options_folded++;
		} else if (!view.is_full && drawn == ROWS_SHOWN) {
			left++;
		} else {
			print_row(&view, &ladder->rows[i]);
			drawn++;
		}
	}
	print_foot(&view, left);
}
