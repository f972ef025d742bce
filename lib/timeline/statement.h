/* Folds calls into statements. */
#ifndef TIMELINE_STATEMENT_H
#define TIMELINE_STATEMENT_H

#include <sonde/timeline.h>

#include "timeline/calls.h"

/* Fills statements, statement_count, statement_of_call, next_call and calls_without_line.
 * 0 or -ENOMEM; what was filled is the timeline's in both cases. */
int statement_fold(const struct sonde_recording *recording,
		   const struct call_index *index, struct sonde_timeline *timeline);

#endif
