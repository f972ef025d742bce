/* Which options of a scan go together. */
#ifndef CLI_SCAN_USAGE_H
#define CLI_SCAN_USAGE_H

#include "command.h"

/* The values of --format and --ping, in the order of their words. */
enum scan_format { SCAN_FORMAT_TEXT = 0, SCAN_FORMAT_XML, SCAN_FORMAT_GREP };
enum scan_ping { SCAN_PING_AUTO = 0, SCAN_PING_N, SCAN_PING_NO, SCAN_PING_ONLY };

/* An exit status: STATUS_DONE, or that of what was said. */
int scan_usage_check(const struct command *command, const struct arguments *arguments,
		     struct sonde_error *err);
/* "udp-ping" and "explain" are jobs that are no scan, and have no use for its options.  0 or
 * -EINVAL. */
int scan_usage_refuse_others(const struct command *command,
			     const struct arguments *arguments, const char *own,
			     struct sonde_error *err);

#endif
