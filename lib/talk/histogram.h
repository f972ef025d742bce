/* How often each latency occurred, in bounded memory: exact below 256 ns, then buckets
 * that are less than 1 % wide, as in an HDR histogram. */
#ifndef TALK_HISTOGRAM_H
#define TALK_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_STEP_BITS = 7,   /* buckets between a power of two and the next one */
	HISTOGRAM_VALUE_BITS = 42, /* 73 minutes in ns; what is longer counts as that */
	HISTOGRAM_BUCKETS = (HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1)
			    << HISTOGRAM_STEP_BITS,
};

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	int64_t max;
};

/* All zero at first.  A negative value counts as 0. */
void histogram_add(struct histogram *histogram, int64_t value);
/* The value that `share` (0 to 1) of all values do not exceed, at most 1 % too great;
 * 0 without values. */
int64_t histogram_at(const struct histogram *histogram, double share);

#endif
