/* A call as a row of the capture file.
 *
 * Wireshark lists the block with MESSAGE as its text and the fields as systemd_journal.*,
 * to be filtered by; SONDE_CALL holds the whole call as JSON, nothing left out, so that
 * the recording can be had back from the file.  The last row has SONDE_RUN, too: what
 * belongs to no call. */
#include "record/row.h"

#include <errno.h>
#include <string.h>

#include <sonde/error.h>
#include <sonde/recording_json.h>

#include "base/array.h"
#include "base/clock.h"

enum {
	MESSAGE_CHARS = 512,
	RUN_BYTES = 1 << 22, /* of what no call refers to */
};

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

static void add_holder(struct sonde_text *text, const struct sonde_recording *recording,
		       uint32_t number)
{
	const struct sonde_holder *holder;

	if (!number || number > recording->holder_count)
		return;
	holder = &recording->holders[number - 1];
	sonde_text_add(text, " (%s", sonde_holder_state_word(holder->state));
	if (holder->pid && holder->name) {
		sonde_text_add(text, ": ");
		sonde_text_add_escaped(text, holder->name, strlen(holder->name));
		sonde_text_add(text, ", process %u", holder->pid);
	}
	sonde_text_add(text, ")");
}

static void add_result(struct sonde_text *text, const struct sonde_recording *recording,
		       const struct sonde_call *call)
{
	if (!call->exit_ns)
		sonde_text_add(text, " (did not return)");
	else if (call->result < 0)
		sonde_text_add(text, " = -1 %s", sonde_error_name((int)-call->result));
	else
		sonde_text_add(text, " = %lld", (long long)call->result);
	add_holder(text, recording, call->holder);
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
	add_result(text, recording, call);
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

/* What the times of a row are counted from, as text: it is past what JSON numbers hold. */
static void add_epoch(struct sonde_json *json, const struct sonde_recording *recording)
{
	char storage[32];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "%lld", (long long)recording->started_ns);
	sonde_json_add_string(json, "epoch_ns", storage);
}

/* The whole call, and what it refers to: each row can be read alone, whatever became of
 * the others. */
static void add_call(struct sonde_json *json, const struct sonde_recording *recording,
		     const struct sonde_call *call)
{
	sonde_json_object_begin(json);
	add_epoch(json, recording);
	sonde_recording_json_call(json, recording, call, SONDE_RECORDING_WHOLE);
	sonde_recording_json_stack(json, recording, call->stack, SONDE_RECORDING_WHOLE);
	sonde_recording_json_holder(json, recording, call->holder, SONDE_RECORDING_WHOLE);
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

/* Which programs and sockets no call refers to: no row has them. */
struct unnamed {
	bool *programs, *sockets; /* [number - 1]: it has a row */
};

static void mark(bool *named, uint32_t count, uint32_t number)
{
	if (number && number <= count)
		named[number - 1] = true;
}

static int find_unnamed(const struct sonde_recording *recording, struct unnamed *ret)
{
	uint32_t sockets = recording->socket_count;

	ret->programs = array_new((size_t)recording->program_count + 1, sizeof(bool));
	ret->sockets = array_new((size_t)sockets + 1, sizeof(bool));
	if (!ret->programs || !ret->sockets)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];

		mark(ret->programs, recording->program_count, call->program);
		mark(ret->sockets, sockets, call->socket);
		mark(ret->sockets, sockets, call->new_socket);
		mark(ret->sockets, sockets, call->from_socket);
		for (uint32_t k = 0; k < call->watched_count; k++)
			mark(ret->sockets, sockets, call->watched[k].socket);
	}
	return 0;
}

static void add_unnamed(struct sonde_json *json, const struct sonde_recording *recording,
			const struct unnamed *unnamed)
{
	sonde_json_key(json, "programs");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < recording->program_count && json->used < RUN_BYTES;
	     i++) {
		if (unnamed->programs[i])
			continue;
		sonde_json_object_begin(json);
		sonde_recording_json_program(json, recording, &recording->programs[i],
					     SONDE_RECORDING_WHOLE);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
	sonde_json_key(json, "sockets");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < recording->socket_count && json->used < RUN_BYTES; i++)
		if (!unnamed->sockets[i])
			add_socket(json, recording, i + 1);
	sonde_json_array_end(json);
}

static void add_notes(struct sonde_json *json, const struct sonde_recording *recording)
{
	sonde_json_key(json, "notes");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < recording->note_count; i++) {
		sonde_json_object_begin(json);
		sonde_json_add_int(json, "severity", recording->notes[i].severity);
		sonde_json_add_string(json, "text", recording->notes[i].text);
		if (recording->notes[i].hint)
			sonde_json_add_string(json, "hint", recording->notes[i].hint);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
}

/* What belongs to no call: how the run went, and those that made none. */
static int add_run(struct sonde_json *json, const struct sonde_recording *recording)
{
	struct unnamed unnamed = {0};
	int error = find_unnamed(recording, &unnamed);

	sonde_json_object_begin(json);
	add_epoch(json, recording);
	if (recording->ended_ns)
		sonde_json_add_int(json, "ended_ns",
				   recording->ended_ns - recording->started_ns);
	sonde_json_add_int(json, "margin_ns", recording->margin_ns);
	sonde_json_add_int(json, "main_program", recording->main_program);
	sonde_json_add_bool(json, "has_packets", recording->has_packets);
	sonde_json_add_int(json, "packets_dropped", (int64_t)recording->packets_dropped);
	sonde_json_add_int(json, "packets_foreign", (int64_t)recording->packets_foreign);
	sonde_json_add_int(json, "calls_dropped", (int64_t)recording->calls_dropped);
	sonde_json_add_int(json, "stops", (int64_t)recording->stops);
	sonde_json_add_int(json, "held_ns", recording->held_ns);
	add_notes(json, recording);
	if (!error)
		add_unnamed(json, recording, &unnamed);
	sonde_json_object_end(json);
	array_free(unnamed.programs);
	array_free(unnamed.sockets);
	return error;
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
		bool is_last, struct sonde_json *json)
{
	const struct sonde_place *place = user_place(recording, call);
	int error = 0;
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
	if (is_last) {
		sonde_json_reset(json);
		error = add_run(json, recording);
		if (!error)
			error = sonde_json_error(json);
		pcapng_journal_add(block, "SONDE_RUN", json->chars, json->used);
	}
	pcapng_journal_end(block);
	if (!block->error)
		block->error = error;
	if (!block->error)
		block->error = sonde_json_error(json);
}
