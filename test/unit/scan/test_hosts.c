/* The grammar of targets, and sets of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scan/hosts.h"

static struct sonde_address address_of(const char *text)
{
	struct sonde_address address;

	assert_int_equal(sonde_address_parse_host(text, &address), 0);
	return address;
}

static void check_at(const struct hosts *hosts, uint64_t at, const char *text)
{
	struct sonde_address address = hosts_at(hosts, at), wanted = address_of(text);
	char shown[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(&address, shown);
	assert_string_equal(shown, text);
	assert_int_equal(hosts_find(hosts, &wanted), at);
}

static void reads_every_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t size;
		const char *first, *last;
	} cases[] = {
		{"192.0.2.7", 1, "192.0.2.7", "192.0.2.7"},
		{"192.0.2.0/24", 256, "192.0.2.0", "192.0.2.255"},
		{"192.0.2.77/30", 4, "192.0.2.76", "192.0.2.79"},
		{"192.0.2.7/32", 1, "192.0.2.7", "192.0.2.7"},
		{"0.0.0.0/0", UINT64_C(1) << 32, "0.0.0.0", "255.255.255.255"},
		{"192.0.2.1-20", 20, "192.0.2.1", "192.0.2.20"},
		{"192.0.2-3.1", 2, "192.0.2.1", "192.0.3.1"},
		{"192.0.2.1,7,9-", 249, "192.0.2.1", "192.0.2.255"},
		{"192.0.2.-", 256, "192.0.2.0", "192.0.2.255"},
		{"192.0.2.250-192.0.3.5", 12, "192.0.2.250", "192.0.3.5"},
		{"2001:db8::1", 1, "2001:db8::1", "2001:db8::1"},
		{"[2001:db8::1]", 1, "2001:db8::1", "2001:db8::1"},
		{"2001:db8::/120", 256, "2001:db8::", "2001:db8::ff"},
		{"2001:db8::ff-2001:db8::101", 3, "2001:db8::ff", "2001:db8::101"},
		{"localhost", 2, "127.0.0.1", "::1"},
		{"localhost/31", 2, "127.0.0.0", "127.0.0.1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hosts hosts = {0}, none = {0};

		assert_int_equal(hosts_parse(&hosts, cases[i].text, NULL), 0);
		assert_int_equal(hosts_settle(&hosts, &none), 0);
		assert_true(hosts_size(&hosts) == cases[i].size);
		check_at(&hosts, 0, cases[i].first);
		check_at(&hosts, cases[i].size - 1, cases[i].last);
		hosts_done(&hosts);
	}
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason, *hint;
	} cases[] = {
		{"", "it is empty", "192.0.2.0/24"},
		{"192.0.2.0/33", "what follows the / is no number from 0 to 32", ""},
		{"192.0.2.0/", "what follows the / is no number from 0 to 32", ""},
		{"192.0.2.0/-1", "what follows the / is no number from 0 to 32", ""},
		{"2001:db8::/129", "what follows the / is no number from 0 to 128", ""},
		{"192.0.2.9-5", "it is no address and no range of addresses", ""},
		{"192.0.2.256", "it is no address and no range of addresses", ""},
		{"192.0.2", "it is no address and no range of addresses", ""},
		{"192.0.2.1.1", "it is no address and no range of addresses", ""},
		{"192.0.2.1,", "it is no address and no range of addresses", ""},
		{"192.0.3.1-192.0.2.1", "the range ends before it begins", "smaller"},
		{"192.0.2.1-2001:db8::1", "the ends of the range are of two kinds", ""},
		{"*", "it is every interface, and no target", "localhost"},
		{"2001:db8::g", "it is no IPv6 address", ""},
		{"bad name", "a name has no such character", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hosts hosts = {0};
		struct sonde_error err = {0};

		assert_int_equal(hosts_parse(&hosts, cases[i].text, &err), -EINVAL);
		assert_string_equal(err.reason, cases[i].reason);
		assert_non_null(strstr(err.hint, cases[i].hint));
		assert_int_equal(hosts.count, 0);
		hosts_done(&hosts);
	}
}

static void merges_and_excludes(void **state)
{
	(void)state;
	struct hosts hosts = {0}, without = {0};
	static const char *const wanted[] = {"192.0.2.128/25", "192.0.2.0/25",
					     "192.0.2.7",      "2001:db8::/126",
					     "192.0.3.0",      "192.0.5.1"};
	static const char *const unwanted[] = {"192.0.2.0", "192.0.2.10-12",
					       "192.0.2.250-192.0.3.0", "2001:db8::2",
					       "10.0.0.0/8"};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(hosts_parse(&hosts, wanted[i], NULL), 0);
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		assert_int_equal(hosts_parse(&without, unwanted[i], NULL), 0);
	assert_int_equal(hosts_settle(&hosts, &without), 0);
	/* 1-9, 13-249, 192.0.5.1; ::0, ::1, ::3 */
	assert_int_equal(hosts_size(&hosts), 9 + 237 + 1 + 3);
	check_at(&hosts, 0, "192.0.2.1");
	check_at(&hosts, 8, "192.0.2.9");
	check_at(&hosts, 9, "192.0.2.13");
	check_at(&hosts, 245, "192.0.2.249");
	check_at(&hosts, 246, "192.0.5.1");
	check_at(&hosts, 247, "2001:db8::");
	check_at(&hosts, 249, "2001:db8::3");
	static const char *const absent[] = {"192.0.2.0",   "192.0.2.11", "192.0.3.0",
					     "2001:db8::2", "::1",        "192.0.2.255"};
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		struct sonde_address address = address_of(absent[i]);
		assert_int_equal(hosts_find(&hosts, &address), -1);
	}
	hosts_done(&hosts);
	hosts_done(&without);
}

static void excludes_everything_and_the_ends(void **state)
{
	(void)state;
	struct hosts hosts = {0}, without = {0};

	assert_int_equal(hosts_parse(&hosts, "0.0.0.0/0", NULL), 0);
	assert_int_equal(hosts_parse(&hosts, "::/0", NULL), 0);
	assert_int_equal(hosts_parse(&without, "0.0.0.0/1", NULL), 0);
	assert_int_equal(hosts_parse(&without, "128.0.0.0/1", NULL), 0);
	assert_int_equal(
		hosts_parse(&without, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", NULL),
		0);
	assert_int_equal(hosts_settle(&hosts, &without), 0);
	assert_int_equal(hosts_size(&hosts), 1);
	check_at(&hosts, 0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	hosts_done(&hosts);
	hosts_done(&without);
	assert_int_equal(hosts_parse(&hosts, "::/0", NULL), 0);
	assert_int_equal(hosts_settle(&hosts, &without), 0);
	assert_true(hosts_size(&hosts) == UINT64_MAX); /* as much as can be said */
	hosts_done(&hosts);
	hosts_done(&without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(merges_and_excludes),
		cmocka_unit_test(excludes_everything_and_the_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
