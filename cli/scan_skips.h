/* Targets that are not scanned, because their names cannot be looked up: said at once, the
 * others are scanned, and the result tells of them again. */
#ifndef CLI_SCAN_SKIPS_H
#define CLI_SCAN_SKIPS_H

#include <stddef.h>

#include <sonde/error.h>

struct scan_skip {
	char *target, *reason; /* owned; as they were given: escape them */
};

struct scan_skips {
	struct scan_skip *list; /* owned */
	size_t count, room;
	char hint[256]; /* the last one that was said: it is not said again and again */
};

/* Says the error, and keeps target and reason.  0 or -ENOMEM. */
int scan_skips_add(struct scan_skips *skips, const char *target,
		   const struct sonde_error *why);
void scan_skips_done(struct scan_skips *skips);

#endif
