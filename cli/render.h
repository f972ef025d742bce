/* Renderings of one recorded run. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <stdbool.h>

#include <sonde/finding.h>
#include <sonde/timeline.h>

#include "output.h"

/* All streams and rows, instead of what a person can read at once. */
struct render_options {
	bool is_full;
};

/* Without is_full, idle times from here on are one row. */
#define RENDER_GAP_NS INT64_C(100000000)

/* The list of streams where there are several, and a ladder each.  0 or -ENOMEM. */
int render_ladders(struct output *output, const struct sonde_timeline *timeline,
		   const struct render_options *options);
/* One of them, already built. */
void render_ladder(struct output *output, const struct sonde_timeline *timeline,
		   const struct sonde_ladder *ladder,
		   const struct render_options *options);

/* Packet -> statement that sent it; blocking statement -> packet that completed it.  0
 * or -ENOMEM. */
int render_tables(struct output *output, const struct sonde_timeline *timeline,
		  const struct render_options *options);
void render_sent_table(struct output *output, const struct sonde_timeline *timeline,
		       const struct sonde_tables *tables, uint32_t row_limit);
void render_completed_table(struct output *output, const struct sonde_timeline *timeline,
			    const struct sonde_tables *tables, uint32_t row_limit);

/* Every statement with its outcome: what is left to show without packets. */
void render_statements(struct output *output, const struct sonde_timeline *timeline,
		       const struct render_options *options);

/* What went wrong; nothing where nothing did. */
void render_findings(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_findings *findings);

/* The line that counts what was seen and what was not. */
void render_summary(struct output *output, const struct sonde_timeline *timeline);

/* NDJSON, in order of time.  0 or -ENOMEM. */
int render_trace_json(struct output *output, const struct sonde_timeline *timeline,
		      const struct sonde_findings *findings);

/* What the user must know about the recording, on standard error. */
void render_notes(const struct output *output, const struct sonde_recording *recording);

/* "note", "warning", "error". */
const char *render_severity(enum sonde_severity severity);

#endif
