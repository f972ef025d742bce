/* A merge sort that looks first: blocks are sorted by insertion, and two neighbours are
 * merged only as far as they overlap. */
#include "base/sort.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"

enum { BLOCK = 8, WIDEST = 256 /* bytes of an item that is held while others move */ };

struct sorter {
	char *items, *spare;
	size_t count, size;
	int (*compare)(const void *left, const void *right, void *context);
	void *context;
};

static char *at(const struct sorter *sorter, size_t index)
{
	return sorter->items + index * sorter->size;
}

static bool is_after(const struct sorter *sorter, const void *left, const void *right)
{
	return sorter->compare(left, right, sorter->context) > 0;
}

/* Small items are many. */
static void copy(const struct sorter *sorter, void *to, const void *from)
{
	switch (sorter->size) {
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	default:
		memcpy(to, from, sorter->size);
		break;
	}
}

static void insert_all(const struct sorter *sorter, size_t begin, size_t end)
{
	char held[WIDEST];

	for (size_t i = begin + 1; i < end; i++) {
		size_t to = i;

		if (!is_after(sorter, at(sorter, i - 1), at(sorter, i)))
			continue;
		copy(sorter, held, at(sorter, i));
		do {
			copy(sorter, at(sorter, to), at(sorter, to - 1));
			to--;
		} while (to > begin && is_after(sorter, at(sorter, to - 1), held));
		copy(sorter, at(sorter, to), held);
	}
}

/* The first of [begin, end) that is after the item: from the end on in growing steps, for
 * it is most often near there. */
static size_t first_after(const struct sorter *sorter, size_t begin, size_t end,
			  const void *item)
{
	size_t low = begin, high = end, step = 1;

	while (high - low > step && is_after(sorter, at(sorter, high - step), item)) {
		high -= step;
		step *= 2;
	}
	if (high - low > step)
		low = high - step;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_after(sorter, at(sorter, middle), item))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void merge(const struct sorter *sorter, size_t begin, size_t middle, size_t end)
{
	size_t size = sorter->size, left, to;
	char *next = sorter->spare, *last;

	if (!is_after(sorter, at(sorter, middle - 1), at(sorter, middle)))
		return;
	begin = first_after(sorter, begin, middle, at(sorter, middle));
	left = middle - begin;
	memcpy(next, at(sorter, begin), left * size);
	last = next + left * size;
	for (to = begin; next < last && middle < end; to++) {
		if (is_after(sorter, next, at(sorter, middle))) {
			copy(sorter, at(sorter, to), at(sorter, middle++));
		} else {
			copy(sorter, at(sorter, to), next);
			next += size;
		}
	}
	memcpy(at(sorter, to), next, (size_t)(last - next));
}

static size_t earlier(size_t a, size_t b)
{
	return a < b ? a : b;
}

int sort_nearly(void *items, size_t count, size_t size,
		int (*compare)(const void *left, const void *right, void *context),
		void *context)
{
	struct sorter sorter = {.items = items,
				.count = count,
				.size = size,
				.compare = compare,
				.context = context};

	if (count < 2)
		return 0;
	if (size > WIDEST)
		return -EINVAL;
	for (size_t i = 0; i < count; i += BLOCK)
		insert_all(&sorter, i, earlier(i + BLOCK, count));
	if (count <= BLOCK)
		return 0;
	sorter.spare = array_new(count, size);
	if (!sorter.spare)
		return -ENOMEM;
	for (size_t width = BLOCK; width < count; width *= 2)
		for (size_t i = 0; i + width < count; i += 2 * width)
			merge(&sorter, i, i + width, earlier(i + 2 * width, count));
	array_free(sorter.spare);
	return 0;
}
