/* Sorting what is nearly in order, as all that comes by time is.  Pure. */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>

/* Stable.  Where little is out of place, or a few sorted parts follow on each other, it
 * compares each item only two or three times.  0 or -ENOMEM. */
int sort_nearly(void *items, size_t count, size_t size,
		int (*compare)(const void *left, const void *right, void *context),
		void *context);

#endif
