/* Which hosts are up. */
#ifndef SCAN_PING_H
#define SCAN_PING_H

#include "scan/raw.h"
#include "scan/session.h"

/* Sets is_up, reason, rtt_ns and has_echo of each host that is not skipped.  Without raw
 * (NULL) it connects. */
void scan_ping(struct sonde_scan *scan, struct raw *raw);

#endif
