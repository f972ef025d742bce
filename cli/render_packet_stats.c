/* Tables of what the packets of a file add up to. */
#include "render_packet_stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "command.h"
#include "message.h"

enum { END_CHARS = SONDE_ADDRESS_CHARS, AMOUNT_CHARS = 32 };

#define NS_PER_S 1e9

const char *const packet_stats_words[] = {"conv", "endpoints", "hierarchy", "streams",
					  NULL};

static const char *const layer_titles[SONDE_LAYERS] = {
	[SONDE_LAYER_ETHERNET] = "Ethernet", [SONDE_LAYER_IPV4] = "IPv4",
	[SONDE_LAYER_IPV6] = "IPv6",         [SONDE_LAYER_TCP] = "TCP",
	[SONDE_LAYER_UDP] = "UDP",
};

static const char *const layer_words[SONDE_LAYERS] = {
	[SONDE_LAYER_ETHERNET] = "eth", [SONDE_LAYER_IPV4] = "ip",
	[SONDE_LAYER_IPV6] = "ipv6",    [SONDE_LAYER_TCP] = "tcp",
	[SONDE_LAYER_UDP] = "udp",
};

struct packet_stats {
	struct sonde_statistics *statistics;
	unsigned what;
	int64_t first_ns;
};

int packet_stats_open(const struct arguments *arguments, struct packet_stats **ret)
{
	struct packet_stats *stats;
	struct sonde_error err;
	unsigned what = 0;

	for (size_t i = 0; i < arguments->value_count; i++) {
		if (strcmp(arguments->values[i].option->name, "stats") == 0)
			what |= 1u << arguments->values[i].number;
	}
	*ret = NULL;
	if (what == 0)
		return STATUS_DONE;
	stats = calloc(1, sizeof(*stats));
	if (!stats || sonde_statistics_new(what, &stats->statistics) < 0) {
		free(stats);
		sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "read", "--stats",
				NULL);
		return message_error(&err);
	}
	stats->what = what;
	stats->first_ns = INT64_MIN;
	*ret = stats;
	return STATUS_DONE;
}

void packet_stats_close(struct packet_stats *stats)
{
	if (!stats)
		return;
	sonde_statistics_free(stats->statistics);
	free(stats);
}

int packet_stats_want(const struct packet_stats *stats, struct sonde_dissector *dissector)
{
	return sonde_statistics_want(stats->statistics, dissector);
}

int packet_stats_add(struct packet_stats *stats, const struct sonde_frame *frame,
		     const struct sonde_dissection *dissection)
{
	if (stats->first_ns == INT64_MIN)
		stats->first_ns = frame->at_ns;
	return sonde_statistics_add(stats->statistics, frame, dissection);
}

/* ---- text ---- */

static const char *format_end(const struct sonde_statistics_end *end,
			      char text[END_CHARS])
{
	if (end->address.family == SONDE_FAMILY_NONE) {
		size_t used = 0;
		for (unsigned i = 0; i < sizeof(end->ethernet); i++)
			used += (size_t)snprintf(text + used, END_CHARS - used, "%s%02x",
						 i ? ":" : "", end->ethernet[i]);
	} else if (end->address.port) {
		sonde_address_format(&end->address, text);
	} else {
		sonde_address_format_host(&end->address, text);
	}
	return text;
}

static double seconds(int64_t from_ns, int64_t to_ns)
{
	if (from_ns == INT64_MIN || to_ns == INT64_MIN)
		return 0;
	return (double)(to_ns - from_ns) / NS_PER_S;
}

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

static void print_conversations(struct packet_stats *stats, struct output *output,
				enum sonde_statistics_layer layer)
{
	char a[END_CHARS], b[END_CHARS];
	size_t count;
	const struct sonde_conversation *rows =
		sonde_statistics_conversations(stats->statistics, layer, &count);

	if (count == 0)
		return;
	output_print(output, "%s conversations: %zu\n", layer_titles[layer], count);
	output_print(output, "%-24s %-24s %9s %12s %9s %12s %9s %12s %12s %10s\n", "A",
		     "B", "A to B", "bytes", "B to A", "bytes", "total", "bytes", "start",
		     "seconds");
	for (size_t i = 0; i < count; i++) {
		const struct sonde_conversation *row = &rows[i];
		output_print(output,
			     "%-24s %-24s %9" PRIu64 " %12" PRIu64 " %9" PRIu64
			     " %12" PRIu64 " %9" PRIu64 " %12" PRIu64 " %12.6f %10.4f\n",
			     format_end(&row->a, a), format_end(&row->b, b),
			     row->from_a.frames, row->from_a.bytes, row->from_b.frames,
			     row->from_b.bytes, row->from_a.frames + row->from_b.frames,
			     row->from_a.bytes + row->from_b.bytes,
			     seconds(stats->first_ns, row->start_ns),
			     seconds(row->start_ns, row->end_ns));
	}
	output_print(output, "\n");
}

static void print_endpoints(struct packet_stats *stats, struct output *output,
			    enum sonde_statistics_layer layer)
{
	char text[END_CHARS];
	size_t count;
	const struct sonde_endpoint_count *rows =
		sonde_statistics_endpoints(stats->statistics, layer, &count);

	if (count == 0)
		return;
	output_print(output, "%s endpoints: %zu\n", layer_titles[layer], count);
	output_print(output, "%-24s %9s %12s %9s %12s %9s %12s\n", "", "packets", "bytes",
		     "sent", "bytes", "received", "bytes");
	for (size_t i = 0; i < count; i++) {
		const struct sonde_endpoint_count *row = &rows[i];
		output_print(output,
			     "%-24s %9" PRIu64 " %12" PRIu64 " %9" PRIu64 " %12" PRIu64
			     " %9" PRIu64 " %12" PRIu64 "\n",
			     format_end(&row->end, text),
			     row->sent.frames + row->received.frames,
			     row->sent.bytes + row->received.bytes, row->sent.frames,
			     row->sent.bytes, row->received.frames, row->received.bytes);
	}
	output_print(output, "\n");
}

static void print_hierarchy(struct packet_stats *stats, struct output *output)
{
	size_t count;
	const struct sonde_hierarchy_row *rows =
		sonde_statistics_hierarchy(stats->statistics, &count);
	uint64_t frames = 0;

	for (size_t i = 0; i < count; i++)
		frames += rows[i].depth == 0 ? rows[i].frames : 0;
	output_print(output, "Protocol hierarchy\n%-32s %10s %8s %14s\n", "", "packets",
		     "%", "bytes");
	for (size_t i = 0; i < count; i++) {
		int indent = 2 * rows[i].depth;
		output_print(output, "%*s%-*s %10" PRIu64 " %7.2f%% %14" PRIu64 "\n",
			     indent, "", indent < 32 ? 32 - indent : 0,
			     sonde_field_info(rows[i].field)->name, rows[i].frames,
			     frames ? 100.0 * (double)rows[i].frames / (double)frames : 0,
			     rows[i].bytes);
	}
	output_print(output, "\n");
}

static void print_half(struct output *output, const char *from, const char *to,
		       const struct sonde_stream_half *half, bool is_tcp)
{
	char rate[AMOUNT_CHARS], times[3][AMOUNT_CHARS];

	output_print(output,
		     "  %s to %s: %" PRIu64 " packets, %" PRIu64 " bytes of payload, %s",
		     from, to, half->frames, half->payload_bytes,
		     format_rate(half->payload_bytes,
				 seconds(half->first_ns, half->last_ns), rate));
	if (is_tcp)
		output_print(output, ", %" PRIu64 " retransmitted",
			     half->retransmissions);
	if (half->rtt_count > 0)
		output_print(output,
			     "\n    round trip: least %s, mean %s, most %s (%" PRIu64
			     " acknowledgements)",
			     format_time(half->rtt_least_ns, times[0]),
			     format_time(half->rtt_sum_ns / (int64_t)half->rtt_count,
					 times[1]),
			     format_time(half->rtt_most_ns, times[2]), half->rtt_count);
	output_print(output, "\n");
}

static void print_streams(struct packet_stats *stats, struct output *output)
{
	char a[END_CHARS], b[END_CHARS], time[AMOUNT_CHARS];
	size_t count;
	const struct sonde_stream_count *rows =
		sonde_statistics_streams(stats->statistics, &count);

	output_print(output, "Streams: %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct sonde_stream_count *row = &rows[i];
		const char *proto = row->is_tcp ? "tcp" : "udp";
		output_print(output, "%s.stream eq %" PRIu32 ": %s and %s, %.6f s", proto,
			     row->stream, format_end(&row->a, a), format_end(&row->b, b),
			     seconds(row->start_ns, row->end_ns));
		if (row->initial_rtt_ns >= 0)
			output_print(output, ", handshake %s",
				     format_time(row->initial_rtt_ns, time));
		output_print(output, "\n");
		print_half(output, a, b, &row->from_a, row->is_tcp);
		if (row->from_b.frames > 0)
			print_half(output, b, a, &row->from_b, row->is_tcp);
	}
	output_print(output, "\n");
}

/* ---- JSON ---- */

static void add_end(struct output *output, const char *key,
		    const struct sonde_statistics_end *end)
{
	char text[END_CHARS];

	sonde_json_key(&output->json, key);
	sonde_json_object_begin(&output->json);
	if (end->address.family == SONDE_FAMILY_NONE) {
		sonde_json_add_string(&output->json, "address", format_end(end, text));
	} else {
		sonde_address_format_host(&end->address, text);
		sonde_json_add_string(&output->json, "address", text);
		if (end->address.port)
			sonde_json_add_int(&output->json, "port", end->address.port);
	}
	sonde_json_object_end(&output->json);
}

static void add_count(struct output *output, const char *key,
		      const struct sonde_statistics_count *count)
{
	sonde_json_key(&output->json, key);
	sonde_json_object_begin(&output->json);
	sonde_json_add_int(&output->json, "frames", (int64_t)count->frames);
	sonde_json_add_int(&output->json, "bytes", (int64_t)count->bytes);
	sonde_json_object_end(&output->json);
}

static void add_times(struct output *output, int64_t start_ns, int64_t end_ns)
{
	if (start_ns == INT64_MIN)
		return;
	output_event_time(output, "start_ns", start_ns);
	output_event_time(output, "end_ns", end_ns);
}

static void add_conversations(struct packet_stats *stats, struct output *output,
			      enum sonde_statistics_layer layer)
{
	size_t count;
	const struct sonde_conversation *rows =
		sonde_statistics_conversations(stats->statistics, layer, &count);

	for (size_t i = 0; i < count; i++) {
		struct sonde_json *json = output_event_begin(output, "conversation");
		sonde_json_add_string(json, "layer", layer_words[layer]);
		if (layer == SONDE_LAYER_TCP || layer == SONDE_LAYER_UDP)
			sonde_json_add_int(json, "stream", rows[i].stream);
		add_end(output, "a", &rows[i].a);
		add_end(output, "b", &rows[i].b);
		add_count(output, "from_a", &rows[i].from_a);
		add_count(output, "from_b", &rows[i].from_b);
		add_times(output, rows[i].start_ns, rows[i].end_ns);
		output_event_end(output);
	}
}

static void add_endpoints(struct packet_stats *stats, struct output *output,
			  enum sonde_statistics_layer layer)
{
	size_t count;
	const struct sonde_endpoint_count *rows =
		sonde_statistics_endpoints(stats->statistics, layer, &count);

	for (size_t i = 0; i < count; i++) {
		struct sonde_json *json = output_event_begin(output, "endpoint");
		sonde_json_add_string(json, "layer", layer_words[layer]);
		add_end(output, "end", &rows[i].end);
		add_count(output, "sent", &rows[i].sent);
		add_count(output, "received", &rows[i].received);
		output_event_end(output);
	}
}

static void add_hierarchy(struct packet_stats *stats, struct output *output)
{
	size_t count;
	const struct sonde_hierarchy_row *rows =
		sonde_statistics_hierarchy(stats->statistics, &count);

	for (size_t i = 0; i < count; i++) {
		struct sonde_json *json = output_event_begin(output, "protocol");
		sonde_json_add_string(json, "name",
				      sonde_field_info(rows[i].field)->name);
		sonde_json_add_int(json, "depth", rows[i].depth);
		sonde_json_add_int(json, "frames", (int64_t)rows[i].frames);
		sonde_json_add_int(json, "bytes", (int64_t)rows[i].bytes);
		output_event_end(output);
	}
}

static void add_half(struct output *output, const char *key,
		     const struct sonde_stream_half *half, bool is_tcp)
{
	struct sonde_json *json = &output->json;
	double time_s = seconds(half->first_ns, half->last_ns);

	sonde_json_key(json, key);
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "frames", (int64_t)half->frames);
	sonde_json_add_int(json, "payload_bytes", (int64_t)half->payload_bytes);
	if (time_s > 0 && 8 * (double)half->payload_bytes / time_s < 9e15)
		sonde_json_add_int(json, "bits_per_second",
				   (int64_t)(8 * (double)half->payload_bytes / time_s));
	if (is_tcp)
		sonde_json_add_int(json, "retransmissions",
				   (int64_t)half->retransmissions);
	if (half->rtt_count > 0) {
		sonde_json_add_int(json, "rtt_count", (int64_t)half->rtt_count);
		sonde_json_add_int(json, "rtt_least_ns", half->rtt_least_ns);
		sonde_json_add_int(json, "rtt_mean_ns",
				   half->rtt_sum_ns / (int64_t)half->rtt_count);
		sonde_json_add_int(json, "rtt_most_ns", half->rtt_most_ns);
	}
	sonde_json_object_end(json);
}

static void add_streams(struct packet_stats *stats, struct output *output)
{
	size_t count;
	const struct sonde_stream_count *rows =
		sonde_statistics_streams(stats->statistics, &count);

	for (size_t i = 0; i < count; i++) {
		struct sonde_json *json = output_event_begin(output, "stream");
		sonde_json_add_string(json, "proto", rows[i].is_tcp ? "tcp" : "udp");
		sonde_json_add_int(json, "stream", rows[i].stream);
		add_end(output, "a", &rows[i].a);
		add_end(output, "b", &rows[i].b);
		add_times(output, rows[i].start_ns, rows[i].end_ns);
		if (rows[i].initial_rtt_ns >= 0)
			sonde_json_add_int(json, "initial_rtt_ns",
					   rows[i].initial_rtt_ns);
		add_half(output, "from_a", &rows[i].from_a, rows[i].is_tcp);
		add_half(output, "from_b", &rows[i].from_b, rows[i].is_tcp);
		output_event_end(output);
	}
}

int packet_stats_print(struct packet_stats *stats, struct output *output)
{
	bool is_json = output->has_json;
	uint64_t left_out = sonde_statistics_left_out(stats->statistics);

	for (int i = 0; i < SONDE_LAYERS; i++) {
		if (stats->what & SONDE_STATISTICS_CONVERSATIONS)
			(is_json ? add_conversations : print_conversations)(
				stats, output, (enum sonde_statistics_layer)i);
	}
	for (int i = 0; i < SONDE_LAYERS; i++) {
		if (stats->what & SONDE_STATISTICS_ENDPOINTS)
			(is_json ? add_endpoints : print_endpoints)(
				stats, output, (enum sonde_statistics_layer)i);
	}
	if (stats->what & SONDE_STATISTICS_HIERARCHY)
		(is_json ? add_hierarchy : print_hierarchy)(stats, output);
	if (stats->what & SONDE_STATISTICS_STREAMS)
		(is_json ? add_streams : print_streams)(stats, output);
	if (left_out > 0)
		message_say("read --stats: %llu packets are in no row: too many "
			    "conversations",
			    (unsigned long long)left_out);
	return 0;
}
