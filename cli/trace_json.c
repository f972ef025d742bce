/* The objects of a trace's NDJSON, one line each. */
#include <errno.h>
#include <string.h>

#include <sonde/recording_json.h>

#include "render.h"
#include "trace_json.h"

static const char *proto_word(uint8_t proto)
{
	switch ((enum sonde_packet_proto)proto) {
	case SONDE_PACKET_TCP:
		return "tcp";
	case SONDE_PACKET_UDP:
		return "udp";
	case SONDE_PACKET_ICMP:
		return "icmp";
	case SONDE_PACKET_ICMP6:
		return "icmp6";
	case SONDE_PACKET_OTHER:
		break;
	}
	return "other";
}

static void add_address(struct output *output, const char *key,
			const struct sonde_address *address, bool has_port)
{
	sonde_json_key(&output->json, key);
	sonde_recording_json_address(&output->json, address, has_port);
}

/* A time that was not seen is null. */
static void add_time(struct output *output, const char *key, int64_t at_ns)
{
	if (at_ns)
		output_event_time(output, key, at_ns);
	else
		sonde_json_add_null(&output->json, key);
}

static void add_answer(struct sonde_json *json, const char *key, uint8_t answer)
{
	if (answer == SONDE_UNKNOWN)
		sonde_json_add_null(json, key);
	else
		sonde_json_add_bool(json, key, answer == SONDE_YES);
}

/* A number that is 0 where there is nothing to refer to: then it is absent. */
static void add_reference(struct sonde_json *json, const char *key, uint32_t number)
{
	if (number)
		sonde_json_add_int(json, key, number);
}

void trace_json_stream(struct output *output, const struct sonde_stream *stream)
{
	struct sonde_json *json = output_event_begin(output, "stream");

	sonde_json_add_int(json, "stream", (int64_t)stream->stream - 1);
	sonde_json_add_string(json, "proto", sonde_socket_kind_word(stream->kind));
	add_address(output, "client", &stream->client, true);
	add_address(output, "server", &stream->server, true);
	add_reference(json, "client_socket", stream->client_socket);
	add_reference(json, "server_socket", stream->server_socket);
	add_reference(json, "listening_socket", stream->listening_socket);
	sonde_json_add_int(json, "packets", stream->packet_count);
	if (stream->taken_count)
		sonde_json_add_int(json, "taken", stream->taken_count);
	output_event_end(output);
}

void trace_json_statement(struct output *output, const struct sonde_timeline *timeline,
			  const struct sonde_statement *statement)
{
	const struct sonde_recording *recording = timeline->recording;
	const struct sonde_place *place =
		statement->place ? &recording->places[statement->place - 1] : NULL;
	struct sonde_json *json = output_event_begin(output, "statement");

	sonde_json_add_int(json, "statement", statement->statement);
	sonde_json_add_int(json, "program", statement->program);
	sonde_json_add_int(json, "pid", statement->pid);
	sonde_json_add_int(json, "tid", statement->tid);
	add_reference(json, "socket", statement->socket);
	sonde_json_add_string(json, "file", place ? place->file : NULL);
	if (place && place->line > 0)
		sonde_json_add_int(json, "line", place->line);
	else
		sonde_json_add_null(json, "line");
	sonde_json_add_string(json, "text", place ? place->text : NULL);
	sonde_json_add_string(json, "function", place ? place->function : NULL);
	sonde_json_key(json, "calls");
	sonde_json_array_begin(json);
	for (uint32_t call = statement->first_call; call;
	     call = timeline->next_call[call - 1])
		sonde_json_int(json, call);
	sonde_json_array_end(json);
	output_event_time(output, "enter_ns", statement->enter_ns);
	add_time(output, "exit_ns", statement->exit_ns);
	sonde_json_add_bool(json, "can_block", statement->can_block);
	add_answer(json, "blocked", statement->blocked);
	output_event_end(output);
}

void trace_json_program(struct output *output, const struct sonde_recording *recording,
			const struct sonde_program *program)
{
	struct sonde_json *json = output_event_begin(output, "program");

	sonde_recording_json_program(json, recording, program, SONDE_RECORDING_READABLE);
	output_event_end(output);
}

void trace_json_socket(struct output *output, const struct sonde_recording *recording,
		       const struct sonde_socket *socket)
{
	struct sonde_json *json = output_event_begin(output, "socket");

	sonde_recording_json_socket(json, recording, socket, SONDE_RECORDING_READABLE);
	output_event_end(output);
}

void trace_json_call(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_call *call)
{
	uint32_t i = call->call - 1;
	struct sonde_json *json = output_event_begin(output, "call");

	sonde_recording_json_call(json, timeline->recording, call,
				  SONDE_RECORDING_READABLE);
	add_answer(json, "blocked", timeline->call_blocked[i]);
	if (timeline->call_why[i])
		sonde_json_add_string(
			json, "why",
			sonde_why_text((enum sonde_why)timeline->call_why[i]));
	add_reference(json, "statement", timeline->statement_of_call[i]);
	sonde_recording_json_stack(json, timeline->recording, call->stack,
				   SONDE_RECORDING_READABLE);
	sonde_recording_json_holder(json, timeline->recording, call->holder,
				    SONDE_RECORDING_READABLE);
	output_event_end(output);
}

void trace_json_packet(struct output *output, const struct sonde_timeline *timeline,
		       const struct sonde_packet *packet)
{
	const struct sonde_packet_place *place =
		&timeline->packet_places[packet->packet - 1];
	const struct sonde_decoded *decoded = &packet->decoded;
	bool is_tcp = decoded->proto == SONDE_PACKET_TCP;
	bool has_ports = is_tcp || decoded->proto == SONDE_PACKET_UDP;
	struct sonde_json *json = output_event_begin(output, "packet");
	char letters[9];

	sonde_json_add_int(json, "packet", packet->packet);
	add_reference(json, "frame", packet->frame);
	output_event_time(output, "at_ns", packet->at_ns);
	sonde_json_add_string(json, "proto", proto_word(decoded->proto));
	add_address(output, "src", &decoded->src, has_ports);
	add_address(output, "dst", &decoded->dst, has_ports);
	if (place->stream)
		sonde_json_add_int(json, "stream", (int64_t)place->stream - 1);
	if (is_tcp) {
		sonde_packet_flag_letters(decoded->tcp_flags, letters);
		sonde_json_add_string(json, "flags", letters);
		sonde_json_add_int(json, "seq", place->seq);
		sonde_json_add_int(json, "ack", place->ack);
	}
	if (decoded->proto == SONDE_PACKET_ICMP || decoded->proto == SONDE_PACKET_ICMP6) {
		sonde_json_add_int(json, "icmp_type", decoded->icmp_type);
		sonde_json_add_int(json, "icmp_code", decoded->icmp_code);
	}
	sonde_json_add_int(json, "len", decoded->payload_length);
	if (place->is_retransmission)
		sonde_json_add_bool(json, "retransmission", true);
	add_reference(json, "sender", place->sender);
	add_reference(json, "receiver", place->receiver);
	if (place->why)
		sonde_json_add_string(json, "why",
				      sonde_why_text((enum sonde_why)place->why));
	output_event_end(output);
}

/* Counted from 0, as the stream itself is. */
static void add_stream(struct sonde_json *json, uint32_t stream)
{
	if (stream)
		sonde_json_add_int(json, "stream", (int64_t)stream - 1);
}

void trace_json_edge(struct output *output, const struct sonde_edge *edge)
{
	struct sonde_json *json = output_event_begin(output, "edge");

	switch ((enum sonde_edge_kind)edge->kind) {
	case SONDE_EDGE_SENT:
		sonde_json_add_string(json, "kind", "sent");
		add_reference(json, "statement", edge->statement);
		sonde_json_add_int(json, "call", edge->call);
		sonde_json_add_int(json, "packet", edge->packet);
		if (edge->carries == SONDE_DATA) {
			sonde_json_add_int(json, "from", edge->from);
			sonde_json_add_int(json, "to", edge->to);
		} else {
			static const char *const words[] = {
				[SONDE_SYN] = "syn",
				[SONDE_FIN] = "fin",
				[SONDE_RST] = "rst",
			};

			sonde_json_add_string(json, "carries", words[edge->carries]);
		}
		sonde_json_add_bool(json, "exact", edge->exact);
		break;
	case SONDE_EDGE_RELEASED:
		sonde_json_add_string(json, "kind", "released");
		if (edge->release == SONDE_BY_CALL) {
			add_reference(json, "statement", edge->statement);
			sonde_json_add_int(json, "call", edge->call);
		} else if (edge->release == SONDE_BY_PACKET) {
			sonde_json_add_int(json, "by_packet", edge->by_packet);
		} else {
			sonde_json_add_string(json, "by", "timer");
		}
		sonde_json_add_int(json, "packet", edge->packet);
		break;
	case SONDE_EDGE_COMPLETED:
		sonde_json_add_string(json, "kind", "completed");
		add_reference(json, "statement", edge->statement);
		sonde_json_add_int(json, "call", edge->call);
		add_reference(json, "packet", edge->packet);
		add_reference(json, "by_statement", edge->by_statement);
		add_reference(json, "by_call", edge->by_call);
		add_stream(json, edge->stream);
		if (!edge->exact)
			sonde_json_add_bool(json, "exact", false);
		break;
	case SONDE_EDGE_TAKEN:
		sonde_json_add_string(json, "kind", "taken");
		add_reference(json, "statement", edge->statement);
		sonde_json_add_int(json, "call", edge->call);
		add_reference(json, "from_statement", edge->by_statement);
		sonde_json_add_int(json, "from_call", edge->by_call);
		add_stream(json, edge->stream);
		if (edge->to) {
			sonde_json_add_int(json, "from", edge->from);
			sonde_json_add_int(json, "to", edge->to);
		}
		sonde_json_add_bool(json, "exact", edge->exact);
		break;
	}
	output_event_end(output);
}

void trace_json_note(struct output *output, const struct sonde_note *note)
{
	struct sonde_json *json = output_event_begin(output, "note");

	sonde_json_add_string(json, "severity", render_severity(note->severity));
	sonde_json_add_string(json, "text", note->text);
	if (note->hint)
		sonde_json_add_string(json, "hint", note->hint);
	output_event_end(output);
}

static void add_numbers(struct sonde_json *json, const char *key, const uint32_t *numbers,
			unsigned count)
{
	sonde_json_key(json, key);
	sonde_json_array_begin(json);
	for (unsigned i = 0; i < count; i++)
		sonde_json_int(json, numbers[i]);
	sonde_json_array_end(json);
}

void trace_json_finding(struct output *output, const struct sonde_finding *finding)
{
	struct sonde_json *json = output_event_begin(output, "finding");

	sonde_json_add_string(json, "name", finding->name);
	sonde_json_add_string(json, "severity", render_severity(finding->severity));
	if (finding->stream)
		sonde_json_add_int(json, "stream", finding->stream - 1);
	sonde_json_add_int(json, "times", finding->times);
	add_numbers(json, "packets", finding->packets, finding->packet_count);
	add_numbers(json, "statements", finding->statements, finding->statement_count);
	sonde_json_add_string(json, "why", finding->why);
	sonde_json_add_string(json, "do", finding->remedy);
	output_event_end(output);
}
