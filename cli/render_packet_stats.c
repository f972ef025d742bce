/* Tables of what the packets of a file add up to. */
#include "render_packet_stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "command.h"
#include "message.h"
#include "render_packet_stats_text.h"

#define NS_PER_S 1e9

const char *const packet_stats_words[] = {"conv", "endpoints", "hierarchy", "streams",
					  NULL};

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

const char *packet_stats_format_end(const struct sonde_statistics_end *end,
				    char text[PACKET_STATS_END_CHARS])
{
	if (end->address.family == SONDE_FAMILY_NONE) {
		size_t used = 0;
		for (unsigned i = 0; i < sizeof(end->ethernet); i++)
			used += (size_t)snprintf(text + used,
						 PACKET_STATS_END_CHARS - used, "%s%02x",
						 i ? ":" : "", end->ethernet[i]);
	} else if (end->address.port) {
		sonde_address_format(&end->address, text);
	} else {
		sonde_address_format_host(&end->address, text);
	}
	return text;
}

double packet_stats_seconds(int64_t from_ns, int64_t to_ns)
{
	if (from_ns == INT64_MIN || to_ns == INT64_MIN)
		return 0;
	return (double)(to_ns - from_ns) / NS_PER_S;
}

static void add_end(struct output *output, const char *key,
		    const struct sonde_statistics_end *end)
{
	char text[PACKET_STATS_END_CHARS];

	sonde_json_key(&output->json, key);
	sonde_json_object_begin(&output->json);
	if (end->address.family == SONDE_FAMILY_NONE) {
		sonde_json_add_string(&output->json, "address",
				      packet_stats_format_end(end, text));
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
	double time_s = packet_stats_seconds(half->first_ns, half->last_ns);

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

static void add_all(struct packet_stats *stats, struct output *output)
{
	for (int i = 0; i < SONDE_LAYERS; i++) {
		if (stats->what & SONDE_STATISTICS_CONVERSATIONS)
			add_conversations(stats, output, (enum sonde_statistics_layer)i);
	}
	for (int i = 0; i < SONDE_LAYERS; i++) {
		if (stats->what & SONDE_STATISTICS_ENDPOINTS)
			add_endpoints(stats, output, (enum sonde_statistics_layer)i);
	}
	if (stats->what & SONDE_STATISTICS_HIERARCHY)
		add_hierarchy(stats, output);
	if (stats->what & SONDE_STATISTICS_STREAMS)
		add_streams(stats, output);
}

int packet_stats_print(struct packet_stats *stats, struct output *output)
{
	uint64_t left_out = sonde_statistics_left_out(stats->statistics);

	if (output->has_json)
		add_all(stats, output);
	else
		packet_stats_print_text(stats->statistics, stats->what, stats->first_ns,
					output);
	if (left_out > 0)
		message_say("read --stats: %llu packets are in no row: too many "
			    "conversations",
			    (unsigned long long)left_out);
	return 0;
}
