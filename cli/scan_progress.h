/* How far a scan is, on a terminal's standard error: one line that is written over. */
#ifndef CLI_SCAN_PROGRESS_H
#define CLI_SCAN_PROGRESS_H

#include <stdbool.h>

#include <sonde/scan.h>

#include "output.h"

struct scan_progress {
	bool is_wanted; /* a terminal, and no -q */
	bool is_shown;
};

void scan_progress_init(struct scan_progress *progress, const struct output *output);
void scan_progress_show(struct scan_progress *progress,
			const struct sonde_scan_event *event);
/* Takes the line away, before something else is written. */
void scan_progress_clear(struct scan_progress *progress);

#endif
