#include "talk/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct histogram histogram;

static int setup(void **state)
{
	(void)state;
	histogram = (struct histogram){0};
	return 0;
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_at(&histogram, 0.5), 0);
	assert_int_equal(histogram_at(&histogram, 1), 0);
}

static void test_small_values_are_exact(void **state)
{
	(void)state;
	for (int64_t value = 1; value <= 100; value++)
		histogram_add(&histogram, value);
	assert_int_equal(histogram_at(&histogram, 0.01), 1);
	assert_int_equal(histogram_at(&histogram, 0.5), 50);
	assert_int_equal(histogram_at(&histogram, 0.99), 99);
	assert_int_equal(histogram_at(&histogram, 0.999), 100);
	assert_int_equal(histogram_at(&histogram, 1), 100);
	assert_int_equal(histogram.total, 100);
}

/* One value alone, and a far greater one, so that the maximum does not mend it. */
static void test_every_bucket_is_narrow(void **state)
{
	(void)state;
	for (int64_t value = 1; value < INT64_C(1) << 41; value += 1 + value / 37) {
		setup(NULL);
		histogram_add(&histogram, value);
		histogram_add(&histogram, INT64_C(1) << 41);
		int64_t got = histogram_at(&histogram, 0.5);
		assert_true(got >= value);
		assert_true(got - value <= value / 100);
	}
}

static void test_the_ends(void **state)
{
	(void)state;
	histogram_add(&histogram, -5);
	assert_int_equal(histogram_at(&histogram, 1), 0);
	histogram_add(&histogram, INT64_MAX);
	assert_int_equal(histogram_at(&histogram, 0.5), 0);
	assert_int_equal(histogram_at(&histogram, 1), (INT64_C(1) << 42) - 1);
	assert_true(histogram.max == INT64_MAX);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void test_against_sorting(void **state)
{
	enum { COUNT = 20000 };
	static int64_t values[COUNT];
	static const double shares[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		/* Many magnitudes. */
		values[i] = (int64_t)((seed >> 20) >> (seed >> 58));
		values[i] &= (INT64_C(1) << 41) - 1;
		histogram_add(&histogram, values[i]);
	}
	qsort(values, COUNT, sizeof(values[0]), compare);
	for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		int at = (int)(shares[i] * COUNT + 0.999999) - 1;
		int64_t got = histogram_at(&histogram, shares[i]);
		assert_true(got >= values[at]);
		assert_true(got <= values[at] + values[at] / 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_small_values_are_exact, setup),
		cmocka_unit_test_setup(test_every_bucket_is_narrow, setup),
		cmocka_unit_test_setup(test_the_ends, setup),
		cmocka_unit_test_setup(test_against_sorting, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
