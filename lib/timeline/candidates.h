/* The answer to "which", and where it is one of several, all of them. */
#ifndef TIMELINE_CANDIDATES_H
#define TIMELINE_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct candidates {
	bool is_exact;
	uint32_t count; /* 0: there is the answer alone */
	uint32_t numbers[LIMIT_CANDIDATES + 1];
};

static inline void candidates_begin(struct candidates *candidates)
{
	candidates->is_exact = true;
	candidates->count = 0;
}

/* 1: there are too many. */
static inline int candidates_add(struct candidates *candidates, uint32_t number)
{
	if (candidates->count <= LIMIT_CANDIDATES)
		candidates->numbers[candidates->count++] = number;
	return candidates->count > LIMIT_CANDIDATES;
}

/* When all are in: one of them, rather `guess`; 0: there is none, or there are too many to
 * name them. */
static inline uint32_t candidates_end(struct candidates *candidates, uint32_t guess)
{
	uint32_t found = candidates->count ? candidates->numbers[0] : 0;

	if (candidates->count <= 1 || candidates->count > LIMIT_CANDIDATES) {
		if (candidates->count > 1)
			found = 0;
		candidates->count = 0;
		return found;
	}
	candidates->is_exact = false;
	for (uint32_t i = 0; i < candidates->count; i++)
		if (candidates->numbers[i] == guess)
			found = guess;
	return found;
}

#endif
