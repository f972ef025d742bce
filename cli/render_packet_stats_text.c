/* The tables of read --stats, for people.  A conversation is a line of 142 columns; where
 * a terminal has fewer, its two ends have a line each. */
#include "render_packet_stats_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "message.h"
#include "wrap.h"

enum {
	END_CHARS = PACKET_STATS_END_CHARS,
	AMOUNT_CHARS = 32,
	SENTENCE_CHARS = 512,
	CONVERSATION_COLUMNS = 142, /* of one line */
	ENDPOINT_COLUMNS = 93,
	TIMES_COLUMNS = 24, /* " %12.6f %10.4f" */
	COUNT_COLUMNS = 23, /* " %9u %12u" */
	SHARE_COLUMNS = 35, /* " %10u %7.2f%% %14u" */
	END_COLUMNS = 40,   /* that an end gets where there is room */
};

static const char *const layer_titles[SONDE_LAYERS] = {
	[SONDE_LAYER_ETHERNET] = "Ethernet", [SONDE_LAYER_IPV4] = "IPv4",
	[SONDE_LAYER_IPV6] = "IPv6",         [SONDE_LAYER_TCP] = "TCP",
	[SONDE_LAYER_UDP] = "UDP",
};

/* "12.3 Mbit/s"; "-" where nothing can be said. */
static const char *format_rate(uint64_t bytes, double time_s, char text[AMOUNT_CHARS])
{
	static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
	double rate = time_s > 0 ? 8 * (double)bytes / time_s : 0;
	unsigned unit = 0;

	if (bytes == 0 || time_s <= 0)
		return "-";
	for (; rate >= 1000 && unit < 3; unit++)
		rate /= 1000;
	snprintf(text, AMOUNT_CHARS, "%.*f %s", rate < 10 && unit ? 2 : 0, rate,
		 units[unit]);
	return text;
}

static const char *format_time(int64_t ns, char text[AMOUNT_CHARS])
{
	struct sonde_text to;

	if (ns < 0)
		return "-";
	sonde_text_init(&to, text, AMOUNT_CHARS);
	sonde_text_add_duration(&to, ns);
	return text;
}

/* Whether lines of so many columns would be broken by a terminal. */
static bool is_narrow(const struct output *output, unsigned columns)
{
	return output->is_terminal && output->width < columns;
}

/* What is left for an end beside `columns` of numbers. */
static size_t end_columns(const struct output *output, unsigned columns)
{
	unsigned left = output->width - columns;

	return left < END_COLUMNS ? left : END_COLUMNS;
}

/* An end that has no room beside its numbers has a line of its own. */
static void print_end(struct output *output, const struct sonde_statistics_end *end,
		      size_t columns)
{
	char text[END_CHARS];

	packet_stats_format_end(end, text);
	if (strlen(text) > columns)
		output_print(output, "%s\n%*s", text, (int)columns, "");
	else
		output_print(output, "%-*s", (int)columns, text);
}

static void print_count(struct output *output, const struct sonde_statistics_count *count)
{
	output_print(output, " %9" PRIu64 " %12" PRIu64, count->frames, count->bytes);
}

static void print_conversation(struct output *output,
			       const struct sonde_conversation *row, int64_t first_ns)
{
	char a[END_CHARS], b[END_CHARS];

	output_print(output, "%-24s %-24s", packet_stats_format_end(&row->a, a),
		     packet_stats_format_end(&row->b, b));
	print_count(output, &row->from_a);
	print_count(output, &row->from_b);
	output_print(output, " %9" PRIu64 " %12" PRIu64 " %12.6f %10.4f\n",
		     row->from_a.frames + row->from_b.frames,
		     row->from_a.bytes + row->from_b.bytes,
		     packet_stats_seconds(first_ns, row->start_ns),
		     packet_stats_seconds(row->start_ns, row->end_ns));
}

/* The same but the sums, in two lines. */
static void print_both_ends(struct output *output, const struct sonde_conversation *row,
			    int64_t first_ns, size_t columns)
{
	print_end(output, &row->a, columns);
	print_count(output, &row->from_a);
	output_print(output, " %12.6f %10.4f\n",
		     packet_stats_seconds(first_ns, row->start_ns),
		     packet_stats_seconds(row->start_ns, row->end_ns));
	print_end(output, &row->b, columns);
	print_count(output, &row->from_b);
	output_print(output, "\n");
}

static bool print_conversations(struct sonde_statistics *statistics, int64_t first_ns,
				struct output *output, enum sonde_statistics_layer layer)
{
	bool narrow = is_narrow(output, CONVERSATION_COLUMNS);
	size_t columns = end_columns(output, COUNT_COLUMNS + TIMES_COLUMNS);
	size_t count;
	const struct sonde_conversation *rows =
		sonde_statistics_conversations(statistics, layer, &count);

	if (count == 0)
		return false;
	output_print(output, "%s conversations: %zu%s\n", layer_titles[layer], count,
		     narrow ? ", of each end what it sent" : "");
	if (narrow)
		output_print(output, "%-*s %9s %12s %12s %10s\n", (int)columns, "A, B",
			     "packets", "bytes", "start", "seconds");
	else
		output_print(output, "%-24s %-24s %9s %12s %9s %12s %9s %12s %12s %10s\n",
			     "A", "B", "A to B", "bytes", "B to A", "bytes", "total",
			     "bytes", "start", "seconds");
	for (size_t i = 0; i < count; i++) {
		if (narrow)
			print_both_ends(output, &rows[i], first_ns, columns);
		else
			print_conversation(output, &rows[i], first_ns);
	}
	output_print(output, "\n");
	return narrow;
}

static bool print_endpoints(struct sonde_statistics *statistics, struct output *output,
			    enum sonde_statistics_layer layer)
{
	bool narrow = is_narrow(output, ENDPOINT_COLUMNS);
	size_t columns = narrow ? end_columns(output, 2 * COUNT_COLUMNS) : 24;
	size_t count;
	const struct sonde_endpoint_count *rows =
		sonde_statistics_endpoints(statistics, layer, &count);

	if (count == 0)
		return false;
	output_print(output, "%s endpoints: %zu\n%-*s", layer_titles[layer], count,
		     (int)columns, "");
	if (!narrow)
		output_print(output, " %9s %12s", "packets", "bytes");
	output_print(output, " %9s %12s %9s %12s\n", "sent", "bytes", "received",
		     "bytes");
	for (size_t i = 0; i < count; i++) {
		const struct sonde_endpoint_count *row = &rows[i];
		char text[END_CHARS];

		if (narrow)
			print_end(output, &row->end, columns);
		else
			output_print(output, "%-24s %9" PRIu64 " %12" PRIu64,
				     packet_stats_format_end(&row->end, text),
				     row->sent.frames + row->received.frames,
				     row->sent.bytes + row->received.bytes);
		print_count(output, &row->sent);
		print_count(output, &row->received);
		output_print(output, "\n");
	}
	output_print(output, "\n");
	return narrow;
}

static void print_hierarchy(struct sonde_statistics *statistics, struct output *output)
{
	int columns = is_narrow(output, 32 + SHARE_COLUMNS)
			      ? (int)end_columns(output, SHARE_COLUMNS)
			      : 32;
	size_t count;
	const struct sonde_hierarchy_row *rows =
		sonde_statistics_hierarchy(statistics, &count);
	uint64_t frames = 0;

	for (size_t i = 0; i < count; i++)
		frames += rows[i].depth == 0 ? rows[i].frames : 0;
	output_print(output, "Protocol hierarchy\n%-*s %10s %8s %14s\n", columns, "",
		     "packets", "%", "bytes");
	for (size_t i = 0; i < count; i++) {
		int indent = 2 * rows[i].depth;
		output_print(output, "%*s%-*s %10" PRIu64 " %7.2f%% %14" PRIu64 "\n",
			     indent, "", indent < columns ? columns - indent : 0,
			     sonde_field_info(rows[i].field)->name, rows[i].frames,
			     frames ? 100.0 * (double)rows[i].frames / (double)frames : 0,
			     rows[i].bytes);
	}
	output_print(output, "\n");
}

/* A sentence; at a terminal broken between words. */
static void print_sentence(struct output *output, const char *sentence, unsigned indent)
{
	char printed[2 * SENTENCE_CHARS];
	struct sonde_text to;

	sonde_text_init(&to, printed, sizeof(printed));
	wrap_add(&to, sentence, output->is_terminal ? output->width : 0, indent);
	output_print(output, "%s\n", printed);
}

static void print_half(struct output *output, const char *from, const char *to,
		       const struct sonde_stream_half *half, bool is_tcp)
{
	char rate[AMOUNT_CHARS], times[3][AMOUNT_CHARS], storage[SENTENCE_CHARS];
	struct sonde_text line;

	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(
		&line,
		"  %s to %s: %" PRIu64 " packets, %" PRIu64 " bytes of payload, %s", from,
		to, half->frames, half->payload_bytes,
		format_rate(half->payload_bytes,
			    packet_stats_seconds(half->first_ns, half->last_ns), rate));
	if (is_tcp)
		sonde_text_add(&line, ", %" PRIu64 " retransmitted",
			       half->retransmissions);
	print_sentence(output, storage, 4);
	if (half->rtt_count == 0)
		return;
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line,
		       "    round trip: least %s, mean %s, most %s (%" PRIu64
		       " acknowledgements)",
		       format_time(half->rtt_least_ns, times[0]),
		       format_time(half->rtt_sum_ns / (int64_t)half->rtt_count, times[1]),
		       format_time(half->rtt_most_ns, times[2]), half->rtt_count);
	print_sentence(output, storage, 6);
}

static void print_streams(struct sonde_statistics *statistics, struct output *output)
{
	char a[END_CHARS], b[END_CHARS], time[AMOUNT_CHARS], storage[SENTENCE_CHARS];
	size_t count;
	const struct sonde_stream_count *rows =
		sonde_statistics_streams(statistics, &count);

	output_print(output, "Streams: %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct sonde_stream_count *row = &rows[i];
		const char *proto = row->is_tcp ? "tcp" : "udp";
		struct sonde_text line;

		sonde_text_init(&line, storage, sizeof(storage));
		sonde_text_add(&line, "%s.stream eq %" PRIu32 ": %s and %s, %.6f s",
			       proto, row->stream, packet_stats_format_end(&row->a, a),
			       packet_stats_format_end(&row->b, b),
			       packet_stats_seconds(row->start_ns, row->end_ns));
		if (row->initial_rtt_ns >= 0)
			sonde_text_add(&line, ", handshake %s",
				       format_time(row->initial_rtt_ns, time));
		print_sentence(output, storage, 4);
		print_half(output, a, b, &row->from_a, row->is_tcp);
		if (row->from_b.frames > 0)
			print_half(output, b, a, &row->from_b, row->is_tcp);
	}
	output_print(output, "\n");
}

void packet_stats_print_text(struct sonde_statistics *statistics, unsigned what,
			     int64_t first_ns, struct output *output)
{
	bool narrow = false;

	for (int i = 0; i < SONDE_LAYERS; i++) {
		if (what & SONDE_STATISTICS_CONVERSATIONS)
			narrow |= print_conversations(statistics, first_ns, output,
						      (enum sonde_statistics_layer)i);
	}
	for (int i = 0; i < SONDE_LAYERS; i++) {
		if (what & SONDE_STATISTICS_ENDPOINTS)
			narrow |= print_endpoints(statistics, output,
						  (enum sonde_statistics_layer)i);
	}
	if (what & SONDE_STATISTICS_HIERARCHY)
		print_hierarchy(statistics, output);
	if (what & SONDE_STATISTICS_STREAMS)
		print_streams(statistics, output);
	if (narrow)
		message_note(output,
			     "the sums of both directions are left out: a terminal of "
			     "%d columns, a pipe and a file have them",
			     what & SONDE_STATISTICS_CONVERSATIONS ? CONVERSATION_COLUMNS
								   : ENDPOINT_COLUMNS);
}
