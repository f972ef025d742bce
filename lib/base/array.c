/* Growable arrays: the one place where the PURE rooms get memory from. */
#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int array_reserve(void *array, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity + *capacity / 2;
	void *old;
	char *grown;

	if (count <= *capacity)
		return 0;
	/* The caller's variable is a pointer of any type; memcpy() reads it without
	 * pretending that it is a void pointer. */
	memcpy(&old, array, sizeof(old));
	if (wanted < 8)
		wanted = 8;
	if (wanted < count)
		wanted = count;
	if (wanted > PTRDIFF_MAX / size)
		wanted = count;
	if (wanted > PTRDIFF_MAX / size)
		return -ENOMEM;
	grown = realloc(old, wanted * size);
	if (!grown)
		return -ENOMEM;
	memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
	memcpy(array, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}

void *array_new(size_t count, size_t size)
{
	return calloc(count, size);
}

void array_free(void *array)
{
	free(array);
}
