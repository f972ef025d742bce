/* A Feistel network over the smallest even number of bits that holds the range is a
 * bijection whatever its round function does; numbers outside of the range go through it
 * again until they are inside (cycle walking), which takes four rounds of this on average
 * at most.  No memory, however large the range. */
#include "scan/permutation.h"

#include "base/chance.h"

void permutation_init(struct permutation *permutation, uint64_t count, uint64_t seed)
{
	unsigned half_bits = 1;

	while (half_bits < 31 && UINT64_C(1) << 2 * half_bits < count)
		half_bits++;
	*permutation = (struct permutation){
		.count = count,
		.mask = (UINT64_C(1) << half_bits) - 1,
		.half_bits = half_bits,
	};
	for (unsigned i = 0; i < 4; i++)
		permutation->keys[i] = (uint32_t)chance_next(&seed);
}

static uint32_t mix(uint32_t x, uint32_t key)
{
	x ^= key;
	x *= 0x9e3779b1u;
	x ^= x >> 15;
	x *= 0x85ebca77u;
	return x ^ x >> 13;
}

uint64_t permutation_at(const struct permutation *permutation, uint64_t at)
{
	do {
		uint64_t left = at >> permutation->half_bits;
		uint64_t right = at & permutation->mask;

		for (unsigned i = 0; i < 4; i++) {
			uint64_t next =
				left ^ (mix((uint32_t)right, permutation->keys[i]) &
					permutation->mask);
			left = right;
			right = next;
		}
		at = left << permutation->half_bits | right;
	} while (at >= permutation->count);
	return at;
}
