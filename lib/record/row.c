/* A call as a row of the capture file.
 *
 * Wireshark lists the block with MESSAGE as its text and the fields as systemd_journal.*,
 * to be filtered by; SONDE_CALL holds the whole call as JSON, nothing left out, so that
 * the recording can be had back from the file. */
#include "record/row.h"

#include <errno.h>
#include <string.h>

#include <sonde/error.h>
#include <sonde/recording_json.h>

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

/* A socket as it is now; later rows may know more of it. */
static void add_socket(struct sonde_json *json, const struct sonde_recording *recording,
		       uint32_t number)
{
	if (!number || number > recording->socket_count)
		return;
	sonde_json_object_begin(json);
	sonde_recording_json_socket(json, recording, &recording->sockets[number - 1],
				    SONDE_RECORDING_WHOLE);
	sonde_json_object_end(json);
}

/* The whole call, and what it refers to: each row can be read alone, whatever became of
 * the others. */
static void add_call(struct sonde_json *json, const struct sonde_recording *recording,
		     const struct sonde_call *call)
{
	sonde_json_object_begin(json);
	sonde_recording_json_call(json, recording, call, SONDE_RECORDING_WHOLE);
	sonde_recording_json_stack(json, recording, call->stack, SONDE_RECORDING_WHOLE);
	if (call->program && call->program <= recording->program_count) {
		sonde_json_key(json, "of");
		sonde_json_object_begin(json);
		sonde_recording_json_program(json, recording,
					     &recording->programs[call->program - 1],
					     SONDE_RECORDING_WHOLE);
		sonde_json_object_end(json);
	}
	sonde_json_key(json, "sockets");
	sonde_json_array_begin(json);
	add_socket(json, recording, call->socket);
	if (call->new_socket != call->socket)
		add_socket(json, recording, call->new_socket);
	if (call->from_socket != call->socket)
		add_socket(json, recording, call->from_socket);
	for (uint32_t i = 0; i < call->watched_count; i++)
		if (call->watched[i].socket != call->socket)
			add_socket(json, recording, call->watched[i].socket);
	sonde_json_array_end(json);
	sonde_json_object_end(json);
}

/* What other calls had to do with it, once that is known: "bytes from client.py:9 ...". */
static void add_others(struct sonde_text *text, const struct sonde_timeline *timeline,
		       const struct sonde_edge *edges, uint32_t edge_count)
{
	for (uint32_t i = 0; i < edge_count; i++) {
		sonde_text_add(text, edges[i].kind == SONDE_EDGE_TAKEN
					     ? "; bytes from "
					     : "; completed by ");
		sonde_statement_add_label(timeline, edges[i].by_statement, text);
		if (!edges[i].exact)
			sonde_text_add(text, " (one of several candidates)");
	}
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
		const struct sonde_call *call, const struct row_edges *edges,
		struct sonde_json *json)
{
	const struct sonde_place *place = user_place(recording, call);
	char storage[MESSAGE_CHARS];
	struct sonde_text message;

	sonde_text_init(&message, storage, sizeof(storage));
	add_message(&message, recording, call);
	if (edges)
		add_others(&message, edges->timeline, edges->edges, edges->count);
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
