/* Growable arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/array.h"

/* AddressSanitizer ends the program where malloc() would return NULL; here that is what
 * is tested. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

struct item {
	int number;
	char *text;
};

static void grows_with_zeros_and_keeps(void **state)
{
	struct item *items = NULL;
	size_t capacity = 0, moves = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		size_t before = capacity;

		assert_int_equal(array_reserve(&items, &capacity, i + 1, sizeof(*items)),
				 0);
		assert_true(capacity > (size_t)i);
		moves += capacity != before;
		assert_int_equal(items[i].number, 0);
		assert_null(items[i].text);
		items[i].number = i;
		items[i].text = (char *)&items;
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(items[i].number, i);
	assert_true(moves < 30); /* by half each time, not one by one */
	array_free(items);
}

static void does_nothing_where_there_is_room(void **state)
{
	char *chars = NULL;
	size_t capacity = 0;
	char *before;

	(void)state;
	assert_int_equal(array_reserve(&chars, &capacity, 0, 1), 0);
	assert_null(chars);
	assert_int_equal(array_reserve(&chars, &capacity, 100, 1), 0);
	assert_int_equal(capacity, 100);
	before = chars;
	assert_int_equal(array_reserve(&chars, &capacity, 100, 1), 0);
	assert_int_equal(array_reserve(&chars, &capacity, 3, 1), 0);
	assert_ptr_equal(chars, before);
	assert_int_equal(capacity, 100);
	array_free(chars);
}

static void stays_as_it_was_without_memory(void **state)
{
	int *numbers = NULL, *before;
	size_t capacity = 0, room;

	(void)state;
	assert_int_equal(array_reserve(&numbers, &capacity, 5, sizeof(int)), 0);
	numbers[4] = 7;
	before = numbers;
	room = capacity;
	assert_int_equal(array_reserve(&numbers, &capacity, SIZE_MAX, sizeof(int)),
			 -ENOMEM);
	assert_int_equal(
		array_reserve(&numbers, &capacity, SIZE_MAX / 4 + 2, sizeof(int)),
		-ENOMEM);
	assert_int_equal(array_reserve(&numbers, &capacity, PTRDIFF_MAX, 1), -ENOMEM);
	assert_ptr_equal(numbers, before);
	assert_int_equal(capacity, room);
	assert_int_equal(numbers[4], 7);
	array_free(numbers);
}

static void new_ones_are_zero_or_null(void **state)
{
	unsigned char *bytes = array_new(100, 3);

	(void)state;
	assert_non_null(bytes);
	for (int i = 0; i < 300; i++)
		assert_int_equal(bytes[i], 0);
	array_free(bytes);
	assert_null(array_new(SIZE_MAX / 2, 4));
	array_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_with_zeros_and_keeps),
		cmocka_unit_test(does_nothing_where_there_is_room),
		cmocka_unit_test(stays_as_it_was_without_memory),
		cmocka_unit_test(new_ones_are_zero_or_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
