/* The ladders as a picture that needs nothing else: no script, no font, no style sheet.
 *
 * Each stream is a ladder; a lane is a line, a statement a bar on it (dashed while it is
 * blocked), a packet an arrow, a dot the packet that ended the statement.  Time runs
 * downwards, row by row; below the ladders stands what was seen and what it has cost.  Text
 * is escaped: a source line cannot become markup. */
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "label.h"
#include "render.h"

enum {
	TEXT_CHARS = 512,
	LABEL_MOST = 56, /* characters of a statement, */
	LINE_MOST = 160, /* and of a line below the ladders */
	ROW = 22,        /* pixels */
	HEAD = 70,
	WIDTH = 1240,
	LEFT_LANE = 500,
	RIGHT_LANE = 760,
	TIME_RIGHT = 70,
	BAR = 8,
	OPEN_MOST = 8, /* statements at once on one lane that have bars */
	LADDERS_SHOWN = 4,
	ROWS_SHOWN = 2000,
};

struct bar {
	uint32_t statement;
	int top;
};

struct svg {
	struct output *output;
	const struct sonde_timeline *timeline;
	const struct sonde_ladder *ladder;
	int y;
	struct bar bars[2][OPEN_MOST];
	unsigned bar_count[2];
};

/* Control characters have no place in XML, escaped or not; others are made safe. */
static void print_text(struct output *output, const char *text, unsigned most)
{
	unsigned count = 0;

	while (*text) {
		unsigned code;
		size_t n = sonde_text_decode_utf8(text, strlen(text), &code);

		if (++count > most) {
			output_print(output, "…");
			return;
		}
		if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
		    code == 0xfffe || code == 0xffff) {
			output_print(output, "\xef\xbf\xbd");
			text += n ? n : 1;
			continue;
		}
		if (strchr("<>&\"'", *text))
			output_print(output, "&#%d;", *text);
		else
			output_bytes(output, text, n);
		text += n;
	}
}

static void print_label(const struct svg *svg, int x, int y, const char *style,
			const char *anchor, const char *text)
{
	output_print(svg->output,
		     "<text x=\"%d\" y=\"%d\" class=\"%s\" text-anchor=\"%s\">", x, y,
		     style, anchor);
	print_text(svg->output, text, LABEL_MOST);
	output_print(svg->output, "</text>\n");
}

static int lane_x(unsigned lane)
{
	return lane ? RIGHT_LANE : LEFT_LANE;
}

static void print_side(const struct svg *svg, unsigned lane, const char *style,
		       const char *text)
{
	print_label(svg, lane_x(lane) + (lane ? 14 : -14), svg->y + 4, style,
		    lane ? "start" : "end", text);
}

static void print_bar(const struct svg *svg, unsigned lane, uint32_t number, int top,
		      int bottom)
{
	const struct sonde_statement *statement = &svg->timeline->statements[number - 1];
	bool is_blocked = statement->blocked == SONDE_YES;

	output_print(
		svg->output,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" class=\"%s%s\"/>\n",
		lane_x(lane) - BAR / 2, top, BAR, bottom - top,
		lane ? "server" : "client", is_blocked ? " blocked" : "");
}

static void open_bar(struct svg *svg, unsigned lane, uint32_t statement)
{
	if (svg->bar_count[lane] < OPEN_MOST)
		svg->bars[lane][svg->bar_count[lane]++] =
			(struct bar){.statement = statement, .top = svg->y - BAR / 2};
}

static void close_bar(struct svg *svg, unsigned lane, uint32_t statement)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < svg->bar_count[lane]; i++) {
		const struct bar *bar = &svg->bars[lane][i];

		if (bar->statement == statement)
			print_bar(svg, lane, statement, bar->top, svg->y + BAR / 2);
		else
			svg->bars[lane][kept++] = *bar;
	}
	svg->bar_count[lane] = kept;
}

/* Bars come before all that stands on them: what is drawn later covers it. */
static void print_bars(struct svg *svg, uint32_t rows)
{
	int y = svg->y;

	svg->bar_count[0] = svg->bar_count[1] = 0;
	for (uint32_t i = 0; i < rows; i++, svg->y += ROW) {
		const struct sonde_ladder_row *row = &svg->ladder->rows[i];

		if (row->kind == SONDE_LADDER_BEGIN)
			open_bar(svg, row->lane, row->statement);
		else if (row->kind == SONDE_LADDER_END)
			close_bar(svg, row->lane, row->statement);
		else if (row->kind == SONDE_LADDER_WHOLE)
			print_bar(svg, row->lane, row->statement, svg->y - BAR / 2,
				  svg->y + BAR / 2);
	}
	for (unsigned lane = 0; lane < 2; lane++)
		while (svg->bar_count[lane])
			close_bar(svg, lane, svg->bars[lane][0].statement);
	svg->y = y;
}

/* "9 sock.recv(1024) → 8 bytes" */
static void print_statement(struct svg *svg, const struct sonde_ladder_row *row)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;
	bool is_error = false;

	sonde_text_init(&text, storage, sizeof(storage));
	if (row->kind == SONDE_LADDER_END)
		label_statement_key(&text, svg->timeline, row->statement);
	else
		label_statement_in_lane(&text, svg->timeline, row->statement);
	if (row->kind != SONDE_LADDER_BEGIN) {
		sonde_text_add(&text, " → ");
		is_error = label_outcome(&text, svg->timeline, row->statement);
	}
	print_side(svg, row->lane, is_error ? "error" : "", storage);
}

static void print_arrow(struct svg *svg, const struct sonde_ladder_row *row)
{
	const struct sonde_timeline *timeline = svg->timeline;
	bool is_pass = row->kind == SONDE_LADDER_PASS;
	int from = lane_x(row->lane), to = lane_x(row->to_lane);
	int back = to > from ? -9 : 9;
	const char *style = row->lane ? "server" : "client";
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	if (is_pass) {
		label_pass(&text, timeline, &timeline->edges[row->edge - 1], LABEL_LONG);
	} else {
		const struct sonde_packet *packet =
			&timeline->recording->packets[row->packet - 1];

		if (packet->decoded.tcp_flags & SONDE_TCP_RST)
			style = "reset";
		sonde_text_add(&text, "%u ", row->packet);
		label_packet(&text, packet, LABEL_LONG);
	}
	output_print(svg->output,
		     "<path d=\"M%d %dH%d\" class=\"%s%s\"/>"
		     "<path d=\"M%d %dl%d -4v8z\" class=\"%s head\"/>\n",
		     from, svg->y, to, style, is_pass ? " pass" : "", to, svg->y, back,
		     style);
	if (row->completes)
		output_print(svg->output,
			     "<circle cx=\"%d\" cy=\"%d\" r=\"5\" class=\"dot%s\"/>\n",
			     to, svg->y, row->is_perhaps ? " perhaps" : "");
	print_label(svg, (LEFT_LANE + RIGHT_LANE) / 2, svg->y - 4, "", "middle", storage);
}

static void print_row(struct svg *svg, const struct sonde_ladder_row *row)
{
	char storage[64];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	if (row->kind == SONDE_LADDER_GAP) {
		sonde_text_add_duration(&text, row->gap_ns);
		sonde_text_add(&text, " idle");
		print_label(svg, (LEFT_LANE + RIGHT_LANE) / 2, svg->y + 4, "dim",
			    "middle", storage);
		return;
	}
	sonde_text_add(&text, "%.3f",
		       (double)(row->at_ns - svg->timeline->recording->started_ns) / 1e6);
	print_label(svg, TIME_RIGHT, svg->y + 4, "dim", "end", storage);
	if (row->kind == SONDE_LADDER_PACKET || row->kind == SONDE_LADDER_PASS)
		print_arrow(svg, row);
	else
		print_statement(svg, row);
}

static void print_line(struct svg *svg, bool is_drawn, const char *line)
{
	if (is_drawn) {
		output_print(svg->output, "<text x=\"%d\" y=\"%d\" class=\"dim\">", ROW,
			     svg->y);
		print_text(svg->output, line, LINE_MOST);
		output_print(svg->output, "</text>\n");
	}
	svg->y += ROW;
}

/* What stands below the ladders; not drawn, it is measured. */
static void print_seen(struct svg *svg, bool is_drawn, uint32_t more_streams,
		       bool has_summary)
{
	const struct sonde_recording *recording = svg->timeline->recording;
	char storage[4 * LINE_MOST];
	struct sonde_text text;

	svg->y += ROW;
	if (more_streams) {
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "%u more streams; --full draws all", more_streams);
		print_line(svg, is_drawn, storage);
	}
	for (int line = 0; line < SUMMARY_LINES && has_summary; line++) {
		sonde_text_init(&text, storage, sizeof(storage));
		summary_add_line(&text, svg->timeline, (enum summary_line)line);
		if (text.used)
			print_line(svg, is_drawn, storage);
	}
	for (uint32_t i = 0; i < recording->note_count; i++) {
		const struct sonde_note *note = &recording->notes[i];

		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "%s: %s", render_severity(note->severity),
			       note->text);
		print_line(svg, is_drawn, storage);
	}
}

static uint32_t row_count(const struct sonde_ladder *ladder, bool is_full)
{
	return !is_full && ladder->row_count > ROWS_SHOWN ? ROWS_SHOWN
							  : ladder->row_count;
}

static void print_ladder(struct svg *svg, uint32_t rows)
{
	const struct sonde_recording *recording = svg->timeline->recording;
	const struct sonde_stream *stream =
		&svg->timeline->streams[svg->ladder->stream - 1];
	char storage[TEXT_CHARS];
	struct sonde_text text;
	int top = svg->y + HEAD - ROW;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "stream %u, %s", stream->stream - 1,
		       label_kind(stream->kind));
	print_label(svg, (LEFT_LANE + RIGHT_LANE) / 2, svg->y + ROW, "strong", "middle",
		    storage);
	for (unsigned lane = 0; lane < 2; lane++) {
		const struct sonde_lane *it = &svg->ladder->lanes[lane];

		sonde_text_init(&text, storage, sizeof(storage));
		if (it->program) {
			label_process(&text, recording, it->program);
			sonde_text_add(&text, " ");
		}
		label_socket(&text, recording, it->socket, &it->address);
		print_label(svg, lane_x(lane), svg->y + 2 * ROW - 4, "strong",
			    lane ? "start" : "end", storage);
		output_print(svg->output, "<path d=\"M%d %dv%d\" class=\"lane\"/>\n",
			     lane_x(lane), top, (int)(rows + 1) * ROW);
	}
	svg->y = top + ROW;
	print_bars(svg, rows);
	for (uint32_t i = 0; i < rows && !output_is_broken(svg->output); i++) {
		print_row(svg, &svg->ladder->rows[i]);
		svg->y += ROW;
	}
	if (rows < svg->ladder->row_count) {
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "%u more rows; --full draws all",
			       svg->ladder->row_count - rows);
		print_label(svg, (LEFT_LANE + RIGHT_LANE) / 2, svg->y, "dim", "middle",
			    storage);
	}
	svg->y += ROW;
}

static void print_style(struct output *output)
{
	output_print(
		output,
		"<style>text{font:12px monospace;fill:#111}.dim{fill:#777}"
		".strong{font-weight:bold}.error{fill:#b00}"
		".lane{stroke:#bbb;stroke-width:1}path{fill:none;stroke-width:1.5}"
		".client{stroke:#05a}.server{stroke:#a50}.reset{stroke:#b00}"
		".head.client{fill:#05a}.head.server{fill:#a50}.head.reset{fill:#b00}"
		".pass{stroke-width:3}rect.client{fill:#cde}rect.server{fill:#fdc}"
		"rect.blocked{stroke-dasharray:3 2;fill:#fff}.dot{fill:#111}"
		".perhaps{fill:#fff;stroke:#111}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
}

/* The size stands in front of what is measured. */
static void print_head(const struct svg *svg, int height)
{
	output_print(svg->output,
		     "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		     "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n",
		     WIDTH, height, WIDTH, height);
	print_style(svg->output);
	if (!svg->timeline->stream_count)
		print_label(svg, WIDTH / 2, ROW, "dim", "middle",
			    "there is no stream to draw");
}

int render_svg(struct output *output, const struct sonde_timeline *timeline,
	       const struct render_options *options)
{
	const struct sonde_ladder_options how = {
		.all_acks = options->is_full,
		.fold_gap_ns = options->is_full ? 0 : RENDER_GAP_NS,
	};
	struct svg svg = {.output = output, .timeline = timeline};
	uint32_t first = options->stream ? options->stream : 1;
	uint32_t last = options->stream ? options->stream : timeline->stream_count;
	uint32_t more = 0;

	if (!options->is_full && !options->stream && last > LADDERS_SHOWN) {
		more = last - LADDERS_SHOWN;
		last = LADDERS_SHOWN;
	}
	/* Once to measure, once to draw. */
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			print_head(&svg, svg.y);
		svg.y = timeline->stream_count ? 0 : ROW;
		for (uint32_t stream = first; stream <= last; stream++) {
			struct sonde_ladder ladder;
			int r = sonde_ladder_build(timeline, stream, &how, &ladder);
			uint32_t rows;

			if (r < 0)
				return r;
			svg.ladder = &ladder;
			rows = row_count(&ladder, options->is_full);
			if (pass)
				print_ladder(&svg, rows);
			else
				svg.y += HEAD + (int)(rows + 1) * ROW;
			sonde_ladder_done(&ladder);
		}
		print_seen(&svg, pass, more, !options->stream);
	}
	output_print(output, "</svg>\n");
	return 0;
}
