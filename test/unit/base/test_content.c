/* Equal contents have one number, and others another. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/content.h"

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Every length, at every alignment; each single bit, and zeroes of every length. */
static void test_contents(void **state)
{
	enum { LENGTH = 64, BITS = LENGTH * 8 };
	uint8_t bytes[LENGTH + 8] = {0}, moved[LENGTH + 8];
	uint64_t hashes[BITS + LENGTH + 1];
	size_t count = 0;

	(void)state;
	for (unsigned bit = 0; bit < BITS; bit++) {
		bytes[bit / 8] = (uint8_t)(1U << bit % 8);
		hashes[count++] = content_hash(bytes, LENGTH);
		for (unsigned shift = 1; shift < 8; shift++) {
			memcpy(moved + shift, bytes, LENGTH);
			assert_int_equal(content_hash(moved + shift, LENGTH),
					 hashes[count - 1]);
		}
		bytes[bit / 8] = 0;
	}
	for (size_t n = 0; n <= LENGTH; n++)
		hashes[count++] = content_hash(bytes, n);
	qsort(hashes, count, sizeof(hashes[0]), by_value);
	assert_int_not_equal(hashes[0], 0);
	for (size_t i = 1; i < count; i++)
		assert_int_not_equal(hashes[i - 1], hashes[i]);
}

/* It stands in files. */
static void test_stays(void **state)
{
	(void)state;
	assert_int_equal(content_hash("", 0), UINT64_C(0x113d2544f3d25ee2));
	assert_int_equal(content_hash("question", 8), UINT64_C(0x745e304f4240561d));
	assert_int_equal(content_hash("an answer", 9), UINT64_C(0x2383557a9bf9689));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
