/* Fragments put together: any order, overlaps, and what does not fit is let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "dissect/fragment.h"

static int add(struct fragment_table *table, uint32_t id, uint32_t offset, bool more,
	       const char *bytes, struct fragment_datagram **ret)
{
	struct fragment_key key = {.id = id};

	return fragment_add(table, &key, offset, more, 17, (const uint8_t *)bytes,
			    (uint32_t)strlen(bytes), offset + 1, ret);
}

static void check(struct fragment_table *table, struct fragment_datagram *datagram,
		  const char *wanted)
{
	uint8_t joined[64];

	assert_int_equal(datagram->total, strlen(wanted));
	fragment_join(datagram, joined);
	assert_memory_equal(joined, wanted, strlen(wanted));
	fragment_remove(table, datagram);
	assert_int_equal(table->held, 0);
}

static void test_orders(void **state)
{
	static const struct {
		uint32_t offset;
		bool more;
		const char *bytes;
	} parts[3] = {{0, true, "01234567"}, {8, true, "89abcdef"}, {16, false, "end"}};
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct fragment_table table = {0};
	struct fragment_datagram *datagram;

	(void)state;
	for (int i = 0; i < 6; i++) {
		for (int j = 0; j < 3; j++) {
			int part = orders[i][j];

			assert_int_equal(add(&table, 1, parts[part].offset,
					     parts[part].more, parts[part].bytes,
					     &datagram),
					 j == 2);
		}
		assert_false(datagram->has_overlap);
		check(&table, datagram, "0123456789abcdefend");
	}
	fragment_table_done(&table);
}

/* Of two that disagree the one that begins first is believed, however late it came. */
static void test_overlaps(void **state)
{
	struct fragment_table table = {0};
	struct fragment_datagram *datagram;

	(void)state;
	assert_int_equal(add(&table, 1, 8, true, "XXXXXXXX", &datagram), 0);
	assert_int_equal(add(&table, 1, 16, false, "end", &datagram), 0);
	assert_int_equal(add(&table, 1, 0, true, "0123456789ab", &datagram), 1);
	assert_true(datagram->has_overlap);
	assert_true(datagram->has_conflict);
	check(&table, datagram, "0123456789abXXXXend");

	assert_int_equal(add(&table, 1, 0, true, "01234567", &datagram), 0);
	assert_int_equal(add(&table, 1, 0, true, "01234567", &datagram), 0);
	assert_int_equal(add(&table, 1, 8, false, "end", &datagram), 1);
	assert_true(datagram->has_overlap);
	assert_false(datagram->has_conflict);
	check(&table, datagram, "01234567end");
	fragment_table_done(&table);
}

static void test_bounds(void **state)
{
	struct fragment_table table = {0};
	struct fragment_datagram *datagram;

	(void)state;
	for (uint32_t id = 0; id < LIMIT_DISSECT_FRAGMENTED + 1; id++)
		assert_int_equal(add(&table, id, 0, true, "01234567", &datagram), 0);
	/* The oldest was let go, the next one was not. */
	assert_int_equal(add(&table, 1, 8, false, "end", &datagram), 1);
	fragment_remove(&table, datagram);
	assert_int_equal(add(&table, 0, 8, false, "end", &datagram), 0);
	for (uint32_t i = 0; i < LIMIT_DISSECT_FRAGMENTS + 9; i++)
		assert_int_equal(add(&table, 7, 16, true, "01234567", &datagram), 0);
	assert_true(table.held <= LIMIT_DISSECT_FRAGMENT_BYTES);
	fragment_table_done(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
