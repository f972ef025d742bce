/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): a
 * counter in steps of the golden ratio, each well mixed. */
#include "base/chance.h"

uint64_t chance_next(uint64_t *state)
{
	uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

bool chance_hits(uint64_t *state, uint32_t parts)
{
	/* The upper half as a fraction of 2^32: exact enough for parts of a million. */
	return (chance_next(state) >> 32) * 1000000 >> 32 < parts;
}
