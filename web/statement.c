/* One statement in full: its calls, what it waited for, what it sent, where it stands. */
#include <stdio.h>
#include <string.h>

#include <sonde/recording_json.h>
#include <sonde/text.h>

#include "cli/label.h"
#include "cli/render.h"
#include "page.h"

enum { TEXT_CHARS = 4096, LINES_AROUND = 4 };

static void add_calls(const struct sonde_statement *statement)
{
	struct sonde_json *json = &page.json;

	sonde_json_key(json, "calls");
	sonde_json_array_begin(json);
	for (uint32_t call = statement->first_call; call;
	     call = page.timeline.next_call[call - 1]) {
		const struct sonde_call *it = &page.recording->calls[call - 1];
		uint8_t why = page.timeline.call_why[call - 1];

		sonde_json_object_begin(json);
		sonde_recording_json_call(json, page.recording, it,
					  SONDE_RECORDING_READABLE);
		if (page.timeline.call_blocked[call - 1] != SONDE_UNKNOWN)
			sonde_json_add_bool(json, "blocked",
					    page.timeline.call_blocked[call - 1] ==
						    SONDE_YES);
		if (why)
			sonde_json_add_string(json, "why",
					      sonde_why_text((enum sonde_why)why));
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
}

static void add_place(const struct sonde_place *place)
{
	struct sonde_json *json = &page.json;

	sonde_json_object_begin(json);
	if (place->file)
		page_say("file", place->file);
	if (place->line > 0)
		sonde_json_add_int(json, "line", place->line);
	if (place->function)
		page_say("function", place->function);
	if (place->text)
		page_say("text", place->text);
	if (place->is_system)
		sonde_json_add_bool(json, "system", true);
	sonde_json_object_end(json);
}

static void add_stack(const struct sonde_statement *statement)
{
	const struct sonde_recording *recording = page.recording;
	uint32_t call =
		statement->principal ? statement->principal : statement->first_call;
	uint32_t number = call ? recording->calls[call - 1].stack : 0;
	const struct sonde_stack *stack = number ? &recording->stacks[number - 1] : NULL;

	sonde_json_key(&page.json, "stack");
	sonde_json_array_begin(&page.json);
	for (uint32_t i = 0; stack && i < stack->place_count; i++)
		add_place(&recording->places[stack->places[i] - 1]);
	sonde_json_array_end(&page.json);
	if (stack && stack->is_cut)
		sonde_json_add_bool(&page.json, "stack_cut", true);
}

/* The recorded line of that number in the file of the place; NULL: none was recorded. */
static const struct sonde_place *find_line(const struct sonde_place *of, int line)
{
	for (uint32_t i = 0; i < page.recording->place_count; i++) {
		const struct sonde_place *place = &page.recording->places[i];

		if (place->line == line && place->text && place->file &&
		    strcmp(place->file, of->file) == 0)
			return place;
	}
	return NULL;
}

/* What is known of the source around it: the lines that other calls were made from. */
static void add_source(const struct sonde_statement *statement)
{
	struct sonde_json *json = &page.json;
	const struct sonde_place *place =
		statement->place ? &page.recording->places[statement->place - 1] : NULL;

	if (!place || !place->file || place->line <= 0)
		return;
	page_say("file", place->file);
	sonde_json_add_int(json, "line", place->line);
	sonde_json_key(json, "source");
	sonde_json_array_begin(json);
	for (int line = place->line - LINES_AROUND; line <= place->line + LINES_AROUND;
	     line++) {
		const struct sonde_place *found = find_line(place, line);

		if (!found)
			continue;
		sonde_json_object_begin(json);
		sonde_json_add_int(json, "line", line);
		page_say("text", found->text);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
}

static void add_sent(uint32_t statement)
{
	struct sonde_json *json = &page.json;
	uint32_t before = 0;

	sonde_json_key(json, "sent");
	sonde_json_array_begin(json);
	for (uint32_t i = 0; i < page.timeline.edge_count; i++) {
		const struct sonde_edge *edge = &page.timeline.edges[i];

		if (edge->kind != SONDE_EDGE_SENT || edge->statement != statement ||
		    !edge->packet || edge->packet == before)
			continue;
		before = edge->packet;
		sonde_json_object_begin(json);
		sonde_json_add_int(json, "packet", edge->packet);
		page_say_packet("label", edge->packet);
		if (!edge->exact)
			sonde_json_add_bool(json, "perhaps", true);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
}

/* The cells of its row in the second table. */
static void add_completed(uint32_t statement)
{
	struct sonde_json *json = &page.json;

	for (uint32_t i = 0; i < page.tables.completed_count; i++) {
		const struct sonde_completed_row *row = &page.tables.completed[i];
		char storage[TEXT_CHARS];
		struct sonde_text text;

		if (row->statement != statement)
			continue;
		sonde_text_init(&text, storage, sizeof(storage));
		cell_waited(&text, row);
		page_say("waited", storage);
		sonde_text_init(&text, storage, sizeof(storage));
		cell_completed(&text, &page.timeline, row, true);
		page_say("completed", storage);
		if (row->packet)
			sonde_json_add_int(json, "completed_packet", row->packet);
		if (row->by_statement)
			sonde_json_add_int(json, "completed_statement",
					   row->by_statement);
		return;
	}
}

static void add_who(const struct sonde_statement *statement)
{
	const struct sonde_recording *recording = page.recording;
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	label_process(&text, recording, statement->program);
	page_say("program", storage);
	sonde_json_add_int(&page.json, "pid", statement->pid);
	sonde_json_add_int(&page.json, "tid", statement->tid);
	if (!statement->socket)
		return;
	sonde_text_init(&text, storage, sizeof(storage));
	label_socket(&text, recording, statement->socket,
		     &recording->sockets[statement->socket - 1].local);
	page_say("socket", storage);
}

/* The first stream that shows it, so that the page can go there; 0 none. */
static uint32_t stream_of(const struct sonde_statement *statement)
{
	uint32_t socket = statement->socket;

	for (uint32_t i = 0; socket && i < page.timeline.stream_count; i++) {
		const struct sonde_stream *stream = &page.timeline.streams[i];

		if (stream->client_socket == socket || stream->server_socket == socket ||
		    stream->listening_socket == socket)
			return i + 1;
	}
	return 0;
}

void page_statement(uint32_t number)
{
	const struct sonde_statement *statement;
	struct sonde_json *json = &page.json;
	char storage[TEXT_CHARS];
	struct sonde_text text;
	bool is_error;

	page_answer_begin();
	if (page.recording && number && number <= page.timeline.statement_count) {
		statement = &page.timeline.statements[number - 1];
		sonde_json_add_int(json, "statement", number);
		page_say_statement("label", number);
		page_say_ms("ms", statement->enter_ns);
		sonde_text_init(&text, storage, sizeof(storage));
		if (statement->exit_ns)
			sonde_text_add_duration(&text,
						statement->exit_ns - statement->enter_ns);
		page_say("took", storage);
		sonde_text_init(&text, storage, sizeof(storage));
		is_error = label_outcome(&text, &page.timeline, number);
		page_say("outcome", storage);
		sonde_json_add_bool(json, "error", is_error);
		add_who(statement);
		sonde_json_add_int(json, "stream", stream_of(statement));
		add_completed(number);
		add_sent(number);
		add_calls(statement);
		add_stack(statement);
		add_source(statement);
	}
	page_answer_end();
}
