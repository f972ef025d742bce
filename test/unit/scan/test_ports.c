/* The grammar of ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "scan/ports.h"

static void reads_every_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t count;
		uint16_t first, last;
	} cases[] = {
		{"22", 1, 22, 22},
		{"22,80,22", 2, 22, 80},
		{"1000-2000", 1001, 1000, 2000},
		{"-", 65535, 1, 65535},
		{"-100", 100, 1, 100},
		{"60000-", 5536, 60000, 65535},
		{"ssh", 1, 22, 22},
		{"ssh,http-alt", 2, 22, 8080},
		{"1-3,2-5,9", 6, 1, 9},
		{"65535", 1, 65535, 65535},
		{"7-7", 1, 7, 7},
		{"domain,1-", 65535, 1, 65535},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct ports ports;
		static uint16_t list[65536];

		memset(&ports, 0, sizeof(ports));
		assert_int_equal(ports_parse(&ports, cases[i].text, NULL), 0);
		assert_int_equal(ports_count(&ports), cases[i].count);
		assert_int_equal(ports_list(&ports, list), cases[i].count);
		assert_int_equal(list[0], cases[i].first);
		assert_int_equal(list[cases[i].count - 1], cases[i].last);
		assert_false(ports_has(&ports, 0));
	}
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text, *subject, *reason, *hint;
	} cases[] = {
		{"", "\"\"", "an item is empty", "or - for all"},
		{"22,,80", "\"\"", "an item is empty", "or - for all"},
		{"22,", "\"\"", "an item is empty", "or - for all"},
		{"0", "0", "ports are 1 to 65535", "reserved"},
		{"65536", "65536", "ports are 1 to 65535", "reserved"},
		{"0-10", "0-10", "ports are 1 to 65535", "reserved"},
		{"99999999999999999999", "99999999999999999999", "ports are 1 to 65535",
		 "reserved"},
		{"20-10", "20-10", "the range ends before it begins", "smaller"},
		{"1-2-3", "1-2-3", "it is no range of ports", "FIRST-LAST"},
		{"--", "--", "it is no range of ports", "FIRST-LAST"},
		{"22 80", "22 80", "it is no port, and no service has this name", ""},
		{"htttp", "htttp", "it is no port, and no service has this name",
		 "did you mean http?"},
		{"U:53", "U:53", "one scan is of TCP or of UDP", "--udp"},
		{"80\n", "80\\n", "it is no port, and no service has this name", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ports ports = {{1}};
		struct sonde_error err = {0};

		assert_int_equal(ports_parse(&ports, cases[i].text, &err), -EINVAL);
		assert_string_equal(err.operation, "use ports");
		assert_string_equal(err.subject, cases[i].subject);
		assert_string_equal(err.reason, cases[i].reason);
		assert_non_null(strstr(err.hint, cases[i].hint));
		assert_int_equal(err.kind, SONDE_ERROR_USAGE);
		/* The set is as it was. */
		assert_int_equal(ports_count(&ports), 1);
		assert_int_equal(ports_parse(&ports, cases[i].text, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
