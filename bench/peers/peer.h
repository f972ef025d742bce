/* What the reference programs share. */
#ifndef PEERS_PEER_H
#define PEERS_PEER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline int compare_ns(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static inline void print_percentiles(int64_t *took_ns, size_t count)
{
	qsort(took_ns, count, sizeof(*took_ns), compare_ns);
	printf("p50 %lld\np99 %lld\n", (long long)(count ? took_ns[count / 2] : 0),
	       (long long)(count ? took_ns[count * 99 / 100] : 0));
}

#endif
