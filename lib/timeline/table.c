/* The two tables of the lab: which statement sent each packet, and which packet completed
 * each blocking statement.  Rows without an answer stay, with the reason. */
#include <sonde/timeline.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "timeline/deciding.h"
#include "timeline/moment.h"

static uint32_t count_sent(const struct sonde_timeline *timeline)
{
	uint32_t count = timeline->recording->packet_count - timeline->packets_mapped;

	for (uint32_t i = 0; i < timeline->edge_count; i++)
		count += timeline->edges[i].kind == SONDE_EDGE_SENT;
	return count;
}

static int build_sent(const struct sonde_timeline *timeline, struct sonde_tables *tables)
{
	uint32_t edge = 0, row = 0;

	tables->sent = array_new((size_t)count_sent(timeline) + 1, sizeof(*tables->sent));
	if (!tables->sent)
		return -ENOMEM;
	for (uint32_t packet = 1; packet <= timeline->recording->packet_count; packet++) {
		uint32_t first = row;

		for (; edge < timeline->edge_count &&
		       timeline->edges[edge].packet <= packet;
		     edge++) {
			const struct sonde_edge *sent = &timeline->edges[edge];

			if (sent->kind == SONDE_EDGE_SENT)
				tables->sent[row++] = (struct sonde_sent_row){
					.packet = packet,
					.statement = sent->statement,
					.call = sent->call,
					.carries = sent->carries,
					.exact = sent->exact};
		}
		if (row == first)
			tables->sent[row++] = (struct sonde_sent_row){
				.packet = packet,
				.why = timeline->packet_places[packet - 1].why,
				.exact = true};
	}
	tables->sent_count = row;
	return 0;
}

/* When the recording ended, as far as it says. */
static int64_t end_of_recording(const struct sonde_recording *recording)
{
	int64_t end_ns = recording->ended_ns;

	if (end_ns)
		return end_ns;
	if (recording->packet_count)
		end_ns = recording->packets[recording->packet_count - 1].at_ns;
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];
		int64_t last_ns = call->exit_ns ? call->exit_ns : call->enter_ns;

		if (last_ns > end_ns)
			end_ns = last_ns;
	}
	return end_ns;
}

static bool is_send(const struct sonde_timeline *timeline,
		    const struct sonde_statement *statement)
{
	return timeline->recording->calls[statement->principal - 1].kind ==
	       SONDE_CALL_SEND;
}

static int by_call(const void *left, const void *right)
{
	const struct sonde_edge *a = left, *b = right;

	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	if (a->packet != b->packet)
		return a->packet < b->packet ? -1 : 1;
	return a->by_call < b->by_call ? -1 : a->by_call > b->by_call;
}

/* What may have completed calls, by them. */
struct perhaps {
	struct sonde_edge *edges;
	size_t count;
};

static int find_perhaps(const struct sonde_timeline *timeline, struct perhaps *ret)
{
	for (uint32_t i = 0; i < timeline->edge_count; i++)
		ret->count += timeline->edges[i].kind == SONDE_EDGE_COMPLETED &&
			      !timeline->edges[i].exact;
	ret->edges = array_new(ret->count + 1, sizeof(*ret->edges));
	if (!ret->edges)
		return -ENOMEM;
	ret->count = 0;
	for (uint32_t i = 0; i < timeline->edge_count; i++)
		if (timeline->edges[i].kind == SONDE_EDGE_COMPLETED &&
		    !timeline->edges[i].exact)
			ret->edges[ret->count++] = timeline->edges[i];
	qsort(ret->edges, ret->count, sizeof(*ret->edges), by_call);
	return 0;
}

/* A row for each candidate; without an edge one alone. */
static void add_completed(struct sonde_tables *tables, const struct perhaps *perhaps,
			  struct sonde_completed_row row)
{
	size_t low = 0, high = perhaps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (perhaps->edges[middle].call < row.call)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == perhaps->count || perhaps->edges[low].call != row.call)
		tables->completed[tables->completed_count++] = row;
	for (; low < perhaps->count && perhaps->edges[low].call == row.call; low++) {
		row.packet = perhaps->edges[low].packet;
		row.by_call = perhaps->edges[low].by_call;
		row.by_statement = perhaps->edges[low].by_statement;
		tables->completed[tables->completed_count++] = row;
	}
}

static int build_completed(const struct sonde_timeline *timeline,
			   struct sonde_tables *tables)
{
	int64_t recording_end_ns = end_of_recording(timeline->recording);
	struct perhaps perhaps = {0};

	if (find_perhaps(timeline, &perhaps) < 0)
		return -ENOMEM;
	tables->completed =
		array_new((size_t)timeline->statement_count + perhaps.count + 1,
			  sizeof(*tables->completed));
	if (!tables->completed) {
		array_free(perhaps.edges);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < timeline->statement_count; i++) {
		const struct sonde_statement *statement = &timeline->statements[i];
		int64_t end_ns =
			statement->exit_ns ? statement->exit_ns : recording_end_ns;
		int64_t waited_ns = moment_minus(end_ns, statement->enter_ns);
		uint32_t call, by;

		if (!statement->can_block &&
		    !(is_send(timeline, statement) && statement->blocked == SONDE_YES))
			continue;
		call = deciding_call(timeline, statement);
		by = timeline->call_by[call - 1];
		add_completed(
			tables, &perhaps,
			(struct sonde_completed_row){
				.statement = statement->statement,
				.call = call,
				.packet = timeline->call_packet[call - 1],
				.by_call = by,
				.by_statement =
					by ? timeline->statement_of_call[by - 1] : 0,
				.blocked = statement->blocked,
				.why = timeline->call_why[call - 1],
				.exact = !timeline->call_unsure[call - 1],
				.waited_ns = waited_ns > 0 ? waited_ns : 0,
			});
	}
	array_free(perhaps.edges);
	return 0;
}

static int by_time(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	const struct sonde_taken_row *a = left, *b = right;
	int64_t a_ns = recording->calls[a->call - 1].exit_ns;
	int64_t b_ns = recording->calls[b->call - 1].exit_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? -1 : 1;
	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	return a->by_call < b->by_call ? -1 : a->by_call > b->by_call;
}

static int build_taken(const struct sonde_timeline *timeline, struct sonde_tables *tables)
{
	uint32_t count = 0;
	void *context = NULL;

	/* The edges between calls come first. */
	while (count < timeline->edge_count && !timeline->edges[count].packet)
		count++;
	tables->taken = array_new((size_t)count + 1, sizeof(*tables->taken));
	if (!tables->taken)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (edge->kind == SONDE_EDGE_TAKEN)
			tables->taken[tables->taken_count++] = (struct sonde_taken_row){
				.call = edge->call,
				.statement = edge->statement,
				.by_call = edge->by_call,
				.by_statement = edge->by_statement,
				.bytes = edge->to - edge->from,
				.stream = edge->stream,
				.exact = edge->exact,
			};
	}
	memcpy(&context, &timeline->recording, sizeof(context));
	qsort_r(tables->taken, tables->taken_count, sizeof(*tables->taken), by_time,
		context);
	return 0;
}

int sonde_tables_build(const struct sonde_timeline *timeline, struct sonde_tables *ret)
{
	struct sonde_tables tables = {0};
	int error = build_sent(timeline, &tables);

	if (error >= 0)
		error = build_completed(timeline, &tables);
	if (error >= 0)
		error = build_taken(timeline, &tables);
	if (error < 0)
		sonde_tables_done(&tables);
	else
		*ret = tables;
	return error;
}

void sonde_tables_done(struct sonde_tables *tables)
{
	array_free(tables->sent);
	array_free(tables->completed);
	array_free(tables->taken);
	*tables = (struct sonde_tables){0};
}
