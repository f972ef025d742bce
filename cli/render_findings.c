/* Findings: what went wrong, where it shows, why, and what to do. */
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum { TEXT_CHARS = 512, INDENT = 4 };

/* Text over as many lines as it needs. */
static void print_wrapped(struct output *output, const char *text, enum ink ink)
{
	struct canvas canvas;
	char line[TEXT_CHARS];

	canvas_init(&canvas, output);
	while (*text) {
		size_t n = canvas_break(&canvas, text, canvas.width - INDENT);

		if (n == 0 || n >= sizeof(line))
			break;
		memcpy(line, text, n);
		line[n] = '\0';
		canvas_text(&canvas, INDENT, canvas.width - INDENT, line, ink);
		canvas_print(&canvas, output);
		text += n;
		text += strspn(text, " ");
	}
}

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

static void print_packets(struct output *output, const struct sonde_finding *finding)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	if (!finding->packet_count)
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "packet%s", finding->packet_count == 1 ? "" : "s");
	for (unsigned i = 0; i < finding->packet_count; i++)
		sonde_text_add(&text, "%s %u", i ? "," : "", finding->packets[i]);
	if (finding->packet_count == SONDE_FINDING_EVIDENCE)
		sonde_text_add(&text, " and perhaps more");
	print_wrapped(output, storage, INK_DIM);
}

static void print_finding(struct output *output, const struct sonde_timeline *timeline,
			  const struct sonde_finding *finding)
{
	char storage[TEXT_CHARS];
	struct canvas canvas;
	struct sonde_text text;

	canvas_init(&canvas, output);
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "%s: %s", render_severity(finding->severity),
		       finding->name);
	if (finding->times > 1)
		sonde_text_add(&text, " (%u times)", finding->times);
	canvas_text(&canvas, 0, canvas.width, storage,
		    finding->severity == SONDE_ERROR ? INK_ERROR : INK_BOLD);
	canvas_print(&canvas, output);
	for (unsigned i = 0; i < finding->statement_count; i++)
		print_statement(output, timeline, finding->statements[i]);
	print_packets(output, finding);
	print_wrapped(output, finding->why, INK_PLAIN);
	print_wrapped(output, finding->remedy, INK_PLAIN);
}

void render_findings(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_findings *findings)
{
	if (!findings->count)
		return;
	output_print(output, "What went wrong\n\n");
	for (uint32_t i = 0; i < findings->count; i++) {
		print_finding(output, timeline, &findings->findings[i]);
		output_print(output, "\n");
	}
}
