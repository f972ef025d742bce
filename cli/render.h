/* Renderings of one recorded run. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <stdbool.h>

#include <sonde/explain.h>
#include <sonde/finding.h>
#include <sonde/text.h>
#include <sonde/timeline.h>

#include "canvas.h"
#include "output.h"

/* All streams and rows, instead of what a person can read at once. */
struct render_options {
	bool is_full;
	uint32_t stream; /* this one alone; 0: all */
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

/* Every statement with its outcome: what is left to show without packets. */
void render_statements(struct output *output, const struct sonde_timeline *timeline,
		       const struct render_options *options);

/* What went wrong; nothing where nothing did. */
void render_findings(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_findings *findings,
		     const struct render_options *options);
/* "warning: message-split (2 times)"; "packets 4, 5". */
void render_finding_head(struct sonde_text *text, const struct sonde_finding *finding);
void render_finding_packets(struct sonde_text *text, const struct sonde_finding *finding);

/* What became of each stream, in sentences. */
void render_accounts(struct output *output, const struct sonde_timeline *timeline,
		     const struct sonde_account *accounts,
		     const struct render_options *options);

/* The cells of the tables, the same in every rendering. */
void cell_sender(struct sonde_text *text, const struct sonde_timeline *timeline,
		 const struct sonde_sent_row *row, bool has_utf8);
void cell_waited(struct sonde_text *text, const struct sonde_completed_row *row);
/* Returns how it is shown. */
enum ink cell_completed(struct sonde_text *text, const struct sonde_timeline *timeline,
			const struct sonde_completed_row *row, bool has_utf8);
/* Takes the rows of other streams out; 0: none. */
void cell_choose(const struct sonde_timeline *timeline, struct sonde_tables *tables,
		 uint32_t stream);
bool cell_is_by_call(const struct sonde_tables *tables);

/* All of it for a lab report.  0 or -ENOMEM. */
int render_markdown(struct output *output, const struct sonde_timeline *timeline,
		    const struct sonde_findings *findings,
		    const struct sonde_account *accounts,
		    const struct render_options *options);

/* The ladders as a picture (SVG).  0 or -ENOMEM. */
int render_svg(struct output *output, const struct sonde_timeline *timeline,
	       const struct render_options *options);

/* What was seen, who sent it, what was not seen, and what looking has cost. */
enum summary_line {
	SUMMARY_PACKETS = 0,
	SUMMARY_CALLS,
	SUMMARY_COST,
	SUMMARY_NO_READER, /* programs of which no lines are read, */
	SUMMARY_SYMBOLS,   /* and which have no debug information */
	SUMMARY_LINES,
};
/* Adds nothing where there is nothing to say. */
void summary_add_line(struct sonde_text *text, const struct sonde_timeline *timeline,
		      enum summary_line line);
void render_summary(struct output *output, const struct sonde_timeline *timeline);

/* NDJSON, in order of time, of all streams (it is always full) or of one; accounts may be
 * NULL.  0 or -ENOMEM. */
int render_trace_json(struct output *output, const struct sonde_timeline *timeline,
		      const struct sonde_findings *findings,
		      const struct sonde_account *accounts,
		      const struct render_options *options);

/* What the user must know about the recording, on standard error. */
void render_notes(const struct output *output, const struct sonde_recording *recording);

/* "note", "warning", "error". */
const char *render_severity(enum sonde_severity severity);

#endif
