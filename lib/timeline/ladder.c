/* The ladder of one stream: statements as bars in two lanes, packets as arrows between
 * them, in an order in which nothing comes before its cause.
 *
 * Rows are sorted by time; at one time a statement begins before a packet, and a packet
 * comes before the end of a statement.  A statement that begins a little later than the
 * packet that it sent (the clocks of tracer and capture differ by less than the margin)
 * is moved before it. */
#include "timeline/ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sort.h"
#include "timeline/calls.h"
#include "timeline/index.h"
#include "timeline/moment.h"

struct event {
	struct sonde_ladder_row row;
	int64_t key_ns;
};

/* A statement that belongs here. */
struct chosen {
	uint32_t statement;
	uint32_t begin; /* its BEGIN, index + 1; 0: not yet */
	uint8_t lane;
	bool is_instant; /* bind and listen, drawn whole */
};

struct builder {
	const struct sonde_timeline *timeline;
	const struct sonde_ladder_options *options;
	struct ladder_scope scope;
	struct event *events;
	size_t event_count, event_room;
	uint32_t *calls; /* that may belong here */
	size_t call_count, call_room;
	struct chosen *chosen; /* by statement */
	size_t chosen_count, chosen_room;
	const struct event **order; /* events are large, and stay where they are */
	uint32_t acks_folded;
};

static int add_event(struct builder *builder, const struct sonde_ladder_row *row)
{
	if (array_reserve(&builder->events, &builder->event_room,
			  builder->event_count + 1, sizeof(*builder->events)) < 0)
		return -ENOMEM;
	builder->events[builder->event_count++] =
		(struct event){.row = *row, .key_ns = row->at_ns};
	return 0;
}

static uint32_t first_edge_since(const struct sonde_timeline *timeline, uint32_t packet)
{
	uint32_t low = 0, high = timeline->edge_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (timeline->edges[middle].packet < packet)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The same for packets in ascending order: most often it is the next edge but a few. */
static uint32_t next_edge_since(const struct sonde_timeline *timeline, uint32_t packet,
				uint32_t after)
{
	enum { NEAR = 8 };

	for (uint32_t i = after; i < timeline->edge_count && i - after < NEAR; i++)
		if (timeline->edges[i].packet >= packet)
			return i;
	return first_edge_since(timeline, packet);
}

/* ---- which statements ---- */

static int add_calls(struct builder *builder, const uint32_t *calls, uint32_t count)
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
static int gather_calls(struct builder *builder)
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

static int choose(struct builder *builder, uint32_t statement, int lane, bool is_instant,
		  enum surety surety)
{
	enum { ORDER_BITS = 28 };
	uint32_t order = (uint32_t)builder->chosen_count & ((1U << ORDER_BITS) - 1);

	if (array_reserve(&builder->chosen, &builder->chosen_room,
			  builder->chosen_count + 1, sizeof(*builder->chosen)) < 0)
		return -ENOMEM;
	builder->chosen[builder->chosen_count++] = (struct chosen){
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
	const struct chosen *a = left, *b = right;

	return (a->statement > b->statement) - (a->statement < b->statement);
}

static int in_order(const void *left, const void *right, void *context)
{
	(void)context;
	return by_statement(left, right);
}

/* One entry for each statement: its lane is that of its principal call, else any. */
static int merge_chosen(struct builder *builder)
{
	size_t kept = 0;

	if (sort_nearly(builder->chosen, builder->chosen_count, sizeof(*builder->chosen),
			in_order, NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < builder->chosen_count; i++) {
		struct chosen *chosen = &builder->chosen[i];
		struct chosen *last = kept ? &builder->chosen[kept - 1] : NULL;

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

static struct chosen *find_chosen(const struct builder *builder, uint32_t statement)
{
	const struct chosen key = {.statement = statement};
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

static int choose_by_calls(struct builder *builder)
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
static int choose_by_packets(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	const struct sonde_stream *stream = builder->scope.stream;
	uint32_t count, e = 0;
	const uint32_t *packets =
		index_find(&timeline->index->packets_of_stream, stream->stream, &count);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t lane = timeline->packet_places[packets[i] - 1].direction;

		for (e = next_edge_since(timeline, packets[i], e);
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

/* The first of the edges between calls in this stream. */
static uint32_t first_pass(const struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	uint32_t low = 0, high = first_edge_since(timeline, 1);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (timeline->edges[middle].stream < builder->scope.stream->stream)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_pass(const struct builder *builder, uint32_t edge)
{
	const struct sonde_timeline *timeline = builder->timeline;

	return edge < timeline->edge_count && !timeline->edges[edge].packet &&
	       timeline->edges[edge].stream == builder->scope.stream->stream;
}

/* The lane in which the call of an edge between calls stands. */
static int lane_of_pass(const struct builder *builder, uint32_t number)
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

static int choose_by_passes(struct builder *builder)
{
	for (uint32_t i = first_pass(builder); is_pass(builder, i); i++) {
		const struct sonde_edge *edge = &builder->timeline->edges[i];

		if (choose(builder, edge->statement, lane_of_pass(builder, edge->call),
			   false, BY_EDGE) < 0 ||
		    choose(builder, edge->by_statement,
			   lane_of_pass(builder, edge->by_call), false, BY_EDGE) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The calls on its sockets; and what an edge says to belong here, where no call had a lane
 * of its own. */
static int choose_statements(struct builder *builder)
{
	if (gather_calls(builder) < 0 || choose_by_calls(builder) < 0 ||
	    choose_by_packets(builder) < 0 || choose_by_passes(builder) < 0)
		return -ENOMEM;
	return merge_chosen(builder);
}

static int add_statements(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (size_t i = 0; i < builder->chosen_count; i++) {
		struct chosen *chosen = &builder->chosen[i];
		const struct sonde_statement *statement =
			&timeline->statements[chosen->statement - 1];
		struct sonde_ladder_row row = {
			.kind = SONDE_LADDER_BEGIN,
			.at_ns = statement->enter_ns,
			.statement = statement->statement,
			.lane = chosen->lane,
			.to_lane = chosen->lane,
		};

		if (chosen->is_instant && statement->exit_ns)
			row.kind = SONDE_LADDER_WHOLE;
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
		chosen->begin = (uint32_t)builder->event_count;
		if (row.kind == SONDE_LADDER_WHOLE || !statement->exit_ns)
			continue;
		row.kind = SONDE_LADDER_END;
		row.at_ns = statement->exit_ns;
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---- which arrows ---- */

/* Whether the row's packet completes a statement of this ladder: rather one for sure. */
static void find_completed(const struct builder *builder, uint32_t first_edge,
			   struct sonde_ladder_row *row)
{
	const struct sonde_timeline *timeline = builder->timeline;
	uint32_t packet = row->packet;

	for (uint32_t i = first_edge;
	     i < timeline->edge_count && timeline->edges[i].packet == packet; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (edge->kind != SONDE_EDGE_COMPLETED ||
		    !find_chosen(builder, edge->statement) ||
		    (row->completes && !edge->exact))
			continue;
		row->completes = true;
		row->completed = edge->statement;
		row->is_perhaps = !edge->exact;
		if (edge->exact)
			break;
	}
}

/* Nothing leaves before the statement that sends it has begun. */
static void pull_causes(struct builder *builder, uint32_t first_edge,
			const struct sonde_packet *packet)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = first_edge;
	     i < timeline->edge_count && timeline->edges[i].packet == packet->packet;
	     i++) {
		const struct sonde_edge *edge = &timeline->edges[i];
		const struct chosen *chosen;

		if (edge->kind != SONDE_EDGE_SENT || !edge->exact)
			continue;
		chosen = find_chosen(builder, edge->statement);
		if (chosen && builder->events[chosen->begin - 1].key_ns > packet->at_ns)
			builder->events[chosen->begin - 1].key_ns = packet->at_ns;
	}
}

static int add_packets(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	uint32_t count, edge = 0;
	const uint32_t *packets = index_find(&timeline->index->packets_of_stream,
					     builder->scope.stream->stream, &count);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = packets[i];
		const struct sonde_packet *packet =
			&timeline->recording->packets[number - 1];
		const struct sonde_packet_place *place =
			&timeline->packet_places[number - 1];
		struct sonde_ladder_row row = {
			.kind = SONDE_LADDER_PACKET,
			.at_ns = packet->at_ns,
			.packet = number,
			.lane = place->direction,
			.to_lane = !place->direction,
		};

		edge = next_edge_since(timeline, number, edge);
		find_completed(builder, edge, &row);
		if (place->is_pure_ack && !place->is_handshake_ack && !row.completes &&
		    !builder->options->all_acks) {
			builder->acks_folded++;
			continue;
		}
		pull_causes(builder, edge, packet);
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* An ICMP error that ended a call of this ladder. */
static int add_error(struct builder *builder, const struct chosen *chosen,
		     uint32_t packet)
{
	const struct sonde_timeline *timeline = builder->timeline;
	struct sonde_ladder_row row = {
		.kind = SONDE_LADDER_PACKET,
		.packet = packet,
		.to_lane = chosen->lane,
		.lane = !chosen->lane,
	};

	row.at_ns = timeline->recording->packets[packet - 1].at_ns;
	find_completed(builder, first_edge_since(timeline, packet), &row);
	return add_event(builder, &row);
}

static int add_errors(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (size_t i = 0; i < builder->chosen_count; i++) {
		const struct chosen *chosen = &builder->chosen[i];
		uint32_t call = timeline->statements[chosen->statement - 1].first_call;

		for (; call; call = timeline->next_call[call - 1]) {
			uint32_t packet = timeline->call_packet[call - 1];

			if (packet && !timeline->packet_places[packet - 1].stream &&
			    add_error(builder, chosen, packet) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* An arrow from call to call, when the later of the two had been entered: then what the
 * one gave could be taken. */
static int add_passes(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = first_pass(builder); is_pass(builder, i); i++) {
		const struct sonde_edge *edge = &timeline->edges[i];
		const struct sonde_call *call = call_at(timeline->recording, edge->call);
		const struct sonde_call *by = call_at(timeline->recording, edge->by_call);
		struct sonde_ladder_row row = {
			.kind = SONDE_LADDER_PASS,
			.edge = i + 1,
			.at_ns = by->enter_ns > call->enter_ns ? by->enter_ns
							       : call->enter_ns,
			.lane = (uint8_t)lane_of_pass(builder, edge->by_call),
		};

		/* The edge that completes stands before the one that says what was
		 * taken: the two are one arrow. */
		if (edge->kind == SONDE_EDGE_COMPLETED) {
			row.completes = true;
			row.completed = edge->statement;
			row.is_perhaps = !edge->exact;
			if (is_pass(builder, i + 1) &&
			    timeline->edges[i + 1].call == edge->call &&
			    timeline->edges[i + 1].by_call == edge->by_call)
				row.edge = ++i + 1;
		}
		row.to_lane = (uint8_t)lane_of_pass(builder, edge->call);
		if (row.lane == row.to_lane)
			row.lane = !row.to_lane;
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int rank(const struct sonde_ladder_row *row)
{
	switch (row->kind) {
	case SONDE_LADDER_BEGIN:
	case SONDE_LADDER_WHOLE:
		return 0;
	case SONDE_LADDER_PACKET:
	case SONDE_LADDER_PASS:
		return 1;
	default:
		return 2;
	}
}

static int by_cause(const void *left, const void *right, void *context)
{
	const struct event *a = *(const struct event *const *)left;
	const struct event *b = *(const struct event *const *)right;

	(void)context;
	if (a->key_ns != b->key_ns)
		return a->key_ns < b->key_ns ? -1 : 1;
	if (rank(&a->row) != rank(&b->row))
		return rank(&a->row) - rank(&b->row);
	if (a->row.packet != b->row.packet)
		return a->row.packet < b->row.packet ? -1 : 1;
	if (a->row.edge != b->row.edge)
		return a->row.edge < b->row.edge ? -1 : 1;
	if (a->row.statement != b->row.statement)
		return a->row.statement < b->row.statement ? -1 : 1;
	return (int)a->row.kind - (int)b->row.kind;
}

static int sort(struct builder *builder)
{
	builder->order = array_new(builder->event_count + 1, sizeof(*builder->order));
	if (!builder->order)
		return -ENOMEM;
	for (size_t i = 0; i < builder->event_count; i++)
		builder->order[i] = &builder->events[i];
	return sort_nearly(builder->order, builder->event_count, sizeof(*builder->order),
			   by_cause, NULL);
}

/* Rows for idle times that are folded; at most one before each event. */
static size_t count_gaps(const struct builder *builder, int64_t fold_ns)
{
	size_t count = 0;

	for (size_t i = 1; fold_ns > 0 && i < builder->event_count; i++)
		count += moment_minus(builder->order[i]->row.at_ns,
				      builder->order[i - 1]->row.at_ns) > fold_ns;
	return count;
}

/* Joins begin and end where nothing stands between them, and folds idle times. */
static int write_rows(const struct builder *builder, struct sonde_ladder *ladder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	int64_t fold_ns = builder->options->fold_gap_ns;
	int64_t last_ns = 0;

	ladder->rows = array_new(builder->event_count + count_gaps(builder, fold_ns) + 1,
				 sizeof(*ladder->rows));
	if (!ladder->rows)
		return -ENOMEM;
	for (size_t i = 0; i < builder->event_count; i++) {
		struct sonde_ladder_row row = builder->order[i]->row;
		const struct sonde_ladder_row *next =
			i + 1 < builder->event_count ? &builder->order[i + 1]->row : NULL;

		if (row.kind == SONDE_LADDER_PACKET && next && next->packet == row.packet)
			continue;
		if (i && fold_ns > 0 && moment_minus(row.at_ns, last_ns) > fold_ns)
			ladder->rows[ladder->row_count++] = (struct sonde_ladder_row){
				.kind = SONDE_LADDER_GAP,
				.at_ns = last_ns,
				.gap_ns = moment_minus(row.at_ns, last_ns)};
		if (row.kind == SONDE_LADDER_BEGIN && next &&
		    next->kind == SONDE_LADDER_END && next->statement == row.statement) {
			row.kind = SONDE_LADDER_WHOLE;
			i++;
		}
		if (!ladder->row_count || row.at_ns > last_ns)
			last_ns = row.at_ns;
		if (row.kind == SONDE_LADDER_WHOLE &&
		    timeline->statements[row.statement - 1].exit_ns > last_ns)
			last_ns = timeline->statements[row.statement - 1].exit_ns;
		ladder->rows[ladder->row_count++] = row;
	}
	return 0;
}

static void name_lanes(const struct builder *builder, struct sonde_ladder *ladder)
{
	const struct sonde_stream *stream = builder->scope.stream;

	for (unsigned i = 0; i < 2; i++) {
		uint32_t number = builder->scope.sockets[i];
		uint32_t program = i == LADDER_CLIENT ? stream->client_program
						      : stream->server_program;
		const struct sonde_socket *socket;

		/* Never accepted: the listening socket stands for it. */
		if (i == LADDER_SERVER && !number)
			number = stream->listening_socket;
		socket = socket_at(builder->timeline->recording, number);
		ladder->lanes[i] = (struct sonde_lane){
			.socket = socket ? number : 0,
			.program = program  ? program
				   : socket ? socket->program
					    : 0,
			.address = i == LADDER_CLIENT ? stream->client : stream->server,
		};
	}
}

int sonde_ladder_build(const struct sonde_timeline *timeline, uint32_t stream,
		       const struct sonde_ladder_options *options,
		       struct sonde_ladder *ret)
{
	static const struct sonde_ladder_options plain;
	struct sonde_ladder ladder = {.stream = stream};
	struct builder builder = {.timeline = timeline,
				  .options = options ? options : &plain};
	int error = -ENOMEM;

	if (!stream || stream > timeline->stream_count)
		return -EINVAL;
	ladder_scope_init(timeline, &timeline->streams[stream - 1], &builder.scope);
	if (choose_statements(&builder) < 0 || add_statements(&builder) < 0 ||
	    add_packets(&builder) < 0 || add_errors(&builder) < 0 ||
	    add_passes(&builder) < 0)
		goto out;
	if (sort(&builder) < 0 || write_rows(&builder, &ladder) < 0)
		goto out;
	name_lanes(&builder, &ladder);
	ladder.acks_folded = builder.acks_folded;
	*ret = ladder;
	error = 0;
out:
	array_free(builder.calls);
	array_free(builder.chosen);
	array_free(builder.events);
	array_free(builder.order);
	return error;
}

void sonde_ladder_done(struct sonde_ladder *ladder)
{
	array_free(ladder->rows);
	*ladder = (struct sonde_ladder){0};
}
