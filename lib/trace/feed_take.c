/* The recording's end of the feed. */
#include "trace/feed_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

/* The body of one record, read from its start on. */
struct body {
	const uint8_t *bytes;
	size_t left;
	bool failed;
};

static void take(struct body *body, void *ret, size_t n)
{
	if (body->failed || body->left < n) {
		body->failed = true;
		memset(ret, 0, n);
		return;
	}
	memcpy(ret, body->bytes, n);
	body->bytes += n;
	body->left -= n;
}

/* Copies the next string into the storage, of LIMIT_PATH + 1 bytes; NULL where it is
 * none. */
static const char *take_string(struct body *body, char *storage)
{
	uint32_t n = FEED_NO_STRING;

	take(body, &n, sizeof(n));
	if (body->failed || n == FEED_NO_STRING)
		return NULL;
	if (n > LIMIT_PATH) {
		body->failed = true;
		return NULL;
	}
	take(body, storage, n);
	storage[n] = '\0';
	return storage;
}

/* A note that cannot be kept is no reason to give up what it is about. */
static int add_note(struct feed_state *state, enum sonde_severity severity,
		    const char *text, const char *hint)
{
	struct sonde_recording *recording = state->recording;
	int error = 0;

	if (recording->note_count < LIMIT_NOTES_FED - 1) {
		error = sonde_recording_add_note(recording, severity, text, hint);
	} else if (!state->said_notes) {
		error = sonde_recording_add_note(
			recording, SONDE_WARNING,
			"there was more to note than a recording keeps", NULL);
		state->said_notes = true;
	}
	return error < 0 && error != -E2BIG ? error : 0;
}

/* The tracer stops at the same limits, so that its numbers and the recording's stay the
 * same; `error` is what adding gave.  Of programs it says more itself. */
static int say_if_full(struct feed_state *state, int error, uint32_t limit,
		       const char *what)
{
	char text[96];

	if (error < 0 || (uint32_t)error < limit)
		return error;
	snprintf(text, sizeof(text), "a recording keeps %u %s: what comes later has none",
		 limit, what);
	return add_note(state, SONDE_WARNING, text, "trace a shorter run");
}

static int take_program(struct feed_state *state, struct body *body)
{
	static const char *const none[1];
	char name[LIMIT_PATH + 1], interpreter[LIMIT_PATH + 1];
	char arguments[LIMIT_ARGUMENT_BYTES + LIMIT_ARGUMENTS];
	const char *pointers[LIMIT_ARGUMENTS];
	struct sonde_program program;
	size_t used = 0;

	take(body, &program, sizeof(program));
	program.name = take_string(body, name);
	program.interpreter = take_string(body, interpreter);
	if (program.argument_count > LIMIT_ARGUMENTS)
		return -EPROTO;
	for (uint32_t i = 0; i < program.argument_count; i++) {
		char one[LIMIT_PATH + 1];
		const char *string = take_string(body, one);
		size_t n = string ? strlen(string) + 1 : 0;

		if (!string || used + n > sizeof(arguments))
			return -EPROTO;
		pointers[i] = memcpy(arguments + used, string, n);
		used += n;
	}
	program.arguments = program.argument_count ? pointers : none;
	return body->failed ? -EPROTO
			    : sonde_recording_add_program(state->recording, &program);
}

static int take_program_lines(struct feed_state *state, struct body *body)
{
	struct sonde_recording *recording = state->recording;
	char interpreter[LIMIT_PATH + 1];
	uint32_t program, lines;
	const char *name;

	take(body, &program, sizeof(program));
	take(body, &lines, sizeof(lines));
	name = take_string(body, interpreter);
	if (body->failed || program == 0 || program > recording->program_count)
		return -EPROTO;
	recording->programs[program - 1].lines = (uint8_t)lines;
	return name ? sonde_recording_set_interpreter(recording, program, name) : 0;
}

static int take_program_end(struct feed_state *state, struct body *body)
{
	struct sonde_program end, *program;

	take(body, &end, sizeof(end));
	if (body->failed || end.program == 0 ||
	    end.program > state->recording->program_count)
		return -EPROTO;
	program = &state->recording->programs[end.program - 1];
	program->ended_ns = end.ended_ns;
	program->exit_status = end.exit_status;
	program->exit_signal = end.exit_signal;
	program->replaced = end.replaced;
	return 0;
}

static int take_socket(struct feed_state *state, struct body *body, bool is_new)
{
	struct sonde_recording *recording = state->recording;
	char name[LIMIT_PATH + 1];
	struct sonde_socket socket;
	int error = 0;

	take(body, &socket, sizeof(socket));
	socket.name = take_string(body, name);
	if (body->failed)
		return -EPROTO;
	if (is_new)
		error = say_if_full(state, sonde_recording_add_socket(recording, &socket),
				    LIMIT_SOCKETS, "sockets");
	else if (socket.socket == 0 || socket.socket > recording->socket_count)
		return -EPROTO;
	else
		error = sonde_recording_set_socket(recording, &socket);
	if (error >= 0 && state->on_socket)
		state->on_socket(state->context, &socket);
	return error;
}

static int take_place(struct feed_state *state, struct body *body)
{
	char file[LIMIT_PATH + 1], function[LIMIT_PATH + 1], text[LIMIT_PATH + 1];
	struct sonde_place place;

	take(body, &place, sizeof(place));
	place.file = take_string(body, file);
	place.function = take_string(body, function);
	place.text = take_string(body, text);
	if (body->failed)
		return -EPROTO;
	return say_if_full(state, sonde_recording_add_place(state->recording, &place),
			   LIMIT_PLACES, "places in source code");
}

static int take_stack(struct feed_state *state, struct body *body)
{
	uint32_t places[LIMIT_STACK_DEPTH];
	struct sonde_stack stack;

	take(body, &stack, sizeof(stack));
	if (body->failed || stack.place_count > LIMIT_STACK_DEPTH)
		return -EPROTO;
	take(body, places, stack.place_count * sizeof(places[0]));
	stack.places = places;
	if (body->failed)
		return -EPROTO;
	return say_if_full(state, sonde_recording_add_stack(state->recording, &stack),
			   LIMIT_STACKS, "stacks");
}

static int take_holder(struct feed_state *state, struct body *body)
{
	char name[LIMIT_PATH + 1], path[LIMIT_PATH + 1];
	struct sonde_holder holder;

	take(body, &holder, sizeof(holder));
	holder.name = take_string(body, name);
	holder.path = take_string(body, path);
	if (body->failed)
		return -EPROTO;
	return sonde_recording_add_holder(state->recording, &holder);
}

static int take_call(struct feed_state *state, struct body *body, bool is_return)
{
	struct sonde_recording *recording = state->recording;
	struct sonde_watched watched[LIMIT_WATCHED];
	struct sonde_call call;
	int error;

	take(body, &call, sizeof(call));
	if (body->failed || call.watched_count > LIMIT_WATCHED)
		return -EPROTO;
	take(body, watched, call.watched_count * sizeof(watched[0]));
	if (body->failed)
		return -EPROTO;
	call.watched = watched;
	if (!is_return) {
		error = sonde_recording_add_call(recording, &call);
		if (error >= 0 && state->on_call)
			state->on_call(state->context, &call);
		return error;
	}
	if (call.call == 0 || call.call > recording->call_count)
		return -EPROTO;
	error = sonde_recording_set_watched(recording, call.call, watched,
					    call.watched_count);
	if (error < 0)
		return error;
	/* The watched array is the recording's own now; everything else is the news. */
	call.watched = recording->calls[call.call - 1].watched;
	call.enter_ns = recording->calls[call.call - 1].enter_ns;
	recording->calls[call.call - 1] = call;
	if (state->on_return)
		state->on_return(state->context, &recording->calls[call.call - 1]);
	return 0;
}

static int take_note(struct feed_state *state, struct body *body)
{
	char text[LIMIT_PATH + 1], hint[LIMIT_PATH + 1];
	const char *text_taken, *hint_taken;
	uint32_t severity;

	take(body, &severity, sizeof(severity));
	text_taken = take_string(body, text);
	hint_taken = take_string(body, hint);
	if (body->failed)
		return -EPROTO;
	return add_note(state, severity, text_taken, hint_taken);
}

static int take_failure(struct feed_state *state, struct body *body)
{
	int code;

	take(body, &code, sizeof(code));
	take(body, &state->error, sizeof(state->error));
	if (body->failed || code >= 0)
		return -EPROTO;
	state->failure = code;
	return 0;
}

static int take_value(struct feed_state *state, struct body *body, enum feed_kind kind)
{
	uint64_t value;

	take(body, &value, sizeof(value));
	if (body->failed)
		return -EPROTO;
	switch (kind) {
	case FEED_CALLS_DROPPED:
		state->recording->calls_dropped = value;
		return add_note(state, SONDE_WARNING,
				"there were more calls than a recording keeps: the rest "
				"is counted, and not shown",
				"trace a shorter run");
	case FEED_MAIN_PROGRAM:
		state->recording->main_program = (uint32_t)value;
		break;
	case FEED_MAIN_STATUS:
		state->main_status = (int)value;
		break;
	default:
		state->is_started = true;
		break;
	}
	return 0;
}

static int take_cost(struct feed_state *state, struct body *body)
{
	uint64_t stops;
	int64_t held_ns;

	take(body, &stops, sizeof(stops));
	take(body, &held_ns, sizeof(held_ns));
	if (body->failed)
		return -EPROTO;
	state->recording->stops = stops;
	state->recording->held_ns = held_ns;
	return 0;
}

static int take_record(struct feed_state *state, uint32_t kind, struct body *body)
{
	switch (kind) {
	case FEED_PROGRAM:
		return take_program(state, body);
	case FEED_PROGRAM_LINES:
		return take_program_lines(state, body);
	case FEED_PROGRAM_END:
		return take_program_end(state, body);
	case FEED_SOCKET:
		return take_socket(state, body, true);
	case FEED_SOCKET_STATE:
		return take_socket(state, body, false);
	case FEED_PLACE:
		return take_place(state, body);
	case FEED_STACK:
		return take_stack(state, body);
	case FEED_HOLDER:
		return take_holder(state, body);
	case FEED_CALL:
		return take_call(state, body, false);
	case FEED_RETURN:
		return take_call(state, body, true);
	case FEED_NOTE:
		return take_note(state, body);
	case FEED_FAILURE:
		return take_failure(state, body);
	case FEED_COST:
		return take_cost(state, body);
	case FEED_CALLS_DROPPED:
	case FEED_MAIN_PROGRAM:
	case FEED_MAIN_STATUS:
	case FEED_STARTED:
		return take_value(state, body, kind);
	}
	return -EPROTO;
}

ssize_t feed_take(struct feed_state *state, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	for (;;) {
		struct feed_header header;
		struct body body;
		int error;

		if (n - at < sizeof(header))
			break;
		memcpy(&header, bytes + at, sizeof(header));
		if (header.length < sizeof(header) || header.length > FEED_RECORD_BYTES ||
		    header.length % 8)
			return -EPROTO;
		if (n - at < header.length)
			break;
		body = (struct body){
			.bytes = bytes + at + sizeof(header),
			.left = header.length - sizeof(header),
		};
		error = take_record(state, header.kind, &body);
		if (error < 0)
			return error;
		at += header.length;
	}
	return (ssize_t)at;
}
