/* The version says what the build file says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include <sonde/version.h>

static void is_three_numbers(void **state)
{
	unsigned major, minor, patch;
	int end = 0;
	const char *version = sonde_version();

	(void)state;
	assert_int_equal(sscanf(version, "%u.%u.%u%n", &major, &minor, &patch, &end), 3);
	assert_int_equal(version[end], '\0');
	assert_string_equal(version, SONDE_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_three_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
