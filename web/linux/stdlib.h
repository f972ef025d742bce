/* WebAssembly's standard library, and what GNU's has beside it (web/linux.c). */
#ifndef LINUX_STDLIB_H
#define LINUX_STDLIB_H

#include_next <stdlib.h>

void qsort_r(void *base, size_t count, size_t size,
	     int (*compare)(const void *, const void *, void *), void *context);

#endif
