/* What a scan is told by the words of its command line. */
#ifndef CLI_SCAN_TARGETS_H
#define CLI_SCAN_TARGETS_H

#include <stddef.h>

#include <sonde/scan.h>

#include "option.h"
#include "scan_skips.h"

/* Ports, targets, exclusions and sources.  0; 1: all targets are names that cannot be looked
 * up, which was said; or a negative errno. */
int scan_targets_add(struct sonde_scan *scan, const struct arguments *arguments,
		     struct scan_skips *skips, struct sonde_error *err);
/* Public addresses belong to somebody: the user says that this is permitted.  0, or
 * -EINVAL where nobody did. */
int scan_targets_permit(struct sonde_scan *scan, const struct arguments *arguments,
			struct sonde_error *err);
/* TEXT of --say as bytes; owned.  NULL where an escape cannot be meant, or no memory. */
char *scan_words_read(const char *text, size_t *ret_bytes);

#endif
