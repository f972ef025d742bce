/* What a worker has served, for each service and transport.
 *
 * One thread writes, others may read at any time: hence atomic, but never locked, and each
 * worker's numbers are on cache lines of their own. */
#ifndef SERVE_COUNTS_H
#define SERVE_COUNTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct counts {
	_Alignas(64) _Atomic uint64_t clients;
	_Atomic uint64_t left, turned_away, datagrams, received, sent, answered, refused,
		dropped, unanswered;
};

/* `count` of them, all 0; NULL without memory. */
struct counts *counts_new(size_t count);
void counts_free(struct counts *counts);

/* By the worker itself.  Nobody else writes: a read and a write are enough, and cost
 * nothing. */
static inline void counts_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

#endif
