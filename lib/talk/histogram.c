/* Buckets: a value's highest bits are its bucket.  Those below 2^(STEP_BITS + 1) have one
 * each; above, each power of two has 2^STEP_BITS of them. */
#include "talk/histogram.h"

enum { STEPS = 1 << HISTOGRAM_STEP_BITS };

static unsigned bucket_of(uint64_t value)
{
	unsigned shift = 0;

	if (value >= 2 * STEPS)
		shift = 63 - HISTOGRAM_STEP_BITS - (unsigned)__builtin_clzll(value);
	return (shift << HISTOGRAM_STEP_BITS) + (unsigned)(value >> shift);
}

/* The greatest value that falls into it. */
static int64_t end_of(unsigned bucket)
{
	if (bucket < 2 * STEPS)
		return bucket;
	unsigned shift = (bucket >> HISTOGRAM_STEP_BITS) - 1;
	uint64_t step = bucket - (shift << HISTOGRAM_STEP_BITS);
	return (int64_t)(((step + 1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	const int64_t longest = (INT64_C(1) << HISTOGRAM_VALUE_BITS) - 1;

	if (value < 0)
		value = 0;
	if (value > histogram->max)
		histogram->max = value;
	if (value > longest)
		value = longest;
	histogram->counts[bucket_of((uint64_t)value)]++;
	histogram->total++;
}

int64_t histogram_at(const struct histogram *histogram, double share)
{
	double wanted = share * (double)histogram->total;
	uint64_t sum = 0;

	if (histogram->total == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += histogram->counts[i];
		if (sum > 0 && (double)sum >= wanted)
			return end_of(i) < histogram->max ? end_of(i) : histogram->max;
	}
	return histogram->max;
}
