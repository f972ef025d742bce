/* The elements of a recording as JSON. */
#include <errno.h>
#include <string.h>

#include <sonde/error.h>
#include <sonde/text.h>

#include "timeline/calls.h"
#include "timeline/recording_json_part.h"

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

const char *sonde_socket_kind_word(uint8_t kind)
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

void sonde_recording_json_address(struct sonde_json *json,
				  const struct sonde_address *address, bool has_port)
{
	char host[SONDE_ADDRESS_CHARS];

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

static void add_hex(struct sonde_json *json, const char *key, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = bytes;
	char text[2 * 16 + 1];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[at[i] >> 4];
		text[2 * i + 1] = digits[at[i] & 15];
	}
	sonde_json_key(json, key);
	sonde_json_string_n(json, text, 2 * n);
}

/* The digits of a number, the highest first. */
static void add_hex64(struct sonde_json *json, const char *key, uint64_t value)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	add_hex(json, key, bytes, sizeof(bytes));
}

void json_add_whole_address(struct sonde_json *json, const char *key,
			    const struct sonde_address *address)
{
	if (address->family == SONDE_FAMILY_NONE)
		return;
	sonde_json_key(json, key);
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "family", address->family);
	add_hex(json, "bytes", address->bytes, sizeof(address->bytes));
	sonde_json_add_int(json, "port", address->port);
	sonde_json_add_int(json, "scope", address->scope_id);
	sonde_json_object_end(json);
}

void json_add_address(struct sonde_json *json, const char *key,
		      const struct sonde_address *address)
{
	sonde_json_key(json, key);
	sonde_recording_json_address(json, address, true);
}

void json_add_time(struct sonde_json *json, const char *key,
		   const struct sonde_recording *recording, int64_t at_ns)
{
	if (at_ns)
		sonde_json_add_int(json, key, at_ns - recording->started_ns);
	else
		sonde_json_add_null(json, key);
}

void json_add_reference(struct sonde_json *json, const char *key, uint32_t number)
{
	if (number)
		sonde_json_add_int(json, key, number);
}

void sonde_recording_json_program(struct sonde_json *json,
				  const struct sonde_recording *recording,
				  const struct sonde_program *program,
				  enum sonde_recording_form form)
{
	static const char *const lines[] = {
		[SONDE_LINES_UNTRIED] = "untried",
		[SONDE_LINES_READ] = "read",
		[SONDE_LINES_NO_READER] = "no-reader",
		[SONDE_LINES_UNKNOWN_VERSION] = "unknown-version",
		[SONDE_LINES_SYMBOLS] = "symbols",
	};

	sonde_json_add_int(json, "program", program->program);
	sonde_json_add_int(json, "pid", program->pid);
	json_add_reference(json, "parent", program->parent);
	sonde_json_add_string(json, "name", program->name);
	sonde_json_key(json, "argv");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < program->argument_count; i++)
		sonde_json_string(json, program->arguments[i]);
	sonde_json_array_end(json);
	json_add_time(json, "started_ns", recording, program->started_ns);
	json_add_time(json, "ended_ns", recording, program->ended_ns);
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
	if (form != SONDE_RECORDING_WHOLE)
		return;
	sonde_json_key(json, "raw");
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "lines", program->lines);
	sonde_json_add_int(json, "status", program->exit_status);
	sonde_json_add_int(json, "signal", program->exit_signal);
	sonde_json_object_end(json);
}

static void add_raw_socket(struct sonde_json *json,
			   const struct sonde_recording *recording,
			   const struct sonde_socket *s)
{
	json_add_whole_address(json, "local", &s->local);
	json_add_whole_address(json, "peer", &s->peer);
	sonde_json_key(json, "raw");
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "family", s->family);
	sonde_json_add_int(json, "kind", s->kind);
	sonde_json_add_int(json, "pipe_end", s->pipe_end);
	add_hex64(json, "cookie", s->cookie);
	sonde_json_add_int(json, "peer_pid", s->peer_pid);
	json_add_time(json, "looked_ns", recording, s->looked_ns);
	sonde_json_add_int(json, "unread", s->unread);
	sonde_json_add_int(json, "unsent", s->unsent);
	sonde_json_add_int(json, "in_flight", s->in_flight);
	sonde_json_object_end(json);
}

void sonde_recording_json_socket(struct sonde_json *json,
				 const struct sonde_recording *recording,
				 const struct sonde_socket *s,
				 enum sonde_recording_form form)
{
	bool is_whole = form == SONDE_RECORDING_WHOLE;

	sonde_json_add_int(json, "socket", s->socket);
	sonde_json_add_int(json, "program", s->program);
	sonde_json_add_int(json, "pid", s->pid);
	sonde_json_add_int(json, "fd", s->fd);
	sonde_json_add_string(json, "family", family_word(s->family));
	sonde_json_add_string(json, "proto", sonde_socket_kind_word(s->kind));
	if (!is_whole &&
	    (s->family == SONDE_FAMILY_INET || s->family == SONDE_FAMILY_INET6)) {
		json_add_address(json, "local", &s->local);
		if (!s->is_listening)
			json_add_address(json, "peer", &s->peer);
	}
	if (s->kind == SONDE_SOCKET_PIPE)
		sonde_json_add_string(json, "end",
				      s->pipe_end == SONDE_PIPE_READ    ? "read"
				      : s->pipe_end == SONDE_PIPE_WRITE ? "write"
									: "both");
	if (s->name)
		sonde_json_add_string(json, "name", s->name);
	json_add_reference(json, "peer_socket", s->peer_socket);
	if (s->is_listening)
		sonde_json_add_bool(json, "listening", true);
	if (s->defers_accept)
		sonde_json_add_bool(json, "defers_accept", true);
	if (s->is_inherited)
		sonde_json_add_bool(json, "inherited", true);
	json_add_reference(json, "accepted_by", s->accepted_by);
	json_add_reference(json, "closed_by", s->closed_by);
	json_add_time(json, "opened_ns", recording, s->opened_ns);
	json_add_time(json, "closed_ns", recording, s->closed_ns);
	if (is_whole)
		add_raw_socket(json, recording, s);
}

static void add_whole_stack(struct sonde_json *json,
			    const struct sonde_recording *recording,
			    const struct sonde_stack *stack)
{
	sonde_json_key(json, "stack");
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "stack", stack->stack);
	sonde_json_add_int(json, "user_place", stack->user_place);
	sonde_json_add_bool(json, "cut", stack->is_cut);
	sonde_json_key(json, "places");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < stack->place_count; i++) {
		const struct sonde_place *place =
			&recording->places[stack->places[i] - 1];

		sonde_json_object_begin(json);
		sonde_json_add_int(json, "place", place->place);
		add_hex64(json, "code", place->code);
		sonde_json_add_int(json, "offset", place->offset);
		sonde_json_add_string(json, "file", place->file);
		sonde_json_add_int(json, "line", place->line);
		sonde_json_add_string(json, "function", place->function);
		sonde_json_add_string(json, "text", place->text);
		sonde_json_add_bool(json, "system", place->is_system);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
	sonde_json_object_end(json);
}

/* The places of the call's stack, innermost first. */
void sonde_recording_json_stack(struct sonde_json *json,
				const struct sonde_recording *recording, uint32_t number,
				enum sonde_recording_form form)
{
	const struct sonde_stack *stack = stack_at(recording, number);

	if (!stack)
		return;
	if (form == SONDE_RECORDING_WHOLE) {
		add_whole_stack(json, recording, stack);
		return;
	}

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

static void add_raw_call(struct sonde_json *json, const struct sonde_call *call)
{
	json_add_whole_address(json, "address", &call->address);
	sonde_json_key(json, "raw");
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "kind", call->kind);
	sonde_json_add_int(json, "flags", call->flags);
	sonde_json_add_int(json, "result", call->result);
	add_hex64(json, "buffer", call->buffer);
	add_hex64(json, "length", call->length);
	if (call->content_hash)
		add_hex64(json, "content", call->content_hash);
	sonde_json_add_int(json, "how", call->how);
	sonde_json_add_int(json, "timeout_ns", call->timeout_ns);
	sonde_json_object_end(json);
}

void sonde_recording_json_call(struct sonde_json *json,
			       const struct sonde_recording *recording,
			       const struct sonde_call *call,
			       enum sonde_recording_form form)
{
	bool moves = call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_RECEIVE;

	sonde_json_add_int(json, "call", call->call);
	sonde_json_add_int(json, "program", call->program);
	sonde_json_add_int(json, "pid", call->pid);
	sonde_json_add_int(json, "tid", call->tid);
	json_add_reference(json, "socket", call->socket);
	json_add_reference(json, "new_socket", call->new_socket);
	json_add_reference(json, "from_socket", call->from_socket);
	if (call->fd >= 0)
		sonde_json_add_int(json, "fd", call->fd);
	sonde_json_add_string(json, "name", call->name);
	json_add_time(json, "enter_ns", recording, call->enter_ns);
	json_add_time(json, "exit_ns", recording, call->exit_ns);
	add_outcome(json, recording, call);
	if (moves && call->exit_ns && call->result >= 0)
		sonde_json_add_int(json, "bytes", call->result);
	else
		sonde_json_add_null(json, "bytes");
	if (moves)
		/* No buffer is so large; a program may say that it is. */
		sonde_json_add_int(json, "length",
				   call->length > INT64_MAX ? INT64_MAX
							    : (int64_t)call->length);
	if (call->datagrams)
		sonde_json_add_int(json, "datagrams", call->datagrams);
	if (form == SONDE_RECORDING_READABLE &&
	    (call->address.family == SONDE_FAMILY_INET ||
	     call->address.family == SONDE_FAMILY_INET6))
		json_add_address(json, "address", &call->address);
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
	if (form == SONDE_RECORDING_WHOLE)
		add_raw_call(json, call);
}
