/* The two clocks, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static int64_t ns_of(clockid_t id)
{
	struct timespec now;

	assert_int_equal(clock_gettime(id, &now), 0);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void agrees_with_the_system(void **state)
{
	int64_t before, now, after;

	(void)state;
	before = ns_of(CLOCK_REALTIME);
	now = clock_realtime_ns();
	after = ns_of(CLOCK_REALTIME);
	assert_true(before <= now && now <= after);
	before = ns_of(CLOCK_MONOTONIC);
	now = clock_monotonic_ns();
	after = ns_of(CLOCK_MONOTONIC);
	assert_true(before <= now && now <= after);
}

static void units(void **state)
{
	(void)state;
	assert_true(NS_PER_S == 1000 * NS_PER_MS && NS_PER_MS == 1000 * NS_PER_US &&
		    NS_PER_US == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_system),
		cmocka_unit_test(units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
