/* A run as NDJSON, in order of time.
 *
 * Every object comes before those that name it, with two exceptions that the order of
 * time asks for: a statement names its calls before they come, and a socket the calls
 * that made it.  Edges come after both of their ends.  Streams count from 0, as Wireshark
 * counts them; everything else counts from 1. */
#include <errno.h>
#include <stdlib.h>

#include "render.h"
#include "trace_json.h"
#include "trace_json_scope.h"

enum { ACCOUNT_CHARS = 4096 };

/* What an item is, in the order in which items of the same time come. */
enum item_kind {
	ITEM_PROGRAM = 0,
	ITEM_SOCKET,
	ITEM_STREAM,
	ITEM_STATEMENT,
	ITEM_CALL,
	ITEM_PACKET,
	ITEM_EDGE,
};

struct item {
	int64_t at_ns;
	uint32_t index; /* in its array, from 0 */
	uint8_t kind;
};

static int compare_items(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static void write_summary(struct output *output, const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;
	struct sonde_json *json = output_event_begin(output, "summary");

	if (recording->has_packets) {
		sonde_json_add_int(json, "packets", recording->packet_count);
		sonde_json_add_int(json, "packets_mapped", timeline->packets_mapped);
		if (recording->drops_unknown)
			sonde_json_add_null(json, "packets_dropped");
		else
			sonde_json_add_int(json, "packets_dropped",
					   (int64_t)recording->packets_dropped);
	} else {
		sonde_json_add_null(json, "packets");
		sonde_json_add_null(json, "packets_mapped");
		sonde_json_add_null(json, "packets_dropped");
	}
	sonde_json_add_int(json, "calls", recording->call_count);
	sonde_json_add_int(json, "calls_without_line", timeline->calls_without_line);
	sonde_json_add_int(json, "calls_dropped", (int64_t)recording->calls_dropped);
	sonde_json_add_int(json, "stops", (int64_t)recording->stops);
	sonde_json_add_int(json, "held_ns", recording->held_ns);
	sonde_json_add_int(json, "streams", timeline->stream_count);
	if (recording->ended_ns)
		output_event_time(output, "ended_ns", recording->ended_ns);
	output_event_end(output);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* An edge is known when all it speaks of has been told. */
static int64_t edge_time(const struct sonde_timeline *timeline,
			 const struct sonde_edge *edge)
{
	const struct sonde_recording *recording = timeline->recording;
	int64_t at_ns = 0;

	if (edge->packet)
		at_ns = recording->packets[edge->packet - 1].at_ns;
	if (edge->call)
		at_ns = later(at_ns, recording->calls[edge->call - 1].enter_ns);
	if (edge->statement)
		at_ns = later(at_ns, timeline->statements[edge->statement - 1].enter_ns);
	if (edge->by_call)
		at_ns = later(at_ns, recording->calls[edge->by_call - 1].enter_ns);
	if (edge->by_packet)
		at_ns = later(at_ns, recording->packets[edge->by_packet - 1].at_ns);
	return at_ns;
}

static void add_item(struct item **at, enum item_kind kind, uint32_t index, int64_t at_ns)
{
	(*at)->kind = (uint8_t)kind;
	(*at)->index = index;
	(*at)->at_ns = at_ns;
	(*at)++;
}

static void collect(const struct sonde_timeline *timeline, struct item *at)
{
	const struct sonde_recording *recording = timeline->recording;

	for (uint32_t i = 0; i < recording->program_count; i++)
		add_item(&at, ITEM_PROGRAM, i, recording->programs[i].started_ns);
	for (uint32_t i = 0; i < recording->socket_count; i++)
		add_item(&at, ITEM_SOCKET, i, recording->sockets[i].opened_ns);
	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		uint32_t first = timeline->streams[i].first_packet;

		add_item(&at, ITEM_STREAM, i,
			 first ? recording->packets[first - 1].at_ns
			       : recording->started_ns);
	}
	for (uint32_t i = 0; i < timeline->statement_count; i++)
		add_item(&at, ITEM_STATEMENT, i, timeline->statements[i].enter_ns);
	for (uint32_t i = 0; i < recording->call_count; i++)
		add_item(&at, ITEM_CALL, i, recording->calls[i].enter_ns);
	for (uint32_t i = 0; i < recording->packet_count; i++)
		add_item(&at, ITEM_PACKET, i, recording->packets[i].at_ns);
	for (uint32_t i = 0; i < timeline->edge_count; i++)
		add_item(&at, ITEM_EDGE, i, edge_time(timeline, &timeline->edges[i]));
}

static bool is_wanted(const struct sonde_timeline *timeline,
		      const struct trace_scope *scope, const struct item *item)
{
	uint32_t number = item->index + 1;

	switch ((enum item_kind)item->kind) {
	case ITEM_PROGRAM:
		return trace_scope_has_program(scope, number);
	case ITEM_SOCKET:
		return trace_scope_has_socket(scope, number);
	case ITEM_STREAM:
		return trace_scope_has_stream(scope, number);
	case ITEM_STATEMENT:
		return trace_scope_has_statement(scope, number);
	case ITEM_CALL:
		return trace_scope_has_statement(
			scope, timeline->statement_of_call[item->index]);
	case ITEM_PACKET:
		return trace_scope_has_packet(scope, number);
	case ITEM_EDGE:
		return trace_scope_has_edge(scope, &timeline->edges[item->index]);
	}
	return false;
}

static void write_item(struct output *output, const struct sonde_timeline *timeline,
		       const struct item *item)
{
	const struct sonde_recording *recording = timeline->recording;

	switch ((enum item_kind)item->kind) {
	case ITEM_PROGRAM:
		trace_json_program(output, recording, &recording->programs[item->index]);
		break;
	case ITEM_SOCKET:
		trace_json_socket(output, recording, &recording->sockets[item->index]);
		break;
	case ITEM_STREAM:
		trace_json_stream(output, &timeline->streams[item->index]);
		break;
	case ITEM_STATEMENT:
		trace_json_statement(output, timeline,
				     &timeline->statements[item->index]);
		break;
	case ITEM_CALL:
		trace_json_call(output, timeline, &recording->calls[item->index]);
		break;
	case ITEM_PACKET:
		trace_json_packet(output, timeline, &recording->packets[item->index]);
		break;
	case ITEM_EDGE:
		trace_json_edge(output, &timeline->edges[item->index]);
		break;
	}
}

static void write_account(struct output *output, const struct sonde_timeline *timeline,
			  const struct sonde_account *accounts, uint32_t stream)
{
	struct sonde_json *json;
	char storage[ACCOUNT_CHARS];
	struct sonde_text text;

	if (output_is_broken(output))
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_account_add_text(timeline, accounts, stream, &text);
	json = output_event_begin(output, "explanation");
	sonde_json_add_int(json, "stream", (int64_t)stream - 1);
	sonde_json_add_string(json, "text", storage);
	output_event_end(output);
}

int render_trace_json(struct output *output, const struct sonde_timeline *timeline,
		      const struct sonde_findings *findings,
		      const struct sonde_account *accounts,
		      const struct render_options *options)
{
	const struct sonde_recording *recording = timeline->recording;
	size_t count = (size_t)recording->program_count + recording->socket_count +
		       timeline->stream_count + timeline->statement_count +
		       recording->call_count + recording->packet_count +
		       timeline->edge_count;
	struct item *items = calloc(count ? count : 1, sizeof(*items));
	struct trace_scope scope = {0};

	if (!items || trace_scope_init(timeline, options->stream, &scope) < 0) {
		free(items);
		return -ENOMEM;
	}
	collect(timeline, items);
	qsort(items, count, sizeof(*items), compare_items);

	output_json_start(output, recording->started_ns);
	for (size_t i = 0; i < count && !output_is_broken(output); i++)
		if (is_wanted(timeline, &scope, &items[i]))
			write_item(output, timeline, &items[i]);
	for (uint32_t i = 0; i < recording->note_count; i++)
		trace_json_note(output, &recording->notes[i]);
	for (uint32_t i = 1; accounts && i <= timeline->stream_count; i++)
		if (trace_scope_has_stream(&scope, i))
			write_account(output, timeline, accounts, i);
	for (uint32_t i = 0; i < findings->count; i++)
		if (trace_scope_has_stream(&scope, findings->findings[i].stream))
			trace_json_finding(output, &findings->findings[i]);
	/* It is of the whole recording. */
	if (!options->stream)
		write_summary(output, timeline);
	trace_scope_done(&scope);
	free(items);
	return 0;
}
