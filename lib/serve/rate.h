/* How often each source may ask over UDP.  Time and seed are arguments. */
#ifndef SERVE_RATE_H
#define SERVE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/address.h>

#include "base/limits.h"

struct rate_source {
	uint8_t network[16]; /* an IPv4 address, or the upper half of an IPv6 one */
	/* Each request moves it on by an interval; how far it is ahead of now says how
	 * much was asked of late. */
	int64_t ahead_until_ns;
};

struct rate {
	uint64_t seed; /* unknown outside, so that nobody can choose his slot */
	struct rate_source sources[LIMIT_SOURCES];
};

/* Whether this source may ask now; counts it if so. */
bool rate_admit(struct rate *rate, const struct sonde_address *source, int64_t now_ns);

#endif
