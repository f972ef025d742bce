/* Ties the parts of the join together: see join.h for their order. */
#include <sonde/timeline.h>

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/sort.h"
#include "timeline/datagram.h"
#include "timeline/index.h"
#include "timeline/join.h"
#include "timeline/statement.h"

struct stream_state *join_state(const struct join *join, uint32_t stream)
{
	if (!stream || stream > join->timeline->stream_count)
		return NULL;
	return &join->states[stream - 1];
}

const struct sonde_packet *join_packet(const struct join *join, uint32_t packet)
{
	if (!packet || packet > join->recording->packet_count)
		return NULL;
	return &join->recording->packets[packet - 1];
}

struct side *join_side(const struct join *join, uint32_t side_number)
{
	return &join->states[side_number / 2].sides[side_number % 2];
}

bool join_socket_stream(const struct join *join, uint32_t socket, int64_t at_ns,
			uint32_t *ret_stream, unsigned *ret_which)
{
	uint32_t number = 0;

	if (socket && socket <= join->recording->socket_count)
		number = join->first_side[socket - 1];
	for (; number; number = join_side(join, number - 1)->next_side) {
		const struct side *side = join_side(join, number - 1);

		if (at_ns >= side->until_ns && side->next_side)
			continue;
		if (at_ns < side->from_ns)
			return false;
		*ret_stream = (number - 1) / 2 + 1;
		*ret_which = (number - 1) % 2;
		return true;
	}
	return false;
}

int64_t join_margin_ns(const struct join *join)
{
	return join->recording->margin_ns > 0 ? join->recording->margin_ns : 0;
}

static int add_edge(struct sonde_edge **edges, size_t *count, size_t *room,
		    const struct sonde_edge *edge)
{
	if (*count >= UINT32_MAX / 2 ||
	    array_reserve(edges, room, *count + 1, sizeof(**edges)) < 0)
		return -ENOMEM;
	(*edges)[(*count)++] = *edge;
	return 0;
}

int join_add_packet_edge(struct join *join, const struct sonde_edge *edge)
{
	return add_edge(&join->packet_edges, &join->packet_edge_count,
			&join->packet_edge_room, edge);
}

int join_add_call_edge(struct join *join, const struct sonde_edge *edge)
{
	return add_edge(&join->call_edges, &join->call_edge_count, &join->call_edge_room,
			edge);
}

static int index_streams(struct join *join)
{
	const struct sonde_timeline *timeline = join->timeline;
	uint32_t packets = join->recording->packet_count;
	uint32_t *at = array_new((size_t)timeline->stream_count + 2, sizeof(*at));

	join->of_stream = array_new((size_t)packets + 1, sizeof(*join->of_stream));
	join->stream_begin = array_new((size_t)timeline->stream_count + 2,
				       sizeof(*join->stream_begin));
	if (!at || !join->of_stream || !join->stream_begin) {
		array_free(at);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		at[i + 1] = join->stream_begin[i + 1];
		join->stream_begin[i + 2] =
			join->stream_begin[i + 1] + timeline->streams[i].packet_count;
	}
	for (uint32_t i = 0; i < packets; i++)
		if (timeline->packet_places[i].stream)
			join->of_stream[at[timeline->packet_places[i].stream]++] = i + 1;
	array_free(at);
	return 0;
}

static int by_packet(const void *left, const void *right, void *context)
{
	const struct sonde_edge *a = left, *b = right;

	(void)context;
	if (a->packet != b->packet)
		return a->packet < b->packet ? -1 : 1;
	if (a->stream != b->stream)
		return a->stream < b->stream ? -1 : 1;
	if (a->call == b->call && a->by_call != b->by_call)
		return a->by_call < b->by_call ? -1 : 1;
	if (a->call == b->call)
		return (int)a->kind - (int)b->kind;
	return a->call < b->call ? -1 : a->call > b->call;
}

/* The edges of the packets come in order; those of the calls are sorted in. */
static int merge_edges(struct join *join)
{
	struct sonde_timeline *timeline = join->timeline;
	size_t count = join->packet_edge_count + join->call_edge_count;
	size_t i = 0, j = 0;

	if (!count)
		return 0;
	timeline->edges = array_new(count, sizeof(*timeline->edges));
	if (!timeline->edges)
		return -ENOMEM;
	if (sort_nearly(join->call_edges, join->call_edge_count,
			sizeof(*join->call_edges), by_packet, NULL) < 0)
		return -ENOMEM;
	while (i < join->packet_edge_count || j < join->call_edge_count) {
		bool is_packets =
			j == join->call_edge_count ||
			(i < join->packet_edge_count &&
			 join->packet_edges[i].packet <= join->call_edges[j].packet);

		timeline->edges[timeline->edge_count++] =
			is_packets ? join->packet_edges[i++] : join->call_edges[j++];
	}
	return 0;
}

static void join_done(struct join *join)
{
	for (size_t i = 0; i < join->state_room; i++)
		for (unsigned which = 0; which < 2; which++) {
			struct side *side = &join->states[i].sides[which];

			arrivals_done(&side->arrivals);
			array_free(side->sends.ranges);
			array_free(side->receives.ranges);
		}
	local_done(&join->local);
	call_index_done(&join->calls);
	flow_table_done(&join->flows);
	array_free(join->states);
	array_free(join->offsets);
	array_free(join->quotes);
	array_free(join->first_side);
	array_free(join->of_stream);
	array_free(join->stream_begin);
	array_free(join->sent_by);
	array_free(join->senders);
	datagram_queues_done(join);
	array_free(join->datagram_of);
	array_free(join->is_received_unsurely);
	array_free(join->packet_edges);
	array_free(join->call_edges);
}

int sonde_timeline_build(const struct sonde_recording *recording,
			 struct sonde_timeline *ret)
{
	struct sonde_timeline timeline = {.recording = recording};
	struct join join = {.recording = recording, .timeline = &timeline};
	int error = call_index_init(recording, &join.calls);

	if (error >= 0)
		error = statement_fold(recording, &join.calls, &timeline);
	if (error >= 0)
		error = stream_build(&join);
	if (error >= 0)
		error = endpoint_match(&join);
	if (error >= 0)
		error = index_streams(&join);
	if (error >= 0)
		error = range_build(&join);
	if (error >= 0)
		error = udp_match(&join);
	if (error >= 0)
		error = local_build(&join);
	if (error >= 0)
		error = sent_join(&join);
	if (error >= 0)
		error = completed_join(&join);
	if (error >= 0)
		error = local_finish(&join);
	if (error >= 0)
		error = merge_edges(&join);
	if (error >= 0)
		error = index_build(&timeline);
	join_done(&join);
	if (error < 0)
		sonde_timeline_done(&timeline);
	else
		*ret = timeline;
	return error;
}

void sonde_timeline_done(struct sonde_timeline *timeline)
{
	array_free(timeline->statements);
	array_free(timeline->statement_of_call);
	array_free(timeline->next_call);
	array_free(timeline->edges);
	array_free(timeline->packet_places);
	array_free(timeline->streams);
	array_free(timeline->call_blocked);
	array_free(timeline->call_why);
	array_free(timeline->call_packet);
	array_free(timeline->call_by);
	array_free(timeline->call_unsure);
	index_free(timeline->index);
	*timeline = (struct sonde_timeline){0};
}
