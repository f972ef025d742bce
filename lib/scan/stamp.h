/* Moments in 32 bits, for there are many: microseconds since some epoch, which wrap after 71
 * minutes.  A scan may last longer, an answer does not: a stamp means the moment that is
 * nearest, at most half of that time before or behind. */
#ifndef SCAN_STAMP_H
#define SCAN_STAMP_H

#include <stdint.h>

enum { STAMP_NS = 1000 };

/* Never 0, which is no stamp. */
static inline uint32_t stamp_of(int64_t since_epoch_ns)
{
	uint32_t stamp = (uint32_t)(uint64_t)(since_epoch_ns / STAMP_NS);

	return stamp ? stamp : 1;
}

/* Since the epoch, in nanoseconds. */
static inline int64_t stamp_time(uint32_t stamp, int64_t near_ns)
{
	int64_t near_us = near_ns / STAMP_NS;

	return (near_us + (int32_t)(stamp - (uint32_t)(uint64_t)near_us)) * STAMP_NS;
}

#endif
