/* A run as Markdown: the ladder in a block of code, the tables as tables, the findings as a
 * list.  What comes from programs and the network cannot become markup: every sign that
 * Markdown knows is escaped, and those of HTML are character references. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "label.h"
#include "render.h"

enum { TEXT_CHARS = 4096, LADDER_COLUMNS = 100 };

/* What a terminal would obey, and what turns a line around: C0, C1, DEL, U+202A..U+202E,
 * U+2066..U+2069.  Shown as the terminal's own rendering shows them. */
static bool is_control(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void print_safe(struct output *output, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		unsigned code;
		size_t n = sonde_text_decode_utf8(text, left, &code);

		if (n == 0) {
			n = 1;
			output_print(output, "\\\\x%02x", (unsigned char)*text);
		} else if (is_control(code)) {
			output_print(output, code < 0x100 ? "\\\\x%02x" : "\\\\u%04X",
				     code);
		} else if (strchr("<>&", *text)) {
			output_print(output, "&#%d;", *text);
		} else if (strchr("\\`*_{}[]|~#$!", *text)) {
			output_print(output, "\\%c", *text);
		} else {
			output_bytes(output, text, n);
		}
		text += n;
		left -= n;
	}
}

static void print_cell(struct output *output, struct sonde_text *text)
{
	print_safe(output, text->chars);
	output_print(output, " |");
	text->used = 0;
	text->cut = false;
	text->chars[0] = '\0';
}

static void print_sent(struct output *output, const struct sonde_timeline *timeline,
		       const struct sonde_tables *tables)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	if (!tables->sent_count)
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	output_print(output, "## Which statement sent each packet\n\n"
			     "| No | packet | sent by statement (– by none) |\n"
			     "|---:|--------|-------------------------------|\n");
	for (uint32_t i = 0; i < tables->sent_count && !output_is_broken(output); i++) {
		const struct sonde_sent_row *row = &tables->sent[i];

		output_print(output, "| %u | ", row->packet);
		label_packet(&text, &timeline->recording->packets[row->packet - 1],
			     LABEL_LONG);
		print_cell(output, &text);
		output_print(output, " ");
		cell_sender(&text, timeline, row, true);
		print_cell(output, &text);
		output_print(output, "\n");
	}
	output_print(output, "\n");
}

static void print_taken(struct output *output, const struct sonde_timeline *timeline,
			const struct sonde_tables *tables)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	if (!tables->taken_count)
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	output_print(output,
		     "## Which statement took what another one gave, without packets\n\n"
		     "| bytes | given by | taken by |\n|---:|---|---|\n");
	for (uint32_t i = 0; i < tables->taken_count && !output_is_broken(output); i++) {
		const struct sonde_taken_row *row = &tables->taken[i];

		output_print(output, "| ");
		if (row->bytes)
			sonde_text_add(&text, "%u", row->bytes);
		print_cell(output, &text);
		output_print(output, row->exact ? " " : " perhaps ");
		if (row->by_statement)
			label_statement(&text, timeline, row->by_statement);
		print_cell(output, &text);
		output_print(output, " ");
		if (row->statement)
			label_statement(&text, timeline, row->statement);
		print_cell(output, &text);
		output_print(output, "\n");
	}
	output_print(output, "\n");
}

static void print_completed(struct output *output, const struct sonde_timeline *timeline,
			    const struct sonde_tables *tables)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	if (!tables->completed_count ||
	    (!timeline->recording->has_packets && !cell_is_by_call(tables)))
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	output_print(output,
		     "## Which packet completed each blocking statement\n\n"
		     "| statement | blocked | completed by%s |\n|---|---|---|\n",
		     cell_is_by_call(tables) ? "" : " packet");
	for (uint32_t i = 0; i < tables->completed_count && !output_is_broken(output);
	     i++) {
		const struct sonde_completed_row *row = &tables->completed[i];

		output_print(output, "| ");
		label_statement(&text, timeline, row->statement);
		print_cell(output, &text);
		output_print(output, " ");
		cell_waited(&text, row);
		print_cell(output, &text);
		output_print(output, " ");
		cell_completed(&text, timeline, row, true);
		print_cell(output, &text);
		output_print(output, "\n");
	}
	output_print(output, "\n");
}

static void print_findings(struct output *output, const struct sonde_timeline *timeline,
			   const struct sonde_findings *findings, uint32_t stream)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;
	bool has_head = false;

	for (uint32_t i = 0; i < findings->count; i++) {
		const struct sonde_finding *finding = &findings->findings[i];

		if (stream && finding->stream != stream)
			continue;
		if (!has_head)
			output_print(output, "## What went wrong\n\n");
		has_head = true;
		sonde_text_init(&text, storage, sizeof(storage));
		render_finding_head(&text, finding);
		output_print(output, "- **%s** ", storage);
		print_safe(output, finding->why);
		output_print(output, " ");
		print_safe(output, finding->remedy);
		output_print(output, "\n");
		for (unsigned k = 0; k < finding->statement_count; k++) {
			sonde_text_init(&text, storage, sizeof(storage));
			label_statement(&text, timeline, finding->statements[k]);
			output_print(output, "  - ");
			print_safe(output, storage);
			output_print(output, "\n");
		}
		if (finding->packet_count) {
			sonde_text_init(&text, storage, sizeof(storage));
			render_finding_packets(&text, finding);
			output_print(output, "  - %s\n", storage);
		}
	}
	if (has_head)
		output_print(output, "\n");
}

static void print_accounts(struct output *output, const struct sonde_timeline *timeline,
			   const struct sonde_account *accounts, uint32_t stream)
{
	for (uint32_t i = 1; i <= timeline->stream_count && !output_is_broken(output);
	     i++) {
		char storage[TEXT_CHARS];
		struct sonde_text text;

		if (stream && i != stream)
			continue;
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_account_add_text(timeline, accounts, i, &text);
		output_print(output, "## Stream %u\n\n", i - 1);
		print_safe(output, storage);
		output_print(output, "\n\n");
	}
}

/* What a report is to be believed by: what was seen, what was not, and at what cost.  The
 * summary is of the whole recording. */
static void print_seen(struct output *output, const struct sonde_timeline *timeline,
		       uint32_t stream)
{
	const struct sonde_recording *recording = timeline->recording;
	char storage[TEXT_CHARS];
	struct sonde_text text;

	if (stream && !recording->note_count)
		return;
	output_print(output, "## What was seen\n\n");
	for (int line = 0; line < SUMMARY_LINES && !stream; line++) {
		sonde_text_init(&text, storage, sizeof(storage));
		summary_add_line(&text, timeline, (enum summary_line)line);
		if (!text.used)
			continue;
		output_print(output, "- ");
		print_safe(output, storage);
		output_print(output, "\n");
	}
	for (uint32_t i = 0; i < recording->note_count; i++) {
		const struct sonde_note *note = &recording->notes[i];

		output_print(output, "- %s: ", render_severity(note->severity));
		print_safe(output, note->text);
		if (note->hint) {
			output_print(output, "; hint: ");
			print_safe(output, note->hint);
		}
		output_print(output, "\n");
	}
}

int render_markdown(struct output *output, const struct sonde_timeline *timeline,
		    const struct sonde_findings *findings,
		    const struct sonde_account *accounts,
		    const struct render_options *options)
{
	bool had_color = output->has_color, had_utf8 = output->has_utf8;
	unsigned width = output->width;
	struct sonde_tables tables;
	int r = sonde_tables_build(timeline, &tables);

	if (r < 0)
		return r;
	cell_choose(timeline, &tables, options->stream);
	output_print(output, "# sonde\n\n");
	if (accounts)
		print_accounts(output, timeline, accounts, options->stream);
	/* A report is UTF-8, wherever it is written. */
	output->has_color = false;
	output->has_utf8 = true;
	output->width = LADDER_COLUMNS;
	/* The fence is longer than any that a source line brings along: its lines are
	 * drawn behind a lane. */
	output_print(output, "## Ladder\n\n~~~~~~~~text\n");
	if (timeline->stream_count)
		r = render_ladders(output, timeline, options);
	else
		render_statements(output, timeline, options);
	output_print(output, "~~~~~~~~\n\n");
	output->has_color = had_color;
	output->has_utf8 = had_utf8;
	output->width = width;
	if (timeline->recording->call_count || !accounts) {
		print_sent(output, timeline, &tables);
		print_taken(output, timeline, &tables);
		print_completed(output, timeline, &tables);
	}
	print_findings(output, timeline, findings, options->stream);
	print_seen(output, timeline, options->stream);
	sonde_tables_done(&tables);
	return r;
}
