/* The objects of a trace's NDJSON, one line each.  A field that does not apply is absent,
 * one that is not known is null.  Streams count from 0, everything else from 1. */
#ifndef CLI_TRACE_JSON_H
#define CLI_TRACE_JSON_H

#include <sonde/finding.h>
#include <sonde/timeline.h>

#include "output.h"

void trace_json_program(struct output *output, const struct sonde_recording *recording,
			const struct sonde_program *program);
void trace_json_socket(struct output *output, const struct sonde_recording *recording,
		       const struct sonde_socket *socket);
void trace_json_stream(struct output *output, const struct sonde_stream *stream);
void trace_json_statement(struct output *output, const struct sonde_timeline *timeline,
			  const struct sonde_statement *statement);
void trace_json_call(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_call *call);
void trace_json_packet(struct output *output, const struct sonde_timeline *timeline,
		       const struct sonde_packet *packet);
void trace_json_edge(struct output *output, const struct sonde_edge *edge);
void trace_json_note(struct output *output, const struct sonde_note *note);
void trace_json_finding(struct output *output, const struct sonde_finding *finding);

#endif
