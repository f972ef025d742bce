/* The last lines: what was seen, who sent it, and what was not seen. */
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum { TEXT_CHARS = 512 };

static bool is_kernels(uint8_t why)
{
	return why == SONDE_WHY_KERNEL_SYN_ACK || why == SONDE_WHY_KERNEL_ACK ||
	       why == SONDE_WHY_KERNEL_RESET || why == SONDE_WHY_KERNEL_ICMP ||
	       why == SONDE_WHY_KERNEL_PROBE;
}

/* A capture that is no run. */
static bool is_packets_alone(const struct sonde_recording *recording)
{
	return !recording->program_count && recording->packet_count;
}

static void print_packet_counts(struct output *output,
				const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;
	uint32_t kernel = 0, foreign = 0, rest;

	for (uint32_t i = 0; i < recording->packet_count; i++) {
		uint8_t why = timeline->packet_places[i].why;

		kernel += is_kernels(why);
		foreign += why == SONDE_WHY_NOT_TRACED;
	}
	/* Whose they are is all there is to say. */
	if (is_packets_alone(recording)) {
		output_print(
			output, "%u packet%s: %u by programs, %u by the kernel alone",
			recording->packet_count, recording->packet_count == 1 ? "" : "s",
			recording->packet_count - kernel, kernel);
		output_print(output, "; %llu dropped\n",
			     (unsigned long long)recording->packets_dropped);
		return;
	}
	rest = recording->packet_count - timeline->packets_mapped - kernel - foreign;
	output_print(output, "%u packet%s: %u sent by statements, %u by the kernel",
		     recording->packet_count, recording->packet_count == 1 ? "" : "s",
		     timeline->packets_mapped, kernel);
	if (foreign)
		output_print(output, ", %u by programs not traced", foreign);
	if (rest)
		output_print(output, ", %u not explained", rest);
	output_print(output, "; %llu dropped\n",
		     (unsigned long long)recording->packets_dropped);
}

/* The programs of which this is what is known about their lines, each name once. */
static void list_programs(struct sonde_text *text,
			  const struct sonde_recording *recording, enum sonde_lines lines)
{
	for (uint32_t i = 1; i <= recording->program_count; i++) {
		const char *name = label_program(recording, i);
		bool is_new = recording->programs[i - 1].lines == lines;

		for (uint32_t k = 1; k < i && is_new; k++)
			is_new = recording->programs[k - 1].lines != lines ||
				 strcmp(label_program(recording, k), name) != 0;
		if (is_new)
			sonde_text_add(text, "%s%s", text->used ? ", " : "", name);
	}
}

static void print_programs(struct output *output, const struct sonde_recording *recording,
			   enum sonde_lines lines, const char *what)
{
	char names[TEXT_CHARS], line[TEXT_CHARS + 64];
	struct sonde_text text;
	struct canvas canvas;

	sonde_text_init(&text, names, sizeof(names));
	list_programs(&text, recording, lines);
	if (!text.used)
		return;
	snprintf(line, sizeof(line), "%s: %s", what, names);
	canvas_init(&canvas, output);
	canvas_text(&canvas, 0, canvas.width, line, INK_PLAIN);
	canvas_print(&canvas, output);
}

/* Who is held before a call enters it later, and more often finds there what it wants. */
static void print_cost(struct output *output, const struct sonde_recording *recording)
{
	char storage[64];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_duration(&text, recording->held_ns);
	output_print(
		output,
		"tracing held the programs for %s (%llu stops): untraced, more calls "
		"block\n",
		storage, (unsigned long long)recording->stops);
}

void render_summary(struct output *output, const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;

	if (recording->has_packets)
		print_packet_counts(output, timeline);
	else
		output_print(output, "no packets captured\n");
	if (is_packets_alone(recording))
		return;
	output_print(output, "%u call%s, %u without a line", recording->call_count,
		     recording->call_count == 1 ? "" : "s", timeline->calls_without_line);
	if (recording->calls_dropped)
		output_print(output, "; %llu not recorded",
			     (unsigned long long)recording->calls_dropped);
	output_print(output, "\n");
	if (recording->stops)
		print_cost(output, recording);
	print_programs(output, recording, SONDE_LINES_NO_READER,
		       "no source lines are read of");
	print_programs(output, recording, SONDE_LINES_SYMBOLS,
		       "no debug information, functions in place of lines");
}
