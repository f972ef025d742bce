/* Findings: what went wrong in a run, in words.
 *
 * Each has a name that scripts may rely on, the evidence (packets, statements), one sentence
 * why and one what to do.  A finding claims a mistake or a trouble of the network; what a
 * correct program does gets none, so a detector that cannot tell the two apart stays
 * silent.  What the same statement does again and again is one finding that counts. */
#ifndef SONDE_FINDING_H
#define SONDE_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/export.h>
#include <sonde/timeline.h>

enum {
	SONDE_FINDING_EVIDENCE = 8, /* packets, and statements, that are named */
	SONDE_FINDING_WHY = 400,    /* bytes, with the NUL */
	SONDE_FINDING_REMEDY = 320,
};

struct sonde_finding {
	const char *name; /* "recv-end-ignored"; static */
	uint8_t severity; /* enum sonde_severity */
	uint32_t stream;  /* 0: of none */
	uint32_t place;   /* in the source; 0 not known */
	uint32_t times;   /* it happened so often, there */
	int64_t at_ns;    /* the first time */
	uint32_t packets[SONDE_FINDING_EVIDENCE], statements[SONDE_FINDING_EVIDENCE];
	uint8_t packet_count, statement_count;
	char why[SONDE_FINDING_WHY];
	char remedy[SONDE_FINDING_REMEDY];
};

struct sonde_findings {
	struct sonde_finding *findings; /* errors first, then by time */
	uint32_t count;
};

struct sonde_findings_options {
	bool show_secrets; /* passwords as they were sent, not masked */
};

/* Returns 0 or -ENOMEM. */
SONDE_API int sonde_findings_build_with(const struct sonde_timeline *timeline,
					const struct sonde_findings_options *options,
					struct sonde_findings *ret);
/* The same with everything at its default. */
SONDE_API int sonde_findings_build(const struct sonde_timeline *timeline,
				   struct sonde_findings *ret);
SONDE_API void sonde_findings_done(struct sonde_findings *findings);

#endif
