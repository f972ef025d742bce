/* A call as a row of the capture file.
 *
 * Wireshark lists the block with MESSAGE as its text and the fields as systemd_journal.*,
 * to be filtered by; SONDE_CALL holds the whole call as JSON, nothing left out, so that
 * the recording can be had back from the file. */
#include "record/row.h"

#include <errno.h>
#include <string.h>

#include <sonde/error.h>

#include "base/clock.h"

enum { MESSAGE_CHARS = 512 };

static const struct sonde_place *user_place(const struct sonde_recording *recording,
					    const struct sonde_call *call)
{
	const struct sonde_stack *stack;

	if (!call->stack || call->stack > recording->stack_count)
		return NULL;
	stack = &recording->stacks[call->stack - 1];
	return stack->user_place ? &recording->places[stack->user_place - 1] : NULL;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void add_result(struct sonde_text *text, const struct sonde_call *call)
{
	if (!call->exit_ns)
		sonde_text_add(text, " (did not return)");
	else if (call->result < 0)
		sonde_text_add(text, " = -1 %s", sonde_error_name((int)-call->result));
	else
		sonde_text_add(text, " = %lld", (long long)call->result);
}

static void add_message(struct sonde_text *text, const struct sonde_recording *recording,
			const struct sonde_call *call)
{
	const struct sonde_place *place = user_place(recording, call);
	char address[SONDE_ADDRESS_CHARS];

	if (place && place->file) {
		sonde_text_add(text, "%s:%d ", last_part(place->file), place->line);
		if (place->text)
			sonde_text_add_escaped(text, place->text, strlen(place->text));
		sonde_text_add(text, ": ");
	} else if (place && place->function) {
		sonde_text_add_escaped(text, place->function, strlen(place->function));
		sonde_text_add(text, ": ");
	}
	sonde_text_add(text, "%s(", call->name);
	if (call->fd >= 0)
		sonde_text_add(text, "%d", call->fd);
	if (call->address.family != SONDE_FAMILY_NONE) {
		sonde_address_format(&call->address, address);
		sonde_text_add(text, ", %s", address);
	}
	if (call->length)
		sonde_text_add(text, ", %llu bytes", (unsigned long long)call->length);
	sonde_text_add(text, ")");
	add_result(text, call);
}

static void add_address(struct sonde_json *json, const char *key,
			const struct sonde_address *address)
{
	char host[SONDE_ADDRESS_CHARS];

	if (address->family != SONDE_FAMILY_INET && address->family != SONDE_FAMILY_INET6)
		return;
	sonde_address_format_host(address, host);
	sonde_json_key(json, key);
	sonde_json_object_begin(json);
	sonde_json_add_string(json, "address", host);
	sonde_json_add_int(json, "port", address->port);
	sonde_json_object_end(json);
}

static void add_socket(struct sonde_json *json, const struct sonde_recording *recording,
		       uint32_t number)
{
	const struct sonde_socket *socket = &recording->sockets[number - 1];

	sonde_json_key(json, "socket");
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "socket", number);
	sonde_json_add_int(json, "family", socket->family);
	sonde_json_add_int(json, "kind", socket->kind);
	sonde_json_add_bool(json, "listening", socket->is_listening);
	sonde_json_add_int(json, "accepted_by", socket->accepted_by);
	sonde_json_add_int(json, "closed_by", socket->closed_by);
	add_address(json, "local", &socket->local);
	add_address(json, "peer", &socket->peer);
	sonde_json_object_end(json);
}

static void add_stack(struct sonde_json *json, const struct sonde_recording *recording,
		      const struct sonde_call *call)
{
	const struct sonde_stack *stack = &recording->stacks[call->stack - 1];

	sonde_json_add_bool(json, "stack_cut", stack->is_cut);
	sonde_json_key(json, "stack");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < stack->place_count; i++) {
		const struct sonde_place *place =
			&recording->places[stack->places[i] - 1];

		sonde_json_object_begin(json);
		sonde_json_add_int(json, "place", place->place);
		sonde_json_add_string(json, "file", place->file);
		sonde_json_add_int(json, "line", place->line);
		sonde_json_add_string(json, "function", place->function);
		sonde_json_add_string(json, "text", place->text);
		sonde_json_add_bool(json, "system", place->is_system);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
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
}

/* The whole call; times are relative to the recording's start. */
static void add_call(struct sonde_json *json, const struct sonde_recording *recording,
		     const struct sonde_call *call)
{
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "call", call->call);
	sonde_json_add_int(json, "program", call->program);
	sonde_json_add_int(json, "pid", call->pid);
	sonde_json_add_int(json, "tid", call->tid);
	sonde_json_add_string(json, "name", call->name);
	sonde_json_add_int(json, "kind", call->kind);
	sonde_json_add_int(json, "flags", call->flags);
	sonde_json_add_int(json, "fd", call->fd);
	sonde_json_add_int(json, "enter_ns", call->enter_ns - recording->started_ns);
	if (call->exit_ns) {
		sonde_json_add_int(json, "exit_ns",
				   call->exit_ns - recording->started_ns);
		sonde_json_add_int(json, "result", call->result);
	} else {
		sonde_json_add_null(json, "exit_ns");
		sonde_json_add_null(json, "result");
	}
	sonde_json_add_int(json, "length", (int64_t)call->length);
	sonde_json_add_int(json, "how", call->how);
	sonde_json_add_int(json, "datagrams", call->datagrams);
	sonde_json_add_int(json, "timeout_ns", call->timeout_ns);
	sonde_json_add_int(json, "new_socket", call->new_socket);
	add_address(json, "address", &call->address);
	if (call->socket)
		add_socket(json, recording, call->socket);
	if (call->watched_count)
		add_watched(json, call);
	if (call->stack)
		add_stack(json, recording, call);
	sonde_json_object_end(json);
}

static void add_text(struct pcapng_block *block, const char *name, const char *value)
{
	if (value)
		pcapng_journal_add(block, name, value, strlen(value));
}

static void add_number(struct pcapng_block *block, const char *name, long long value)
{
	char storage[32];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "%lld", value);
	pcapng_journal_add(block, name, text.chars, text.used);
}

void row_format(struct pcapng_block *block, const struct sonde_recording *recording,
		const struct sonde_call *call, struct sonde_json *json)
{
	const struct sonde_place *place = user_place(recording, call);
	char storage[MESSAGE_CHARS];
	struct sonde_text message;

	sonde_text_init(&message, storage, sizeof(storage));
	add_message(&message, recording, call);
	sonde_json_reset(json);
	add_call(json, recording, call);

	pcapng_journal_begin(block);
	add_number(block, "__REALTIME_TIMESTAMP", call->enter_ns / NS_PER_US);
	pcapng_journal_add(block, "MESSAGE", message.chars, message.used);
	add_number(block, "PRIORITY", 6);
	add_number(block, "_PID", call->pid);
	if (call->program)
		add_text(block, "SYSLOG_IDENTIFIER",
			 recording->programs[call->program - 1].name);
	if (place) {
		add_text(block, "CODE_FILE", place->file);
		add_number(block, "CODE_LINE", place->line);
		add_text(block, "CODE_FUNC", place->function);
	}
	pcapng_journal_add(block, "SONDE_CALL", json->chars, json->used);
	pcapng_journal_end(block);
	if (!block->error)
		block->error = sonde_json_error(json);
}
