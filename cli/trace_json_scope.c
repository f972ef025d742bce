/* What of a run belongs to one stream. */
#include "trace_json_scope.h"

#include <errno.h>
#include <stdlib.h>

#include "render.h"

static bool has(const struct trace_scope *scope, const bool *marks, uint32_t number)
{
	return !scope->stream || (number && marks[number - 1]);
}

bool trace_scope_has_program(const struct trace_scope *scope, uint32_t program)
{
	return has(scope, scope->programs, program);
}

bool trace_scope_has_socket(const struct trace_scope *scope, uint32_t socket)
{
	return has(scope, scope->sockets, socket);
}

bool trace_scope_has_stream(const struct trace_scope *scope, uint32_t stream)
{
	return !scope->stream || scope->stream == stream;
}

bool trace_scope_has_statement(const struct trace_scope *scope, uint32_t statement)
{
	return has(scope, scope->statements, statement);
}

bool trace_scope_has_packet(const struct trace_scope *scope, uint32_t packet)
{
	return has(scope, scope->packets, packet);
}

bool trace_scope_has_edge(const struct trace_scope *scope, const struct sonde_edge *edge)
{
	if (!edge->packet)
		return trace_scope_has_stream(scope, edge->stream);
	return trace_scope_has_packet(scope, edge->packet);
}

static void mark(bool *marks, uint32_t number)
{
	if (number)
		marks[number - 1] = true;
}

static int mark_ladder(const struct sonde_timeline *timeline,
		       const struct trace_scope *scope)
{
	const struct sonde_ladder_options how = {.all_acks = true};
	struct sonde_ladder ladder;
	int r = sonde_ladder_build(timeline, scope->stream, &how, &ladder);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < ladder.row_count; i++) {
		mark(scope->statements, ladder.rows[i].statement);
		mark(scope->packets, ladder.rows[i].packet);
	}
	sonde_ladder_done(&ladder);
	return 0;
}

static int mark_tables(const struct sonde_timeline *timeline,
		       const struct trace_scope *scope)
{
	struct sonde_tables tables;
	int r = sonde_tables_build(timeline, &tables);

	if (r < 0)
		return r;
	cell_choose(timeline, &tables, scope->stream);
	for (uint32_t i = 0; i < tables.sent_count; i++)
		mark(scope->packets, tables.sent[i].packet);
	for (uint32_t i = 0; i < tables.completed_count; i++)
		mark(scope->statements, tables.completed[i].statement);
	sonde_tables_done(&tables);
	return 0;
}

/* Both ends of what is joined. */
static void mark_edges(const struct sonde_timeline *timeline,
		       const struct trace_scope *scope)
{
	for (uint32_t i = 0; i < timeline->edge_count; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (!trace_scope_has_edge(scope, edge))
			continue;
		mark(scope->statements, edge->statement);
		mark(scope->statements, edge->by_statement);
	}
}

static void mark_sockets(const struct sonde_timeline *timeline,
			 const struct trace_scope *scope)
{
	const struct sonde_recording *recording = timeline->recording;
	const struct sonde_stream *stream = &timeline->streams[scope->stream - 1];

	mark(scope->sockets, stream->client_socket);
	mark(scope->sockets, stream->server_socket);
	mark(scope->sockets, stream->listening_socket);
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];

		if (!trace_scope_has_statement(scope, timeline->statement_of_call[i]))
			continue;
		mark(scope->sockets, call->socket);
		mark(scope->sockets, call->new_socket);
		mark(scope->sockets, call->from_socket);
		for (uint32_t w = 0; w < call->watched_count; w++)
			mark(scope->sockets, call->watched[w].socket);
	}
}

static void mark_program(const struct sonde_recording *recording,
			 const struct trace_scope *scope, uint32_t program)
{
	while (program && !scope->programs[program - 1]) {
		scope->programs[program - 1] = true;
		program = recording->programs[program - 1].parent;
	}
}

static void mark_programs(const struct sonde_timeline *timeline,
			  const struct trace_scope *scope)
{
	const struct sonde_recording *recording = timeline->recording;

	for (uint32_t i = 0; i < timeline->statement_count; i++)
		if (scope->statements[i])
			mark_program(recording, scope, timeline->statements[i].program);
	for (uint32_t i = 0; i < recording->socket_count; i++)
		if (scope->sockets[i])
			mark_program(recording, scope, recording->sockets[i].program);
}

static bool *new_marks(uint32_t count)
{
	return calloc((size_t)count + 1, sizeof(bool));
}

int trace_scope_init(const struct sonde_timeline *timeline, uint32_t stream,
		     struct trace_scope *ret)
{
	const struct sonde_recording *recording = timeline->recording;
	int r = -ENOMEM;

	*ret = (struct trace_scope){.stream = stream};
	if (!stream)
		return 0;
	ret->programs = new_marks(recording->program_count);
	ret->sockets = new_marks(recording->socket_count);
	ret->statements = new_marks(timeline->statement_count);
	ret->packets = new_marks(recording->packet_count);
	if (ret->programs && ret->sockets && ret->statements && ret->packets)
		r = mark_ladder(timeline, ret);
	if (r == 0)
		r = mark_tables(timeline, ret);
	if (r < 0) {
		trace_scope_done(ret);
		return r;
	}
	mark_edges(timeline, ret);
	mark_sockets(timeline, ret);
	mark_programs(timeline, ret);
	return 0;
}

void trace_scope_done(struct trace_scope *scope)
{
	free(scope->programs);
	free(scope->sockets);
	free(scope->statements);
	free(scope->packets);
	*scope = (struct trace_scope){0};
}
