/* Every number once, in another order for another seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "scan/permutation.h"

enum { MOST = 70000 };

static void gives_every_number_once(void **state)
{
	(void)state;
	static const uint32_t counts[] = {1,    2,     3,     4,     5,   7,
					  15,   16,    17,    255,   256, 1000,
					  4097, 65535, 65536, 65537, MOST};
	static bool seen[MOST];

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (uint64_t seed = 0; seed < 3; seed++) {
			struct permutation permutation;

			permutation_init(&permutation, counts[i], seed);
			memset(seen, 0, sizeof(seen));
			for (uint32_t at = 0; at < counts[i]; at++) {
				uint64_t number = permutation_at(&permutation, at);

				assert_in_range(number, 0, counts[i] - 1);
				assert_false(seen[number]);
				seen[number] = true;
			}
		}
}

static void depends_on_the_seed(void **state)
{
	(void)state;
	struct permutation a, b;
	unsigned same = 0, neighbours = 0;

	permutation_init(&a, 10000, 1);
	permutation_init(&b, 10000, 2);
	for (uint64_t at = 0; at + 1 < 10000; at++) {
		uint64_t here = permutation_at(&a, at), next = permutation_at(&a, at + 1);

		same += here == permutation_at(&b, at);
		neighbours += here + 1 == next || next + 1 == here;
	}
	assert_in_range(same, 0, 20);
	assert_in_range(neighbours, 0, 40);
}

static void takes_large_ranges(void **state)
{
	(void)state;
	struct permutation permutation;

	permutation_init(&permutation, UINT64_C(1) << 40, 5);
	for (uint64_t at = 0; at < 1000; at++)
		assert_true(permutation_at(&permutation, at) < UINT64_C(1) << 40);
	permutation_init(&permutation, (UINT64_C(1) << 33) + 1, 5);
	for (uint64_t at = 0; at < 1000; at++)
		assert_true(permutation_at(&permutation, at) <= UINT64_C(1) << 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_every_number_once),
		cmocka_unit_test(depends_on_the_seed),
		cmocka_unit_test(takes_large_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
