/* Findings: what went wrong, where it shows, why, and what to do. */
#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum {
	TEXT_CHARS = 512,
	INDENT = 4,
	ACCOUNTS_SHOWN = 40, /* without --full */
	ACCOUNT_CHARS = 4096,
};

static void print_statement(struct output *output, const struct sonde_timeline *timeline,
			    uint32_t statement)
{
	struct canvas canvas;
	struct sonde_text text;
	char storage[TEXT_CHARS];

	canvas_init(&canvas, output);
	sonde_text_init(&text, storage, sizeof(storage));
	label_statement(&text, timeline, statement);
	canvas_text(&canvas, INDENT, canvas.width - INDENT, storage, INK_PLAIN);
	canvas_print(&canvas, output);
}

void render_finding_packets(struct sonde_text *text, const struct sonde_finding *finding)
{
	sonde_text_add(text, "packet%s", finding->packet_count == 1 ? "" : "s");
	for (unsigned i = 0; i < finding->packet_count; i++)
		sonde_text_add(text, "%s %u", i ? "," : "", finding->packets[i]);
	if (finding->packet_count == SONDE_FINDING_EVIDENCE)
		sonde_text_add(text, " and perhaps more");
}

void render_finding_head(struct sonde_text *text, const struct sonde_finding *finding)
{
	sonde_text_add(text, "%s: %s", render_severity(finding->severity), finding->name);
	if (finding->times > 1)
		sonde_text_add(text, " (%u times)", finding->times);
}

static void print_packets(struct output *output, const struct sonde_finding *finding)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	if (!finding->packet_count)
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	render_finding_packets(&text, finding);
	canvas_wrap(output, INDENT, storage, INK_DIM);
}

static void print_finding(struct output *output, const struct sonde_timeline *timeline,
			  const struct sonde_finding *finding)
{
	char storage[TEXT_CHARS];
	struct canvas canvas;
	struct sonde_text text;

	canvas_init(&canvas, output);
	sonde_text_init(&text, storage, sizeof(storage));
	render_finding_head(&text, finding);
	canvas_text(&canvas, 0, canvas.width, storage,
		    finding->severity == SONDE_ERROR ? INK_ERROR : INK_BOLD);
	canvas_print(&canvas, output);
	for (unsigned i = 0; i < finding->statement_count; i++)
		print_statement(output, timeline, finding->statements[i]);
	print_packets(output, finding);
	canvas_wrap(output, INDENT, finding->why, INK_PLAIN);
	canvas_wrap(output, INDENT, finding->remedy, INK_PLAIN);
}

void render_findings(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_findings *findings,
		     const struct render_options *options)
{
	bool has_head = false;

	for (uint32_t i = 0; i < findings->count; i++) {
		const struct sonde_finding *finding = &findings->findings[i];

		if (options->stream && finding->stream != options->stream)
			continue;
		if (!has_head)
			output_print(output, "What went wrong\n\n");
		has_head = true;
		print_finding(output, timeline, finding);
		output_print(output, "\n");
	}
}

void render_accounts(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_account *accounts,
		     const struct render_options *options)
{
	uint32_t first = options->stream ? options->stream : 1;
	uint32_t last = options->stream ? options->stream : timeline->stream_count;
	uint32_t left = 0;

	if (!options->is_full && last - first >= ACCOUNTS_SHOWN && last >= first) {
		left = last - first + 1 - ACCOUNTS_SHOWN;
		last -= left;
	}
	for (uint32_t i = first; i <= last && !output_is_broken(output); i++) {
		char storage[ACCOUNT_CHARS];
		struct canvas canvas;
		struct sonde_text text;

		canvas_init(&canvas, output);
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "stream %u", i - 1);
		canvas_text(&canvas, 0, canvas.width, storage, INK_BOLD);
		canvas_print(&canvas, output);
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_account_add_text(timeline, accounts, i, &text);
		canvas_wrap(output, INDENT, storage, INK_PLAIN);
		output_print(output, "\n");
	}
	if (left)
		output_print(output, "%u more streams; --full tells of all\n\n", left);
}
