/* Unix addresses: there and back, and the longest that fit. */
#include "talk/unix_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, size_t length)
{
	struct sockaddr_un address;
	struct sonde_error err;
	socklen_t got;
	char back[128];

	assert_int_equal(unix_path_parse(text, &address, &got, &err), 0);
	assert_int_equal(got, offsetof(struct sockaddr_un, sun_path) + length);
	unix_path_format(&address, got, back, sizeof(back));
	assert_string_equal(back, text);
}

static void check_refused(const char *text)
{
	struct sockaddr_un address;
	struct sonde_error err;
	socklen_t got;

	assert_true(unix_path_parse(text, &address, &got, &err) < 0);
	assert_int_equal(err.kind, SONDE_ERROR_USAGE);
	assert_true(err.hint[0] != '\0');
}

static void test_kinds(void **state)
{
	(void)state;
	check("/run/x.sock", 12);
	check("x", 2);
	check("@name", 5);
	check("./@name", 8);
	check_refused("");
	check_refused("@");
}

static void test_lengths(void **state)
{
	char text[110];

	(void)state;
	for (size_t n = 1; n < sizeof(text); n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		if (n <= 107)
			check(text, n + 1);
		else
			check_refused(text);
		text[0] = '@';
		if (n > 1 && n <= 108)
			check(text, n);
		else
			check_refused(text);
	}
}

static void test_nameless(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char back[128], small[4];

	(void)state;
	unix_path_format(&address, sizeof(address.sun_family), back, sizeof(back));
	assert_string_equal(back, "");
	strcpy(address.sun_path, "/run/x");
	unix_path_format(&address, sizeof(address), small, sizeof(small));
	assert_string_equal(small, "/ru");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_nameless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
