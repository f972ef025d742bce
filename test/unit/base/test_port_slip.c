/* Ports that are taken for each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/port_slip.h"

static void knows_swapped_bytes(void **state)
{
	(void)state;
	assert_true(port_is_swapped(50000, 20675));
	assert_true(port_is_swapped(20675, 50000));
	assert_true(port_is_swapped(80, 20480));
	assert_false(port_is_swapped(0x4242, 0x4242));
	assert_false(port_is_swapped(50000, 50001));
}

static void knows_slips(void **state)
{
	static const struct {
		uint16_t a, b;
		bool is_slip;
	} cases[] = {
		{50000, 50001, true},  {50000, 50010, true},  {8080, 8000, true},
		{5000, 50000, true},   {80, 8080, false},     {808, 8080, true},
		{8080, 8800, true},    {12345, 12354, true},  {12345, 21345, true},
		{12345, 54321, false}, {50000, 50011, false}, {50000, 50000, false},
		{7, 8, true},          {7, 70, true},         {7, 107, false},
		{0, 65535, false},     {12345, 1234, true},   {12345, 2345, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(port_is_slip(cases[i].a, cases[i].b), cases[i].is_slip);
		assert_int_equal(port_is_slip(cases[i].b, cases[i].a), cases[i].is_slip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_swapped_bytes),
		cmocka_unit_test(knows_slips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
