/* Which statements a ladder shows, and in which lane each. */
#include "timeline/ladder_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sort.h"
#include "timeline/calls.h"
#include "timeline/index.h"

uint32_t ladder_next_edge_since(const struct sonde_timeline *timeline, uint32_t packet,
				uint32_t after)
{
	enum { NEAR = 8 };

	for (uint32_t i = after; i < timeline->edge_count && i - after < NEAR; i++)
		if (timeline->edges[i].packet >= packet)
			return i;
	return ladder_first_edge_since(timeline, packet);
}

static int add_calls(struct ladder_builder *builder, const uint32_t *calls,
		     uint32_t count)
{
	if (!count)
		return 0;
	if (array_reserve(&builder->calls, &builder->call_room,
			  builder->call_count + count, sizeof(*builder->calls)) < 0)
		return -ENOMEM;
	memcpy(builder->calls + builder->call_count, calls,
	       count * sizeof(*builder->calls));
	builder->call_count += count;
	return 0;
}

static int by_number(const void *left, const void *right, void *context)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	(void)context;
	return (a > b) - (a < b);
}

/* All calls that may belong here, each once. */
static int gather_calls(struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	const struct sonde_timeline_index *index = timeline->index;
	const struct sonde_stream *stream = builder->scope.stream;
	const uint32_t sockets[] = {
		builder->scope.sockets[0],
		builder->scope.sockets[1],
		/* Of the later connections only the calls that their packets ended. */
		builder->scope.is_first_of_listener ? stream->listening_socket : 0,
	};
	const uint32_t *packets, *calls;
	uint32_t packet_count, count;
	size_t kept = 0;

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		calls = index_find(&index->calls_of_socket, sockets[i], &count);
		if (add_calls(builder, calls, count) < 0)
			return -ENOMEM;
	}
	packets = index_find(&index->packets_of_stream, stream->stream, &packet_count);
	for (uint32_t i = 0; i < packet_count; i++) {
		calls = index_find(&index->calls_of_packet, packets[i], &count);
		if (add_calls(builder, calls, count) < 0)
			return -ENOMEM;
	}
	if (sort_nearly(builder->calls, builder->call_count, sizeof(*builder->calls),
			by_number, NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < builder->call_count; i++)
		if (!kept || builder->calls[kept - 1] != builder->calls[i])
			builder->calls[kept++] = builder->calls[i];
	builder->call_count = kept;
	return 0;
}

/* How surely a statement belongs to a lane. */
enum surety { BY_EDGE = 0, BY_CALL, BY_PRINCIPAL };

static int choose(struct ladder_builder *builder, uint32_t statement, int lane,
		  bool is_instant, enum surety surety)
{
	enum { ORDER_BITS = 28 };
	uint32_t order = (uint32_t)builder->chosen_count & ((1U << ORDER_BITS) - 1);

	if (array_reserve(&builder->chosen, &builder->chosen_room,
			  builder->chosen_count + 1, sizeof(*builder->chosen)) < 0)
		return -ENOMEM;
	builder->chosen[builder->chosen_count++] = (struct ladder_chosen){
		.statement = statement,
		/* Until they are merged: whose lane counts, the earlier of equals. */
		.begin = ((uint32_t)surety + 1) << ORDER_BITS |
			 (~order & ((1U << ORDER_BITS) - 1)),
		.lane = (uint8_t)lane,
		.is_instant = is_instant,
	};
	return 0;
}

static int by_statement(const void *left, const void *right)
{
	const struct ladder_chosen *a = left, *b = right;

	return (a->statement > b->statement) - (a->statement < b->statement);
}

static int in_order(const void *left, const void *right, void *context)
{
	(void)context;
	return by_statement(left, right);
}

/* One entry for each statement: its lane is that of its principal call, else any. */
static int merge_chosen(struct ladder_builder *builder)
{
	size_t kept = 0;

	if (sort_nearly(builder->chosen, builder->chosen_count, sizeof(*builder->chosen),
			in_order, NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < builder->chosen_count; i++) {
		struct ladder_chosen *chosen = &builder->chosen[i];
		struct ladder_chosen *last = kept ? &builder->chosen[kept - 1] : NULL;

		if (!last || last->statement != chosen->statement) {
			builder->chosen[kept++] = *chosen;
			continue;
		}
		if (chosen->begin > last->begin) {
			last->lane = chosen->lane;
			last->begin = chosen->begin;
		}
		last->is_instant |= chosen->is_instant;
	}
	builder->chosen_count = kept;
	for (size_t i = 0; i < kept; i++)
		builder->chosen[i].begin = 0;
	return 0;
}

struct ladder_chosen *ladder_find_chosen(const struct ladder_builder *builder,
					 uint32_t statement)
{
	const struct ladder_chosen key = {.statement = statement};
	size_t guess;

	if (!builder->chosen_count || statement < builder->chosen[0].statement)
		return NULL;
	/* Where one connection is nearly all there is, they follow on each other. */
	guess = statement - builder->chosen[0].statement;
	if (guess < builder->chosen_count &&
	    builder->chosen[guess].statement == statement)
		return &builder->chosen[guess];
	return bsearch(&key, builder->chosen, builder->chosen_count, sizeof(key),
		       by_statement);
}

static int choose_by_calls(struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (size_t i = 0; i < builder->call_count; i++) {
		const struct sonde_call *call =
			&timeline->recording->calls[builder->calls[i] - 1];
		uint32_t statement = timeline->statement_of_call[call->call - 1];
		bool is_principal =
			timeline->statements[statement - 1].principal == call->call;
		bool is_instant =
			call->kind == SONDE_CALL_BIND || call->kind == SONDE_CALL_LISTEN;
		int lane;

		/* An event loop's wait may end for several sockets; what it is joined
		 * with is about one. */
		if (call->kind == SONDE_CALL_WAIT && !is_principal)
			continue;
		lane = ladder_lane(&builder->scope, call);
		if (lane != LADDER_NO_LANE &&
		    choose(builder, statement, lane, is_instant,
			   is_principal ? BY_PRINCIPAL : BY_CALL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* What a packet of this stream was sent by belongs here, whatever else is known. */
static int choose_by_packets(struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	const struct sonde_stream *stream = builder->scope.stream;
	uint32_t count, e = 0;
	const uint32_t *packets =
		index_find(&timeline->index->packets_of_stream, stream->stream, &count);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t lane = timeline->packet_places[packets[i] - 1].direction;

		for (e = ladder_next_edge_since(timeline, packets[i], e);
		     e < timeline->edge_count && timeline->edges[e].packet == packets[i];
		     e++) {
			const struct sonde_edge *edge = &timeline->edges[e];

			if (edge->kind == SONDE_EDGE_SENT &&
			    choose(builder, edge->statement, lane, false, BY_EDGE) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

uint32_t ladder_first_pass(const struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	uint32_t low = 0, high = ladder_first_edge_since(timeline, 1);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (timeline->edges[middle].stream < builder->scope.stream->stream)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ladder_is_pass(const struct ladder_builder *builder, uint32_t edge)
{
	const struct sonde_timeline *timeline = builder->timeline;

	return edge < timeline->edge_count && !timeline->edges[edge].packet &&
	       timeline->edges[edge].stream == builder->scope.stream->stream;
}

int ladder_lane_of_pass(const struct ladder_builder *builder, uint32_t number)
{
	const struct sonde_call *call = call_at(builder->timeline->recording, number);

	for (int lane = LADDER_CLIENT; lane <= LADDER_SERVER; lane++) {
		uint32_t socket = builder->scope.sockets[lane];

		if (call->socket == socket || call->new_socket == socket ||
		    call->from_socket == socket || call_watches(call, socket) ||
		    builder->timeline->recording->sockets[socket - 1].closed_by == number)
			return lane;
	}
	/* A wait for the connection. */
	return LADDER_SERVER;
}

static int choose_by_passes(struct ladder_builder *builder)
{
	for (uint32_t i = ladder_first_pass(builder); ladder_is_pass(builder, i); i++) {
		const struct sonde_edge *edge = &builder->timeline->edges[i];

		if (choose(builder, edge->statement,
			   ladder_lane_of_pass(builder, edge->call), false,
			   BY_EDGE) < 0 ||
		    choose(builder, edge->by_statement,
			   ladder_lane_of_pass(builder, edge->by_call), false,
			   BY_EDGE) < 0)
			return -ENOMEM;
	}
	return 0;
}

int ladder_choose(struct ladder_builder *builder)
{
	if (gather_calls(builder) < 0 || choose_by_calls(builder) < 0 ||
	    choose_by_packets(builder) < 0 || choose_by_passes(builder) < 0)
		return -ENOMEM;
	return merge_chosen(builder);
}
