/* The two tables of the lab.
 *
 * Every packet and every blocking statement has a row; where the other half is empty, the
 * reason stands there. */
#include <stdio.h>

#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum {
	TABLE_ROWS_SHOWN = 300, /* without --full */
	TEXT_CHARS = 512,
	NUMBER_COLUMNS = 4,
	WHAT_MOST = 21,
	GAP_COLUMNS = 2,
	WAITED_COLUMNS = 8,
};

static void print_heading(struct output *output, const char *text)
{
	struct canvas canvas;

	canvas_init(&canvas, output);
	canvas_text(&canvas, 0, canvas.width, text, INK_BOLD);
	canvas_print(&canvas, output);
}

static void print_left(struct output *output, uint32_t rows)
{
	if (rows)
		output_print(output, "  %u more rows; --full shows all\n", rows);
}

/* The packet in as many words as its column has room for. */
static void format_what(const struct canvas *canvas, char *storage, size_t capacity,
			const struct sonde_packet *packet, unsigned width)
{
	for (int form = LABEL_LONG; form <= LABEL_LETTERS; form++) {
		struct sonde_text text;

		sonde_text_init(&text, storage, capacity);
		label_packet(&text, packet, (enum label_form)form);
		if (canvas_measure(canvas, storage) <= width)
			return;
	}
}

/* Where the columns of the first table begin. */
struct sent_columns {
	unsigned what, what_width, statement, statement_width;
};

/* The packets' column is as wide as what stands in it; the statement has the rest. */
static void lay_out_sent(struct sent_columns *columns, const struct canvas *canvas,
			 const struct sonde_timeline *timeline,
			 const struct sonde_tables *tables, uint32_t rows)
{
	unsigned what = 6; /* its heading */

	for (uint32_t i = 0; i < rows; i++) {
		char storage[TEXT_CHARS];
		unsigned used;

		format_what(canvas, storage, sizeof(storage),
			    &timeline->recording->packets[tables->sent[i].packet - 1],
			    WHAT_MOST);
		used = canvas_measure(canvas, storage);
		what = used > what ? used : what;
	}
	columns->what = NUMBER_COLUMNS + GAP_COLUMNS;
	columns->what_width = what < WHAT_MOST ? what : WHAT_MOST;
	columns->statement = columns->what + columns->what_width + GAP_COLUMNS;
	columns->statement_width = canvas->width - columns->statement;
}

static void draw_packet(struct canvas *canvas, const struct sent_columns *columns,
			const struct sonde_packet *packet)
{
	bool is_reset = packet->decoded.tcp_flags & SONDE_TCP_RST;
	char storage[TEXT_CHARS];

	snprintf(storage, sizeof(storage), "%*u", NUMBER_COLUMNS, packet->packet);
	canvas_text(canvas, 0, NUMBER_COLUMNS + 1, storage, INK_PLAIN);
	format_what(canvas, storage, sizeof(storage), packet, columns->what_width);
	canvas_text(canvas, columns->what, columns->what_width, storage,
		    is_reset ? INK_ERROR : INK_PLAIN);
}

static void print_sent(struct output *output, const struct sonde_timeline *timeline,
		       const struct sonde_tables *tables, uint32_t row_limit)
{
	uint32_t rows = tables->sent_count, before = 0;
	struct sent_columns columns;
	struct canvas canvas;

	if (row_limit && rows > row_limit)
		rows = row_limit;
	canvas_init(&canvas, output);
	lay_out_sent(&columns, &canvas, timeline, tables, rows);
	print_heading(output, "Which statement sent each packet");
	canvas_text(&canvas, 0, NUMBER_COLUMNS, "  No", INK_DIM);
	canvas_text(&canvas, columns.what, columns.what_width, "packet", INK_DIM);
	canvas_text(&canvas, columns.statement, columns.statement_width,
		    canvas.has_utf8 ? "sent by statement (– by none)"
				    : "sent by statement (- by none)",
		    INK_DIM);
	canvas_print(&canvas, output);
	for (uint32_t i = 0; i < rows && !output_is_broken(output); i++) {
		const struct sonde_sent_row *row = &tables->sent[i];
		char storage[TEXT_CHARS];
		struct sonde_text text;

		/* A packet with bytes of two statements has a row for each. */
		if (row->packet != before)
			draw_packet(&canvas, &columns,
				    &timeline->recording->packets[row->packet - 1]);
		before = row->packet;
		sonde_text_init(&text, storage, sizeof(storage));
		cell_sender(&text, timeline, row, canvas.has_utf8);
		canvas_text(&canvas, columns.statement, columns.statement_width, storage,
			    row->statement ? INK_PLAIN : INK_DIM);
		canvas_print(&canvas, output);
	}
	print_left(output, tables->sent_count - rows);
}

/* The packet's column is as wide as what stands in it, but the statement gets two fifths
 * of the line. */
static unsigned measure_completed(const struct canvas *canvas,
				  const struct sonde_timeline *timeline,
				  const struct sonde_tables *tables, uint32_t rows)
{
	unsigned most = 19; /* its heading */
	unsigned limit = canvas->width * 3 / 5 - WAITED_COLUMNS - 2 * GAP_COLUMNS;

	for (uint32_t i = 0; i < rows; i++) {
		char storage[TEXT_CHARS];
		struct sonde_text text;
		unsigned used;

		sonde_text_init(&text, storage, sizeof(storage));
		cell_completed(&text, timeline, &tables->completed[i], canvas->has_utf8);
		used = canvas_measure(canvas, storage);
		most = used > most ? used : most;
	}
	return most < limit ? most : limit;
}

static void print_completed(struct output *output, const struct sonde_timeline *timeline,
			    const struct sonde_tables *tables, uint32_t row_limit)
{
	uint32_t rows = tables->completed_count, before = 0;
	unsigned width, waited, packet, packet_width;
	struct canvas canvas;

	if (row_limit && rows > row_limit)
		rows = row_limit;
	canvas_init(&canvas, output);
	packet_width = measure_completed(&canvas, timeline, tables, rows);
	packet = canvas.width - packet_width;
	waited = packet - GAP_COLUMNS - WAITED_COLUMNS;
	width = waited - GAP_COLUMNS;
	print_heading(output, "Which packet completed each blocking statement");
	canvas_text(&canvas, 0, width, "statement", INK_DIM);
	canvas_text(&canvas, waited, WAITED_COLUMNS, "blocked", INK_DIM);
	canvas_text(&canvas, packet, packet_width,
		    cell_is_by_call(tables) ? "completed by" : "completed by packet",
		    INK_DIM);
	canvas_print(&canvas, output);
	for (uint32_t i = 0; i < rows && !output_is_broken(output); i++) {
		const struct sonde_completed_row *row = &tables->completed[i];
		char storage[TEXT_CHARS];
		struct sonde_text text;
		enum ink ink;

		/* One that several packets may have completed has a row for each. */
		if (row->call != before) {
			sonde_text_init(&text, storage, sizeof(storage));
			label_statement(&text, timeline, row->statement);
			canvas_text(&canvas, 0, width, storage, INK_PLAIN);
			sonde_text_init(&text, storage, sizeof(storage));
			cell_waited(&text, row);
			canvas_text(&canvas, waited, WAITED_COLUMNS, storage, INK_PLAIN);
		}
		before = row->call;
		sonde_text_init(&text, storage, sizeof(storage));
		ink = cell_completed(&text, timeline, row, canvas.has_utf8);
		canvas_text(&canvas, packet, packet_width, storage, ink);
		canvas_print(&canvas, output);
	}
	print_left(output, tables->completed_count - rows);
}

/* Bytes that no packet carried. */
static void render_taken_table(struct output *output,
			       const struct sonde_timeline *timeline,
			       const struct sonde_tables *tables, uint32_t row_limit)
{
	enum { BYTES_COLUMNS = 8 };
	uint32_t rows = tables->taken_count;
	unsigned given = BYTES_COLUMNS + GAP_COLUMNS, taken, width;
	struct canvas canvas;

	if (row_limit && rows > row_limit)
		rows = row_limit;
	canvas_init(&canvas, output);
	width = (canvas.width - given - GAP_COLUMNS) / 2;
	taken = given + width + GAP_COLUMNS;
	print_heading(output,
		      "Which statement took what another one gave, without packets");
	canvas_text(&canvas, BYTES_COLUMNS - 5, 5, "bytes", INK_DIM);
	canvas_text(&canvas, given, width, "given by statement", INK_DIM);
	canvas_text(&canvas, taken, canvas.width - taken, "taken by statement", INK_DIM);
	canvas_print(&canvas, output);
	for (uint32_t i = 0; i < rows && !output_is_broken(output); i++) {
		const struct sonde_taken_row *row = &tables->taken[i];
		char storage[TEXT_CHARS];
		struct sonde_text text;

		snprintf(storage, sizeof(storage), "%*u", BYTES_COLUMNS, row->bytes);
		canvas_text(&canvas, 0, BYTES_COLUMNS + 1, storage, INK_PLAIN);
		sonde_text_init(&text, storage, sizeof(storage));
		if (!row->exact)
			sonde_text_add(&text, "perhaps ");
		label_statement(&text, timeline, row->by_statement);
		canvas_text(&canvas, given, width, storage, INK_PLAIN);
		sonde_text_init(&text, storage, sizeof(storage));
		label_statement(&text, timeline, row->statement);
		canvas_text(&canvas, taken, canvas.width - taken, storage, INK_PLAIN);
		canvas_print(&canvas, output);
	}
	print_left(output, tables->taken_count - rows);
}

int render_tables(struct output *output, const struct sonde_timeline *timeline,
		  const struct render_options *options)
{
	uint32_t limit = options->is_full ? 0 : TABLE_ROWS_SHOWN;
	struct sonde_tables tables;
	int r = sonde_tables_build(timeline, &tables);

	if (r < 0)
		return r;
	cell_choose(timeline, &tables, options->stream);
	if (tables.sent_count > 0) {
		print_sent(output, timeline, &tables, limit);
		output_print(output, "\n");
	}
	if (tables.taken_count > 0) {
		render_taken_table(output, timeline, &tables, limit);
		output_print(output, "\n");
	}
	/* Without packets all its cells would be empty, for that one reason. */
	if (tables.completed_count > 0 &&
	    (timeline->recording->has_packets || cell_is_by_call(&tables))) {
		print_completed(output, timeline, &tables, limit);
		output_print(output, "\n");
	}
	sonde_tables_done(&tables);
	return 0;
}
