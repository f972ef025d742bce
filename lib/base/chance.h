/* Numbers by chance, from a state that the caller keeps: the same state gives the same
 * numbers, so that what happened by chance can be repeated.  No secrets. */
#ifndef BASE_CHANCE_H
#define BASE_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Every state is a good one, 0 too. */
uint64_t chance_next(uint64_t *state);
/* True with a probability of `parts` in a million. */
bool chance_hits(uint64_t *state, uint32_t parts);

#endif
