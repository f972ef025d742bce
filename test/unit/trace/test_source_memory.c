/* Reading ahead must be invisible but for the number of system calls. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "trace/source_memory.h"

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* Its own memory is another process's as good as any. */
static void test_ahead(void **state)
{
	struct memory memory = {0};
	struct memory_spans spans = {0};
	char first[] = "first", second[] = "second", third[] = "third", copy[16];

	(void)state;
	for (int reading = 0; reading < 3; reading++) {
		memory.system_calls = 0;
		memory_begin(&memory, getpid(), &spans);
		assert_int_equal(memory_read(&memory, address_of(first), copy, 6), 0);
		assert_string_equal(copy, "first");
		assert_int_equal(memory_read(&memory, address_of(second), copy, 7), 0);
		assert_string_equal(copy, "second");
		/* A part of what was fetched, out of turn. */
		assert_int_equal(memory_read(&memory, address_of(first + 1), copy, 5), 0);
		assert_string_equal(copy, "irst");
		if (reading == 2) {
			assert_int_equal(memory.system_calls, 1);
			assert_int_equal(memory_read(&memory, address_of(third), copy, 6),
					 0);
			assert_string_equal(copy, "third");
			assert_int_equal(memory.system_calls, 2);
			/* More than the span holds is not in the span. */
			assert_int_equal(
				memory_read(&memory, address_of(second), copy, 7), 0);
			assert_int_equal(memory.system_calls, 2);
		}
		memory_end(&memory, &spans);
		/* What is there now counts, not what was there at the last reading. */
		first[0] = 'f';
	}
	second[0] = 'S';
	memory_begin(&memory, getpid(), &spans);
	assert_int_equal(memory_read(&memory, address_of(second), copy, 7), 0);
	assert_string_equal(copy, "Second");
	memory_end(&memory, &spans);
	memory_spans_done(&spans);
	memory_done(&memory);
}

static void test_gone(void **state)
{
	struct memory memory = {0};
	struct memory_spans spans = {0};
	char here[] = "here", copy[16];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	memory_begin(&memory, getpid(), &spans);
	assert_int_equal(memory_read(&memory, address_of(here), copy, 5), 0);
	assert_int_equal(memory_read(&memory, address_of(pages), copy, 5), 0);
	assert_int_equal(memory_read(&memory, address_of(here + 1), copy, 4), 0);
	memory_end(&memory, &spans);
	munmap(pages, page);
	memory_begin(&memory, getpid(), &spans);
	assert_int_equal(memory_read(&memory, address_of(here), copy, 5), 0);
	assert_int_equal(memory_read(&memory, address_of(pages), copy, 5), -EFAULT);
	assert_int_equal(memory_read(&memory, address_of(pages + page - 2), copy, 4),
			 -EFAULT);
	assert_int_equal(memory_read(&memory, address_of(here + 1), copy, 4), 0);
	assert_string_equal(copy, "ere");
	memory_end(&memory, &spans);
	munmap(pages + page, page);
	memory_spans_done(&spans);
	memory_done(&memory);
}

static void test_no_addresses(void **state)
{
	static const uint64_t wrong[] = {0,
					 1,
					 4095,
					 UINT64_MAX,
					 UINT64_MAX - 7,
					 UINT64_C(1) << 63,
					 UINT64_C(0xffff888000000000),
					 (UINT64_C(1) << 56) - 4};
	struct memory memory = {0};
	const struct memory_spans nothing = {0};
	char copy[16];

	(void)state;
	memory_begin(&memory, getpid(), &nothing);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(memory_read(&memory, wrong[i], copy, 8), -EFAULT);
	assert_int_equal(memory.system_calls, 0);
	assert_false(memory_is_object(0));
	assert_false(memory_is_object(0x1001));
	assert_false(memory_is_object(UINT64_C(0xffff888000000000)));
	assert_true(memory_is_object(0x7f0000001000));
	memory_done(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_no_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
