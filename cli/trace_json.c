/* The objects of a trace's NDJSON, one line each. */
#include <errno.h>
#include <string.h>

#include <sonde/error.h>

#include "render.h"
#include "trace_json.h"

/* The kernel's own: ERESTARTSYS to ERESTART_RESTARTBLOCK. */
enum { RESTART_FIRST = 512, RESTART_LAST = 516 };

static const char *family_word(uint8_t family)
{
	switch ((enum sonde_family)family) {
	case SONDE_FAMILY_INET:
		return "inet";
	case SONDE_FAMILY_INET6:
		return "inet6";
	case SONDE_FAMILY_UNIX:
		return "unix";
	case SONDE_FAMILY_NONE:
	case SONDE_FAMILY_OTHER:
		break;
	}
	return NULL;
}

static const char *kind_word(uint8_t kind)
{
	switch ((enum sonde_socket_kind)kind) {
	case SONDE_SOCKET_TCP:
		return "tcp";
	case SONDE_SOCKET_UDP:
		return "udp";
	case SONDE_SOCKET_UNIX_STREAM:
		return "unix-stream";
	case SONDE_SOCKET_UNIX_DATAGRAM:
		return "unix-datagram";
	case SONDE_SOCKET_UNIX_SEQPACKET:
		return "unix-seqpacket";
	case SONDE_SOCKET_PIPE:
		return "pipe";
	case SONDE_SOCKET_OTHER:
		break;
	}
	return "other";
}

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
	struct sonde_json *json = &output->json;
	char host[SONDE_ADDRESS_CHARS];

	sonde_json_key(json, key);
	if (address->family != SONDE_FAMILY_INET &&
	    address->family != SONDE_FAMILY_INET6) {
		sonde_json_null(json);
		return;
	}
	sonde_address_format_host(address, host);
	sonde_json_object_begin(json);
	sonde_json_add_string(json, "address", host);
	if (has_port)
		sonde_json_add_int(json, "port", address->port);
	sonde_json_object_end(json);
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

void trace_json_program(struct output *output, const struct sonde_program *program)
{
	static const char *const lines[] = {
		[SONDE_LINES_UNTRIED] = "untried",
		[SONDE_LINES_READ] = "read",
		[SONDE_LINES_NO_READER] = "no-reader",
		[SONDE_LINES_UNKNOWN_VERSION] = "unknown-version",
		[SONDE_LINES_SYMBOLS] = "symbols",
	};
	struct sonde_json *json = output_event_begin(output, "program");

	sonde_json_add_int(json, "program", program->program);
	sonde_json_add_int(json, "pid", program->pid);
	add_reference(json, "parent", program->parent);
	sonde_json_add_string(json, "name", program->name);
	sonde_json_key(json, "argv");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < program->argument_count; i++)
		sonde_json_string(json, program->arguments[i]);
	sonde_json_array_end(json);
	output_event_time(output, "started_ns", program->started_ns);
	add_time(output, "ended_ns", program->ended_ns);
	if (program->replaced)
		sonde_json_add_bool(json, "replaced", true);
	else if (program->exit_signal)
		sonde_json_add_int(json, "signal", program->exit_signal);
	else if (program->exit_status >= 0)
		sonde_json_add_int(json, "status", program->exit_status);
	if (program->lines < sizeof(lines) / sizeof(lines[0]))
		sonde_json_add_string(json, "lines", lines[program->lines]);
	if (program->interpreter)
		sonde_json_add_string(json, "interpreter", program->interpreter);
	output_event_end(output);
}

void trace_json_socket(struct output *output, const struct sonde_socket *s)
{
	struct sonde_json *json = output_event_begin(output, "socket");

	sonde_json_add_int(json, "socket", s->socket);
	sonde_json_add_int(json, "program", s->program);
	sonde_json_add_int(json, "pid", s->pid);
	sonde_json_add_int(json, "fd", s->fd);
	sonde_json_add_string(json, "family", family_word(s->family));
	sonde_json_add_string(json, "proto", kind_word(s->kind));
	if (s->family == SONDE_FAMILY_INET || s->family == SONDE_FAMILY_INET6) {
		add_address(output, "local", &s->local, true);
		if (!s->is_listening)
			add_address(output, "peer", &s->peer, true);
	}
	if (s->kind == SONDE_SOCKET_PIPE)
		sonde_json_add_string(json, "end",
				      s->pipe_end == SONDE_PIPE_READ    ? "read"
				      : s->pipe_end == SONDE_PIPE_WRITE ? "write"
									: "both");
	if (s->name)
		sonde_json_add_string(json, "name", s->name);
	add_reference(json, "peer_socket", s->peer_socket);
	if (s->is_listening)
		sonde_json_add_bool(json, "listening", true);
	if (s->is_inherited)
		sonde_json_add_bool(json, "inherited", true);
	add_reference(json, "accepted_by", s->accepted_by);
	add_reference(json, "closed_by", s->closed_by);
	output_event_time(output, "opened_ns", s->opened_ns);
	add_time(output, "closed_ns", s->closed_ns);
	output_event_end(output);
}

void trace_json_stream(struct output *output, const struct sonde_stream *stream)
{
	struct sonde_json *json = output_event_begin(output, "stream");

	sonde_json_add_int(json, "stream", (int64_t)stream->stream - 1);
	sonde_json_add_string(json, "proto", kind_word(stream->kind));
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

/* The places of the call's stack, innermost first. */
static void add_stack(struct sonde_json *json, const struct sonde_recording *recording,
		      uint32_t number)
{
	const struct sonde_stack *stack = &recording->stacks[number - 1];

	sonde_json_key(json, "stack");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < stack->place_count; i++) {
		const struct sonde_place *place =
			&recording->places[stack->places[i] - 1];

		sonde_json_object_begin(json);
		sonde_json_add_string(json, "file", place->file);
		if (place->line > 0)
			sonde_json_add_int(json, "line", place->line);
		else
			sonde_json_add_null(json, "line");
		sonde_json_add_string(json, "function", place->function);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
	if (stack->is_cut)
		sonde_json_add_bool(json, "stack_cut", true);
}

static void add_watched(struct sonde_json *json, const struct sonde_call *call)
{
	sonde_json_key(json, "watched");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < call->watched_count; i++) {
		sonde_json_object_begin(json);
		sonde_json_add_int(json, "socket", call->watched[i].socket);
		sonde_json_add_int(json, "wanted", call->watched[i].wanted);
		sonde_json_add_int(json, "ready", call->watched[i].ready);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
	if (call->flags & SONDE_CALL_WATCH_CUT)
		sonde_json_add_bool(json, "watched_cut", true);
}

enum outcome {
	OUTCOME_NONE, /* the program saw no result */
	OUTCOME_RESTARTED,
	OUTCOME_RESULT,
	OUTCOME_ERROR
};

static bool is_same_again(const struct sonde_call *call, const struct sonde_call *next)
{
	return (next->flags & SONDE_CALL_RESUMED) ||
	       (strcmp(next->name, call->name) == 0 && next->fd == call->fd &&
		next->buffer == call->buffer && next->length == call->length &&
		next->watched_count == call->watched_count);
}

/* A call that a signal broke off has a result of the kernel's own.  The program sees it
 * as EINTR, or not at all: the call is made again, or the signal is its end. */
static enum outcome outcome_of(const struct sonde_recording *recording,
			       const struct sonde_call *call)
{
	const struct sonde_call *next = NULL;

	if (!call->exit_ns)
		return OUTCOME_NONE;
	if (call->result >= 0)
		return OUTCOME_RESULT;
	if (call->result > -RESTART_FIRST || call->result < -RESTART_LAST)
		return OUTCOME_ERROR;
	for (uint32_t i = call->call; i < recording->call_count && !next; i++) {
		if (recording->calls[i].tid == call->tid &&
		    recording->calls[i].pid == call->pid)
			next = &recording->calls[i];
	}
	if (next && is_same_again(call, next))
		return OUTCOME_RESTARTED;
	if ((!next || next->kind == SONDE_CALL_EXIT) &&
	    recording->programs[call->program - 1].exit_signal)
		return OUTCOME_NONE;
	return OUTCOME_ERROR;
}

static void add_outcome(struct sonde_json *json, const struct sonde_recording *recording,
			const struct sonde_call *call)
{
	enum outcome outcome = outcome_of(recording, call);

	if (outcome == OUTCOME_RESULT)
		sonde_json_add_int(json, "result", call->result);
	else if (outcome == OUTCOME_ERROR)
		sonde_json_add_int(json, "result", -1);
	else
		sonde_json_add_null(json, "result");
	if (outcome != OUTCOME_ERROR)
		sonde_json_add_null(json, "errno");
	else
		sonde_json_add_string(json, "errno",
				      sonde_error_name(call->result <= -RESTART_FIRST
							       ? EINTR
							       : (int)-call->result));
	if (outcome == OUTCOME_RESTARTED)
		sonde_json_add_bool(json, "restarted", true);
}

void trace_json_call(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_call *call)
{
	uint32_t i = call->call - 1;
	bool moves = call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_RECEIVE;
	struct sonde_json *json = output_event_begin(output, "call");

	sonde_json_add_int(json, "call", call->call);
	sonde_json_add_int(json, "program", call->program);
	sonde_json_add_int(json, "pid", call->pid);
	sonde_json_add_int(json, "tid", call->tid);
	add_reference(json, "socket", call->socket);
	add_reference(json, "new_socket", call->new_socket);
	add_reference(json, "from_socket", call->from_socket);
	if (call->fd >= 0)
		sonde_json_add_int(json, "fd", call->fd);
	sonde_json_add_string(json, "name", call->name);
	output_event_time(output, "enter_ns", call->enter_ns);
	add_time(output, "exit_ns", call->exit_ns);
	add_outcome(json, timeline->recording, call);
	if (moves && call->exit_ns && call->result >= 0)
		sonde_json_add_int(json, "bytes", call->result);
	else
		sonde_json_add_null(json, "bytes");
	if (moves)
		sonde_json_add_int(json, "length", (int64_t)call->length);
	if (call->datagrams)
		sonde_json_add_int(json, "datagrams", call->datagrams);
	if (call->address.family == SONDE_FAMILY_INET ||
	    call->address.family == SONDE_FAMILY_INET6)
		add_address(output, "address", &call->address, true);
	if (call->kind == SONDE_CALL_SHUTDOWN || call->kind == SONDE_CALL_LISTEN ||
	    call->kind == SONDE_CALL_EXIT)
		sonde_json_add_int(json, "how", call->how);
	if (call->flags & SONDE_CALL_NONBLOCKING)
		sonde_json_add_bool(json, "nonblocking", true);
	if (call->flags & SONDE_CALL_PEEK)
		sonde_json_add_bool(json, "peek", true);
	if (call->flags & SONDE_CALL_WAIT_ALL)
		sonde_json_add_bool(json, "wait_all", true);
	if (call->flags & SONDE_CALL_RESUMED)
		sonde_json_add_bool(json, "resumed", true);
	if (call->flags & SONDE_CALL_LAST_REFERENCE)
		sonde_json_add_bool(json, "last_reference", true);
	if (call->flags & (SONDE_CALL_STAYED | SONDE_CALL_SLEPT))
		sonde_json_add_bool(json, "slept", call->flags & SONDE_CALL_SLEPT);
	if (call->kind == SONDE_CALL_WAIT) {
		if (call->timeout_ns >= 0)
			sonde_json_add_int(json, "timeout_ns", call->timeout_ns);
		add_watched(json, call);
	}
	add_answer(json, "blocked", timeline->call_blocked[i]);
	if (timeline->call_why[i])
		sonde_json_add_string(
			json, "why",
			sonde_why_text((enum sonde_why)timeline->call_why[i]));
	add_reference(json, "statement", timeline->statement_of_call[i]);
	if (call->stack)
		add_stack(json, timeline->recording, call->stack);
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
