/* Growable arrays, for the rooms that may not allocate by themselves. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/* Makes room for `count` elements of `size` bytes in *array, which is NULL or came from
 * here; *capacity counts elements.  Grows by half at least; new elements are zero.
 * Returns 0, or -ENOMEM with everything as it was. */
int array_reserve(void *array, size_t *capacity, size_t count, size_t size);
/* count zeroed elements; NULL without memory (or for a product that overflows). */
void *array_new(size_t count, size_t size);
void array_free(void *array);

#endif
