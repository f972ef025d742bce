/* Fuzz target: a recording of any content, joined.
 *
 * The input is a program that fills a recording: small numbers, so that calls, sockets
 * and packets meet each other, and now and then a number of any size.  Properties:
 * building succeeds; every number in the timeline, the tables and the ladders is in its
 * range; edges and statements are in the order that the header promises; what is said of
 * a call agrees with its edges. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/timeline.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MOST_LADDERS = 16 };

struct input {
	const uint8_t *bytes;
	size_t n, at;
	int64_t now_ns;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t next(struct input *input)
{
	return input->at < input->n ? input->bytes[input->at++] : 0;
}

static uint64_t next_any(struct input *input)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | next(input);
	return value;
}

/* Mostly small; 255 announces any number. */
static uint64_t next_number(struct input *input)
{
	uint8_t byte = next(input);

	return byte == 255 ? next_any(input) : byte;
}

static int64_t next_time(struct input *input)
{
	uint8_t byte = next(input);

	if (byte == 255)
		return (int64_t)next_any(input);
	input->now_ns += (int64_t)(byte & 0x3f) * 10000;
	return input->now_ns;
}

static struct sonde_address next_address(struct input *input)
{
	uint8_t byte = next(input);
	struct sonde_address address = {
		.family = byte & 0x80 ? SONDE_FAMILY_INET6 : SONDE_FAMILY_INET,
		.port = (uint16_t)(byte & 0x07),
		.bytes = {(byte & 0x08) ? 127 : 0, 0, 0, (byte >> 4) & 0x03},
	};

	if ((byte & 0x7f) == 0x7f)
		address.family = SONDE_FAMILY_NONE;
	return address;
}

static void add_socket(struct sonde_recording *recording, struct input *input)
{
	uint8_t bits = next(input);
	struct sonde_socket socket = {
		.program = next(input),
		.kind = bits & 0x03,
		.is_listening = bits & 0x04,
		.is_inherited = bits & 0x08,
		.accepted_by = (uint32_t)next_number(input),
		.closed_by = (uint32_t)next_number(input),
		.local = next_address(input),
		.peer = next_address(input),
		.opened_ns = bits & 0x10 ? next_time(input) : 0,
		.closed_ns = bits & 0x20 ? next_time(input) : 0,
	};

	sonde_recording_add_socket(recording, &socket);
}

static void add_stack(struct sonde_recording *recording, struct input *input)
{
	uint32_t places[3];
	struct sonde_stack stack = {.places = places, .place_count = next(input) % 4};

	sonde_recording_add_place(recording, &(struct sonde_place){.line = 1});
	for (uint32_t i = 0; i < stack.place_count; i++)
		places[i] = (uint32_t)next_number(input);
	stack.user_place = (uint32_t)next_number(input);
	stack.is_cut = next(input) & 1;
	sonde_recording_add_stack(recording, &stack);
}

static void add_call(struct sonde_recording *recording, struct input *input)
{
	static const char *const names[] = {"poll", "recvfrom", "getsockopt",
					    "epoll_wait"};
	static const int results[] = {0,    1,    5,    100,  -4,   -11,
				      -104, -110, -111, -113, -115, -512};
	struct sonde_watched watched[3];
	uint8_t bits = next(input);
	uint8_t result = next(input);
	struct sonde_call call = {
		.kind = next(input) % 14,
		.program = bits & 0x03,
		.tid = (bits >> 2) & 0x03,
		.socket = (uint32_t)next_number(input),
		.new_socket = (uint32_t)next_number(input),
		.stack = (uint32_t)next_number(input),
		.flags = next(input),
		.name = bits & 0x80 ? NULL : names[(bits >> 4) & 0x03],
		.enter_ns = next_time(input),
		.watched = watched,
	};

	call.exit_ns = bits & 0x40 ? 0 : next_time(input);
	call.result = result == 255
			      ? (int64_t)next_any(input)
			      : results[result % (sizeof(results) / sizeof(*results))];
	call.length = next_number(input);
	call.buffer = next_number(input);
	call.how = next(input) % 4;
	call.datagrams = result & 0x80 ? next(input) : 0;
	call.timeout_ns = (int64_t)(next_number(input) - 1);
	if (result & 0x40)
		call.address = next_address(input);
	call.watched_count = result & 0x20 ? next(input) % 4 : 0;
	for (uint32_t i = 0; i < call.watched_count; i++)
		watched[i] =
			(struct sonde_watched){.socket = (uint32_t)next_number(input),
					       .wanted = SONDE_READY_READ,
					       .ready = next(input)};
	sonde_recording_add_call(recording, &call);
}

static void add_packet(struct sonde_recording *recording, struct input *input)
{
	uint8_t bits = next(input);
	struct sonde_packet packet = {
		.is_outgoing = bits & 0x80,
		.interface = (bits >> 5) & 0x03,
		.decoded =
			{
				.proto = bits & 0x07,
				.trouble = (bits >> 3) & 0x03,
				.tcp_flags = next(input),
				.src = next_address(input),
				.dst = next_address(input),
				.seq = (uint32_t)next_number(input),
				.ack = (uint32_t)next_number(input),
				.payload_length = (uint32_t)next_number(input),
				.icmp_type = next(input),
			},
	};

	packet.at_ns = next_time(input);
	if (packet.decoded.proto == SONDE_PACKET_ICMP) {
		packet.decoded.has_quote = true;
		packet.decoded.quote_proto = next(input) % 4;
		packet.decoded.quote_src = packet.decoded.dst;
		packet.decoded.quote_dst = packet.decoded.src;
	}
	sonde_recording_add_packet(recording, &packet);
}

static void fill(struct sonde_recording *recording, struct input *input)
{
	uint8_t bits = next(input);

	recording->has_packets = bits & 1;
	recording->margin_ns = bits & 2 ? (int64_t)(next_number(input) * 1000) : 20000;
	recording->calls_dropped = bits & 4 ? 1 : 0;
	input->now_ns = 1000000;
	while (input->at < input->n) {
		switch (next(input) % 8) {
		case 0:
			sonde_recording_add_program(
				recording,
				&(struct sonde_program){.ended_ns = next_time(input)});
			break;
		case 1:
			add_socket(recording, input);
			break;
		case 2:
			add_stack(recording, input);
			break;
		case 3:
			sonde_recording_add_interface(
				recording,
				&(struct sonde_interface){.index = next(input) % 3});
			break;
		case 4:
		case 5:
			add_call(recording, input);
			break;
		default:
			add_packet(recording, input);
		}
	}
	sonde_recording_seal(recording);
}

static void check_statements(const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;
	uint32_t calls = 0;

	for (uint32_t i = 0; i < timeline->statement_count; i++) {
		const struct sonde_statement *statement = &timeline->statements[i];
		uint32_t count = 0;

		require(statement->statement == i + 1);
		require(statement->place <= recording->place_count);
		require(statement->socket <= recording->socket_count);
		require(statement->blocked <= SONDE_UNKNOWN);
		require(!i || statement[-1].enter_ns <= statement->enter_ns);
		for (uint32_t call = statement->first_call; call;
		     call = timeline->next_call[call - 1]) {
			require(call <= recording->call_count);
			require(timeline->statement_of_call[call - 1] == i + 1);
			require(++count <= statement->call_count);
		}
		require(count == statement->call_count);
		require(statement->principal &&
			timeline->statement_of_call[statement->principal - 1] == i + 1);
		calls += count;
	}
	require(calls == recording->call_count);
	require(timeline->calls_without_line <= recording->call_count);
}

static void check_edges(const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;
	uint32_t mapped = 0, completed = 0;

	for (uint32_t i = 0; i < timeline->edge_count; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		require(edge->packet && edge->packet <= recording->packet_count);
		require(edge->call <= recording->call_count);
		require(edge->by_packet <= recording->packet_count);
		require(edge->statement ==
			(edge->call ? timeline->statement_of_call[edge->call - 1] : 0));
		require(edge->call || edge->kind == SONDE_EDGE_RELEASED);
		require(edge->from <= edge->to);
		require(edge->to <=
			recording->packets[edge->packet - 1].decoded.payload_length);
		if (i) {
			require(edge[-1].packet <= edge->packet);
			require(edge[-1].packet < edge->packet ||
				edge[-1].kind <= edge->kind);
			require(edge[-1].packet < edge->packet ||
				edge[-1].kind < edge->kind ||
				edge[-1].call <= edge->call);
		}
		if (edge->kind == SONDE_EDGE_SENT) {
			require(timeline->packet_places[edge->packet - 1].why ==
				SONDE_WHY_NONE);
			mapped += !i || edge[-1].packet != edge->packet ||
				  edge[-1].kind != SONDE_EDGE_SENT;
		}
		if (edge->kind == SONDE_EDGE_COMPLETED) {
			require(timeline->call_packet[edge->call - 1] == edge->packet);
			completed++;
		}
	}
	require(mapped == timeline->packets_mapped);
	for (uint32_t i = 0; i < recording->call_count; i++) {
		require(timeline->call_blocked[i] <= SONDE_UNKNOWN);
		require(timeline->call_why[i] <= SONDE_WHY_CALL_NOT_SEEN);
		require(timeline->call_packet[i] <= recording->packet_count);
		if (timeline->call_blocked[i] == SONDE_YES && timeline->call_packet[i])
			completed--;
	}
	require(completed == 0);
}

static void check_packets(const struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;

	for (uint32_t i = 0; i < recording->packet_count; i++) {
		const struct sonde_packet_place *place = &timeline->packet_places[i];
		const struct sonde_stream *stream;

		require(place->stream <= timeline->stream_count);
		require(place->direction <= 1);
		require(place->why <= SONDE_WHY_MAYBE);
		require(place->sender <= recording->socket_count);
		require(place->receiver <= recording->socket_count);
		if (!place->stream)
			continue;
		stream = &timeline->streams[place->stream - 1];
		require(stream->stream == place->stream);
		require(stream->first_packet <= i + 1 && i + 1 <= stream->last_packet);
		require(stream->client_socket <= recording->socket_count);
		require(stream->server_socket <= recording->socket_count);
		require(stream->listening_socket <= recording->socket_count);
	}
}

static void check_ladder(const struct sonde_timeline *timeline, uint32_t stream,
			 bool all_acks)
{
	const struct sonde_ladder_options options = {.all_acks = all_acks,
						     .fold_gap_ns = 100000};
	uint32_t packets = 0, begins = 0;
	struct sonde_ladder ladder;

	require(sonde_ladder_build(timeline, stream, &options, &ladder) == 0);
	for (uint32_t i = 0; i < ladder.row_count; i++) {
		const struct sonde_ladder_row *row = &ladder.rows[i];

		require(row->kind <= SONDE_LADDER_GAP);
		require(row->lane <= 1 && row->to_lane <= 1);
		require(row->statement <= timeline->statement_count);
		require(row->packet <= timeline->recording->packet_count);
		require(row->completed <= timeline->statement_count);
		require((row->kind == SONDE_LADDER_PACKET) == (row->packet != 0));
		require((row->kind == SONDE_LADDER_GAP) == (row->gap_ns > 0));
		if (row->kind == SONDE_LADDER_PACKET &&
		    timeline->packet_places[row->packet - 1].stream)
			packets++;
		begins += row->kind == SONDE_LADDER_BEGIN ||
			  row->kind == SONDE_LADDER_WHOLE;
	}
	require(packets + ladder.acks_folded ==
		timeline->streams[stream - 1].packet_count);
	require(begins <= timeline->statement_count);
	sonde_ladder_done(&ladder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct input input = {.bytes = bytes, .n = n};
	struct sonde_recording *recording = sonde_recording_new();
	struct sonde_timeline timeline;
	struct sonde_tables tables;

	require(recording);
	fill(recording, &input);
	require(sonde_timeline_build(recording, &timeline) == 0);
	check_statements(&timeline);
	check_packets(&timeline);
	check_edges(&timeline);
	require(sonde_tables_build(&timeline, &tables) == 0);
	require(tables.sent_count >= recording->packet_count);
	require(tables.completed_count <= timeline.statement_count);
	for (uint32_t i = 0; i < tables.completed_count; i++)
		require(tables.completed[i].waited_ns >= 0);
	for (uint32_t i = 1; i <= timeline.stream_count && i <= MOST_LADDERS; i++)
		check_ladder(&timeline, i, i % 2);
	sonde_tables_done(&tables);
	sonde_timeline_done(&timeline);
	sonde_recording_free(recording);
	return 0;
}
