/* CPython's strings as UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "trace/source_python_string.h"

static void expect(const void *points, size_t count, unsigned kind, const char *expected)
{
	char got[PYTHON_STRING_BYTES(16)];

	memset(got, 'x', sizeof(got));
	assert_int_equal(python_string_format(points, count, kind, got),
			 strlen(expected));
	assert_string_equal(got, expected);
}

static void test_kinds(void **state)
{
	(void)state;
	expect("", 0, 1, "");
	expect("client.py", 9, 1, "client.py");
	expect("\x7f\xa0\xff", 3, 1, "\x7f\u00a0\u00ff");
	expect(u"\x7f\u00a0\u07ff\u0800\uffff", 5, 2, "\x7f\u00a0\u07ff\u0800\uffff");
	expect(U"a\U00010000\U0010ffff", 3, 4, "a\U00010000\U0010ffff");
}

static void test_no_characters(void **state)
{
	static const uint16_t bytes[] = {'a', 0xdc80, 0xdcff, 'b'};
	static const uint16_t halves[] = {0xd800, 0xdbff, 0xdc7f, 0xdd00, 0xdfff};
	static const uint32_t beyond[] = {0x110000, 0xffffffff, 0};

	(void)state;
	/* Bytes of a file's name that are no UTF-8 stand there as what they are. */
	expect(bytes, 4, 2,
	       "a\x80\xff"
	       "b");
	expect(halves, 5, 2, "\ufffd\ufffd\ufffd\ufffd\ufffd");
	expect(beyond, 3, 4, "\ufffd\ufffd\ufffd");
	expect("a\0b", 3, 1, "a\ufffdb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_no_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
