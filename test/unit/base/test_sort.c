/* Sorting what is nearly in order: right for every input, and cheap where it should be. */
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/sort.h"

enum { COUNT = 5000 };

struct item {
	uint32_t key, order;
	uint32_t more[3];
};

static unsigned compared;

static int by_key(const void *left, const void *right, void *context)
{
	const struct item *a = left, *b = right;

	compared++;
	assert_ptr_equal(context, &compared);
	return (a->key > b->key) - (a->key < b->key);
}

static int by_value(const void *left, const void *right, void *context)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	(void)context;
	return (a > b) - (a < b);
}

/* The whole is in order, nothing was lost, and equal ones stand as they stood. */
static void check(struct item *items, size_t count)
{
	static bool seen[COUNT];

	for (size_t i = 0; i < count; i++) {
		items[i].order = (uint32_t)i;
		items[i].more[2] = items[i].key;
		seen[i] = false;
	}
	compared = 0;
	assert_int_equal(sort_nearly(items, count, sizeof(*items), by_key, &compared), 0);
	for (size_t i = 0; i < count; i++) {
		assert_false(seen[items[i].order]);
		seen[items[i].order] = true;
		assert_int_equal(items[i].more[2], items[i].key);
		if (!i)
			continue;
		assert_true(items[i - 1].key <= items[i].key);
		assert_true(items[i - 1].key < items[i].key ||
			    items[i - 1].order < items[i].order);
	}
}

static void test_all_lengths(void **state)
{
	struct item items[130];

	(void)state;
	for (uint32_t few = 2; few < 400; few += 66)
		for (size_t count = 0; count <= 130; count++) {
			for (size_t i = 0; i < count; i++)
				items[i].key = (uint32_t)rand() % few;
			check(items, count);
		}
}

static void test_small_items(void **state)
{
	uint32_t values[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		values[i] = (uint32_t)rand();
	assert_int_equal(sort_nearly(values, COUNT, sizeof(values[0]), by_value, NULL),
			 0);
	for (size_t i = 1; i < COUNT; i++)
		assert_true(values[i - 1] <= values[i]);
}

/* In order, nearly so, and three parts one after the other: a few looks at each. */
static void test_cheap(void **state)
{
	static struct item items[COUNT];

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++)
		items[i].key = i;
	check(items, COUNT);
	assert_true(compared < 2 * COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		items[i].key = i + (uint32_t)rand() % 4;
	check(items, COUNT);
	assert_true(compared < 4 * COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		items[i].key = i * 3 % COUNT;
	check(items, COUNT);
	assert_true(compared < 5 * COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		items[i].key = COUNT - i;
	check(items, COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_small_items),
		cmocka_unit_test(test_cheap),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
