/* A call as a row of the capture file: a systemd Journal Export block. */
#ifndef RECORD_ROW_H
#define RECORD_ROW_H

#include <sonde/json.h>
#include <sonde/recording.h>
#include <sonde/text.h>
#include <sonde/timeline.h>

#include "file/pcapng.h"

/* The edges from other calls to this one; only at the end they are known. */
struct row_edges {
	const struct sonde_timeline *timeline;
	const struct sonde_edge *edges;
	uint32_t count;
};

/* Writes the block; edges may be NULL.  The last row of a run that has ended also holds
 * what belongs to no call.  json is scratch: its memory serves row after row. */
void row_format(struct pcapng_block *block, const struct sonde_recording *recording,
		const struct sonde_call *call, const struct row_edges *edges,
		bool is_last, struct sonde_json *json);

#endif
