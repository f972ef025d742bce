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

#include "base/array.h"
#include "timeline/calls.h"
#include "timeline/moment.h"

struct event {
	struct sonde_ladder_row row;
	int64_t key_ns;
};

struct builder {
	const struct sonde_timeline *timeline;
	const struct sonde_ladder_options *options;
	struct ladder_scope scope;
	struct event *events;
	size_t event_count, event_room;
	uint32_t *begins; /* [statement - 1]: its BEGIN, index + 1; 0: not here */
	uint8_t *lanes;   /* [statement - 1] */
	bool *is_instant; /* [statement - 1]: bind and listen, drawn whole */
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

/* Marks the statements that belong here: lane + 1. */
static void choose_statements(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	const struct sonde_recording *recording = timeline->recording;
	const struct sonde_stream *stream = builder->scope.stream;

	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];
		uint32_t statement = timeline->statement_of_call[i];
		uint8_t *lane = &builder->lanes[statement - 1];
		bool is_principal =
			timeline->statements[statement - 1].principal == call->call;
		int found;

		/* An event loop's wait may end for several sockets; what it is joined
		 * with is about one. */
		if (call->kind == SONDE_CALL_WAIT && !is_principal)
			continue;
		found = ladder_lane(&builder->scope, call);
		if (found == LADDER_NO_LANE)
			continue;
		if (!*lane || is_principal)
			*lane = (uint8_t)(found + 1);
		if (call->kind == SONDE_CALL_BIND || call->kind == SONDE_CALL_LISTEN)
			builder->is_instant[statement - 1] = true;
	}
	for (uint32_t i = first_edge_since(timeline, stream->first_packet);
	     i < timeline->edge_count && timeline->edges[i].packet <= stream->last_packet;
	     i++) {
		const struct sonde_edge *edge = &timeline->edges[i];
		const struct sonde_packet_place *place =
			&timeline->packet_places[edge->packet - 1];

		if (edge->kind == SONDE_EDGE_SENT && place->stream == stream->stream &&
		    !builder->lanes[edge->statement - 1])
			builder->lanes[edge->statement - 1] =
				(uint8_t)(place->direction + 1);
	}
}

static int add_statements(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = 0; i < timeline->statement_count; i++) {
		const struct sonde_statement *statement = &timeline->statements[i];
		struct sonde_ladder_row row = {
			.kind = SONDE_LADDER_BEGIN,
			.at_ns = statement->enter_ns,
			.statement = statement->statement,
			.lane = (uint8_t)(builder->lanes[i] - 1),
		};

		if (!builder->lanes[i])
			continue;
		row.to_lane = row.lane;
		if (builder->is_instant[i] && statement->exit_ns)
			row.kind = SONDE_LADDER_WHOLE;
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
		builder->begins[i] = (uint32_t)builder->event_count;
		if (row.kind == SONDE_LADDER_WHOLE || !statement->exit_ns)
			continue;
		row.kind = SONDE_LADDER_END;
		row.at_ns = statement->exit_ns;
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The packet completes a statement of this ladder: that one; 0 none. */
static uint32_t completed_by(const struct builder *builder, uint32_t first_edge,
			     uint32_t packet)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = first_edge;
	     i < timeline->edge_count && timeline->edges[i].packet == packet; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (edge->kind == SONDE_EDGE_COMPLETED &&
		    builder->begins[edge->statement - 1])
			return edge->statement;
	}
	return 0;
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
		uint32_t begin;

		if (edge->kind != SONDE_EDGE_SENT || !edge->exact)
			continue;
		begin = builder->begins[edge->statement - 1];
		if (begin && builder->events[begin - 1].key_ns > packet->at_ns)
			builder->events[begin - 1].key_ns = packet->at_ns;
	}
}

static int add_packets(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	const struct sonde_stream *stream = builder->scope.stream;
	uint32_t edge = first_edge_since(timeline, stream->first_packet);

	for (uint32_t number = stream->first_packet; number <= stream->last_packet;
	     number++) {
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

		if (place->stream != stream->stream)
			continue;
		while (edge < timeline->edge_count &&
		       timeline->edges[edge].packet < number)
			edge++;
		row.completed = completed_by(builder, edge, number);
		row.completes = row.completed != 0;
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

/* ICMP errors that statements of this ladder met. */
static int add_errors(struct builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = 0; i < timeline->recording->call_count; i++) {
		uint32_t statement = timeline->statement_of_call[i];
		uint32_t packet = timeline->call_packet[i];
		struct sonde_ladder_row row = {.kind = SONDE_LADDER_PACKET,
					       .packet = packet};

		if (!packet || timeline->packet_places[packet - 1].stream ||
		    !builder->begins[statement - 1])
			continue;
		row.at_ns = timeline->recording->packets[packet - 1].at_ns;
		row.completed =
			completed_by(builder, first_edge_since(timeline, packet), packet);
		row.completes = row.completed != 0;
		row.to_lane = (uint8_t)(builder->lanes[statement - 1] - 1);
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
		return 1;
	default:
		return 2;
	}
}

static int by_cause(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->key_ns != b->key_ns)
		return a->key_ns < b->key_ns ? -1 : 1;
	if (rank(&a->row) != rank(&b->row))
		return rank(&a->row) - rank(&b->row);
	if (a->row.packet != b->row.packet)
		return a->row.packet < b->row.packet ? -1 : 1;
	if (a->row.statement != b->row.statement)
		return a->row.statement < b->row.statement ? -1 : 1;
	return (int)a->row.kind - (int)b->row.kind;
}

/* Joins begin and end where nothing stands between them, and folds idle times. */
static int write_rows(const struct builder *builder, struct sonde_ladder *ladder)
{
	const struct sonde_timeline *timeline = builder->timeline;
	int64_t fold_ns = builder->options->fold_gap_ns;
	int64_t last_ns = 0;

	ladder->rows = array_new(builder->event_count * 2 + 1, sizeof(*ladder->rows));
	if (!ladder->rows)
		return -ENOMEM;
	for (size_t i = 0; i < builder->event_count; i++) {
		struct sonde_ladder_row row = builder->events[i].row;
		const struct sonde_ladder_row *next =
			i + 1 < builder->event_count ? &builder->events[i + 1].row : NULL;

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
		const struct sonde_socket *socket;

		/* Never accepted: the listening socket stands for it. */
		if (i == LADDER_SERVER && !number)
			number = stream->listening_socket;
		socket = socket_at(builder->timeline->recording, number);
		ladder->lanes[i] = (struct sonde_lane){
			.socket = socket ? number : 0,
			.program = socket ? socket->program : 0,
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
	size_t statements = (size_t)timeline->statement_count + 1;
	int error = -ENOMEM;

	if (!stream || stream > timeline->stream_count)
		return -EINVAL;
	ladder_scope_init(timeline, &timeline->streams[stream - 1], &builder.scope);
	builder.begins = array_new(statements, sizeof(*builder.begins));
	builder.lanes = array_new(statements, sizeof(*builder.lanes));
	builder.is_instant = array_new(statements, sizeof(*builder.is_instant));
	if (!builder.begins || !builder.lanes || !builder.is_instant)
		goto out;
	choose_statements(&builder);
	if (add_statements(&builder) < 0 || add_packets(&builder) < 0 ||
	    add_errors(&builder) < 0)
		goto out;
	if (builder.event_count)
		qsort(builder.events, builder.event_count, sizeof(*builder.events),
		      by_cause);
	if (write_rows(&builder, &ladder) < 0)
		goto out;
	name_lanes(&builder, &ladder);
	ladder.acks_folded = builder.acks_folded;
	*ret = ladder;
	error = 0;
out:
	array_free(builder.begins);
	array_free(builder.lanes);
	array_free(builder.is_instant);
	array_free(builder.events);
	return error;
}

void sonde_ladder_done(struct sonde_ladder *ladder)
{
	array_free(ladder->rows);
	*ladder = (struct sonde_ladder){0};
}
