/* All numbers of [0, count) once, in an order that looks like chance: neighbouring ports
 * and hosts are not asked one after the other. */
#ifndef SCAN_PERMUTATION_H
#define SCAN_PERMUTATION_H

#include <stdint.h>

struct permutation {
	uint64_t count;
	uint64_t mask;
	uint32_t keys[4];
	unsigned half_bits;
};

/* count at least 1, at most 2^62. */
void permutation_init(struct permutation *permutation, uint64_t count, uint64_t seed);
/* A number below count for each one below count, and no number twice. */
uint64_t permutation_at(const struct permutation *permutation, uint64_t at);

#endif
