/* What of a run belongs to one stream: for the NDJSON of that stream alone.  It has what the
 * ladder and the tables of the stream show, and what these speak of. */
#ifndef CLI_TRACE_JSON_SCOPE_H
#define CLI_TRACE_JSON_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/timeline.h>

struct trace_scope {
	uint32_t stream; /* 0: everything, and the arrays are NULL */
	bool *programs, *sockets, *statements, *packets; /* [number - 1] */
};

/* 0 or -ENOMEM. */
int trace_scope_init(const struct sonde_timeline *timeline, uint32_t stream,
		     struct trace_scope *ret);
void trace_scope_done(struct trace_scope *scope);

/* Numbers, from 1; an edge by its index. */
bool trace_scope_has_program(const struct trace_scope *scope, uint32_t program);
bool trace_scope_has_socket(const struct trace_scope *scope, uint32_t socket);
bool trace_scope_has_stream(const struct trace_scope *scope, uint32_t stream);
bool trace_scope_has_statement(const struct trace_scope *scope, uint32_t statement);
bool trace_scope_has_packet(const struct trace_scope *scope, uint32_t packet);
bool trace_scope_has_edge(const struct trace_scope *scope, const struct sonde_edge *edge);

#endif
