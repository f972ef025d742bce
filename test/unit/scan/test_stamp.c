/* Moments in 32 bits: also after they have wrapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scan/stamp.h"

#define MINUTE_NS INT64_C(60000000000)

static void mean_the_nearest_moment(void **state)
{
	static const int64_t moments[] = {
		1000, 5 * MINUTE_NS, 71 * MINUTE_NS, 72 * MINUTE_NS, 10000 * MINUTE_NS,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		uint32_t stamp = stamp_of(moments[i]);

		assert_int_equal(stamp_time(stamp, moments[i]), moments[i]);
		assert_int_equal(stamp_time(stamp, moments[i] + 30 * MINUTE_NS),
				 moments[i]);
		/* The kernel's clock may say that the answer came before. */
		assert_int_equal(stamp_time(stamp, moments[i] - 1000), moments[i]);
	}
}

static void are_never_none(void **state)
{
	(void)state;
	assert_int_equal(stamp_of(0), 1);
	assert_int_equal(stamp_of(999), 1);
	assert_int_equal(stamp_of((INT64_C(1) << 32) * STAMP_NS), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mean_the_nearest_moment),
		cmocka_unit_test(are_never_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
