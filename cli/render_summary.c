/* The last lines: what was seen, who sent it, and what was not seen. */
#include <string.h>

#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum { TEXT_CHARS = 576, NAMES_CHARS = 512 };

static bool is_kernels(uint8_t why)
{
	return why == SONDE_WHY_KERNEL_SYN_ACK || why == SONDE_WHY_KERNEL_ACK ||
	       why == SONDE_WHY_KERNEL_RESET || why == SONDE_WHY_KERNEL_ICMP ||
	       why == SONDE_WHY_KERNEL_ECHO || why == SONDE_WHY_KERNEL_NEIGHBOUR ||
	       why == SONDE_WHY_KERNEL_PROBE;
}

/* A capture that is no run. */
static bool is_packets_alone(const struct sonde_recording *recording)
{
	return !recording->program_count && recording->packet_count;
}

static void add_senders(struct sonde_text *text, const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;
	uint32_t kernel = 0, foreign = 0, others = 0, rest;

	for (uint32_t i = 0; i < recording->packet_count; i++) {
		uint8_t why = timeline->packet_places[i].why;

		kernel += is_kernels(why);
		foreign += why == SONDE_WHY_NOT_TRACED;
		others += why == SONDE_WHY_NOT_JOINED;
	}
	/* Whose they are is all there is to say. */
	if (is_packets_alone(recording)) {
		sonde_text_add(text, ": %u by programs, %u by the kernel alone",
			       recording->packet_count - kernel, kernel);
		return;
	}
	rest = recording->packet_count - timeline->packets_mapped - kernel - foreign -
	       others;
	sonde_text_add(text, ": %u sent by statements, %u by the kernel",
		       timeline->packets_mapped, kernel);
	if (foreign)
		sonde_text_add(text, ", %u by programs not traced", foreign);
	if (others)
		sonde_text_add(text, ", %u neither TCP nor UDP", others);
	if (rest)
		sonde_text_add(text, ", %u not explained", rest);
}

static void add_packets(struct sonde_text *text, const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;

	if (!recording->has_packets) {
		sonde_text_add(text, "no packets captured");
		return;
	}
	sonde_text_add(text, "%u packet%s", recording->packet_count,
		       recording->packet_count == 1 ? "" : "s");
	add_senders(text, timeline);
	if (recording->drops_unknown && !recording->packets_dropped)
		sonde_text_add(text, "; drops not recorded");
	else
		sonde_text_add(text, "; %s%llu dropped",
			       recording->drops_unknown ? "at least " : "",
			       (unsigned long long)recording->packets_dropped);
}

static void add_calls(struct sonde_text *text, const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;

	if (is_packets_alone(recording))
		return;
	sonde_text_add(text, "%u call%s, %u without a line", recording->call_count,
		       recording->call_count == 1 ? "" : "s",
		       timeline->calls_without_line);
	if (recording->calls_dropped)
		sonde_text_add(text, "; %llu not recorded",
			       (unsigned long long)recording->calls_dropped);
}

/* Who is held before a call enters it later, and more often finds there what it wants. */
static void add_cost(struct sonde_text *text, const struct sonde_recording *recording)
{
	if (!recording->stops)
		return;
	sonde_text_add(text, "tracing held the programs for ");
	sonde_text_add_duration(text, recording->held_ns);
	sonde_text_add(text, " (%llu stops): untraced, more calls block",
		       (unsigned long long)recording->stops);
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

static void add_programs(struct sonde_text *text, const struct sonde_recording *recording,
			 enum sonde_lines lines, const char *what)
{
	char storage[NAMES_CHARS];
	struct sonde_text names;

	sonde_text_init(&names, storage, sizeof(storage));
	list_programs(&names, recording, lines);
	if (names.used)
		sonde_text_add(text, "%s: %s", what, storage);
}

void summary_add_line(struct sonde_text *text, const struct sonde_timeline *timeline,
		      enum summary_line line)
{
	const struct sonde_recording *recording = timeline->recording;

	switch (line) {
	case SUMMARY_PACKETS:
		add_packets(text, timeline);
		break;
	case SUMMARY_CALLS:
		add_calls(text, timeline);
		break;
	case SUMMARY_COST:
		add_cost(text, recording);
		break;
	case SUMMARY_NO_READER:
		add_programs(text, recording, SONDE_LINES_NO_READER,
			     "no source lines are read of");
		break;
	case SUMMARY_SYMBOLS:
		add_programs(text, recording, SONDE_LINES_SYMBOLS,
			     "no debug information, functions in place of lines");
		break;
	case SUMMARY_LINES:
		break;
	}
}

void render_summary(struct output *output, const struct sonde_timeline *timeline)
{
	for (int line = 0; line < SUMMARY_LINES; line++) {
		char storage[TEXT_CHARS];
		struct sonde_text text;

		sonde_text_init(&text, storage, sizeof(storage));
		summary_add_line(&text, timeline, (enum summary_line)line);
		canvas_wrap(output, 0, storage, INK_PLAIN);
	}
}
