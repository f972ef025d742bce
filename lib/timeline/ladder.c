/* The ladder of one stream: statements as bars in two lanes, packets as arrows between
 * them, in an order in which nothing comes before its cause (ladder_rows.c).  Which
 * statements it has says ladder_choose.c; what else there is between them is found here. */
#include "timeline/ladder_build.h"

#include <errno.h>

#include "base/array.h"
#include "timeline/calls.h"
#include "timeline/index.h"

static int add_event(struct ladder_builder *builder, const struct sonde_ladder_row *row)
{
	if (array_reserve(&builder->events, &builder->event_room,
			  builder->event_count + 1, sizeof(*builder->events)) < 0)
		return -ENOMEM;
	builder->events[builder->event_count++] =
		(struct ladder_event){.row = *row, .key_ns = row->at_ns};
	return 0;
}

static int add_statements(struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (size_t i = 0; i < builder->chosen_count; i++) {
		struct ladder_chosen *chosen = &builder->chosen[i];
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

/* Whether the row's packet completes a statement of this ladder: rather one for sure. */
static void find_completed(const struct ladder_builder *builder, uint32_t first_edge,
			   struct sonde_ladder_row *row)
{
	const struct sonde_timeline *timeline = builder->timeline;
	uint32_t packet = row->packet;

	for (uint32_t i = first_edge;
	     i < timeline->edge_count && timeline->edges[i].packet == packet; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (edge->kind != SONDE_EDGE_COMPLETED ||
		    !ladder_find_chosen(builder, edge->statement) ||
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
static void pull_causes(struct ladder_builder *builder, uint32_t first_edge,
			const struct sonde_packet *packet)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = first_edge;
	     i < timeline->edge_count && timeline->edges[i].packet == packet->packet;
	     i++) {
		const struct sonde_edge *edge = &timeline->edges[i];
		const struct ladder_chosen *chosen;

		if (edge->kind != SONDE_EDGE_SENT || !edge->exact)
			continue;
		chosen = ladder_find_chosen(builder, edge->statement);
		if (chosen && builder->events[chosen->begin - 1].key_ns > packet->at_ns)
			builder->events[chosen->begin - 1].key_ns = packet->at_ns;
	}
}

static int add_packets(struct ladder_builder *builder)
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

		edge = ladder_next_edge_since(timeline, number, edge);
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
static int add_error(struct ladder_builder *builder, const struct ladder_chosen *chosen,
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
	find_completed(builder, ladder_first_edge_since(timeline, packet), &row);
	return add_event(builder, &row);
}

static int add_errors(struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (size_t i = 0; i < builder->chosen_count; i++) {
		const struct ladder_chosen *chosen = &builder->chosen[i];
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
static int add_passes(struct ladder_builder *builder)
{
	const struct sonde_timeline *timeline = builder->timeline;

	for (uint32_t i = ladder_first_pass(builder); ladder_is_pass(builder, i); i++) {
		const struct sonde_edge *edge = &timeline->edges[i];
		const struct sonde_call *call = call_at(timeline->recording, edge->call);
		const struct sonde_call *by = call_at(timeline->recording, edge->by_call);
		struct sonde_ladder_row row = {
			.kind = SONDE_LADDER_PASS,
			.edge = i + 1,
			.at_ns = by->enter_ns > call->enter_ns ? by->enter_ns
							       : call->enter_ns,
			.lane = (uint8_t)ladder_lane_of_pass(builder, edge->by_call),
		};

		/* The edge that completes stands before the one that says what was
		 * taken: the two are one arrow. */
		if (edge->kind == SONDE_EDGE_COMPLETED) {
			row.completes = true;
			row.completed = edge->statement;
			row.is_perhaps = !edge->exact;
			if (ladder_is_pass(builder, i + 1) &&
			    timeline->edges[i + 1].call == edge->call &&
			    timeline->edges[i + 1].by_call == edge->by_call)
				row.edge = ++i + 1;
		}
		row.to_lane = (uint8_t)ladder_lane_of_pass(builder, edge->call);
		if (row.lane == row.to_lane)
			row.lane = !row.to_lane;
		if (add_event(builder, &row) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void name_lanes(const struct ladder_builder *builder, struct sonde_ladder *ladder)
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
	struct ladder_builder builder = {.timeline = timeline,
					 .options = options ? options : &plain};
	int error = -ENOMEM;

	if (!stream || stream > timeline->stream_count)
		return -EINVAL;
	ladder_scope_init(timeline, &timeline->streams[stream - 1], &builder.scope);
	if (ladder_choose(&builder) < 0 || add_statements(&builder) < 0 ||
	    add_packets(&builder) < 0 || add_errors(&builder) < 0 ||
	    add_passes(&builder) < 0)
		goto out;
	if (ladder_sort(&builder) < 0 || ladder_write_rows(&builder, &ladder) < 0)
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
