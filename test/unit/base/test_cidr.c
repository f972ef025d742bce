/* Networks in CIDR notation: read, written, asked; what is refused says how to write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <sonde/cidr.h>

static struct sonde_cidr parsed(const char *text)
{
	struct sonde_cidr cidr;
	struct sonde_error err = {0};

	if (sonde_cidr_parse(text, "allow", &cidr, &err) < 0)
		fail_msg("%s: %s", text, err.reason);
	return cidr;
}

static struct sonde_address host(const char *text)
{
	struct sonde_address address;

	assert_int_equal(sonde_address_parse_host(text, &address), 0);
	address.port = 40000;
	return address;
}

static void assert_form(const char *text, const char *expected)
{
	const struct sonde_cidr cidr = parsed(text);
	char chars[SONDE_CIDR_CHARS];

	sonde_cidr_format(&cidr, chars);
	assert_string_equal(chars, expected);
}

static void has_one_form(void **state)
{
	(void)state;
	assert_form("192.0.2.0/24", "192.0.2.0/24");
	assert_form("192.0.2.7", "192.0.2.7/32");
	assert_form("0.0.0.0/0", "0.0.0.0/0");
	assert_form("10.128.0.0/9", "10.128.0.0/9");
	assert_form("2001:DB8:0::/32", "2001:db8::/32");
	assert_form("[2001:db8::]/32", "2001:db8::/32");
	assert_form("2001:db8::1", "2001:db8::1/128");
	assert_form("::/0", "::/0");
	assert_form("fe80::%2/64", "fe80::%2/64");
	/* Below ::ffff:0:0/96 it is IPv4; above, not only. */
	assert_form("::ffff:192.0.2.0/120", "192.0.2.0/24");
	assert_form("::ffff:192.0.2.7", "192.0.2.7/32");
	assert_form("::ffff:0:0/96", "0.0.0.0/0");
	assert_form("::/80", "::/80");
}

static void assert_has(const char *text, const char *inside, const char *outside)
{
	const struct sonde_cidr cidr = parsed(text);
	const struct sonde_address in = host(inside), out = host(outside);

	if (!sonde_cidr_has(&cidr, &in))
		fail_msg("%s lacks %s", text, inside);
	if (sonde_cidr_has(&cidr, &out))
		fail_msg("%s has %s", text, outside);
}

static void has_what_shares_its_bits(void **state)
{
	(void)state;
	assert_has("192.0.2.0/24", "192.0.2.0", "192.0.3.0");
	assert_has("192.0.2.0/24", "192.0.2.255", "192.0.1.255");
	assert_has("192.0.2.0/23", "192.0.3.255", "192.0.4.0");
	assert_has("10.128.0.0/9", "10.128.0.1", "10.127.255.255");
	assert_has("192.0.2.7", "192.0.2.7", "192.0.2.6");
	assert_has("0.0.0.0/0", "255.255.255.255", "::1");
	assert_has("::/0", "::1", "127.0.0.1");
	assert_has("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::");
	assert_has("2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:7fff::");
	assert_has("2001:db8::1", "2001:db8::1", "2001:db8::2");
	/* A v6 socket may show a v4 client as mapped. */
	assert_has("192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9");
	assert_has("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9");
	assert_has("::/0", "2001:db8::1", "::ffff:192.0.2.9");
	/* Every link's, or one link's. */
	assert_has("fe80::/10", "fe80::1%3", "fec0::1");
	assert_has("fe80::%2/64", "fe80::1%2", "fe80::1%3");
}

static void every_length_counts_its_bits(void **state)
{
	struct sonde_address address = host("0.0.0.0");

	(void)state;
	for (unsigned bits = 0; bits <= 32; bits++) {
		const struct sonde_cidr cidr = {.network = {.family = SONDE_FAMILY_INET},
						.bits = bits};
		for (unsigned bit = 0; bit < 32; bit++) {
			memset(address.bytes, 0, 4);
			address.bytes[bit / 8] = (uint8_t)(0x80u >> bit % 8);
			assert_int_equal(sonde_cidr_has(&cidr, &address), bit >= bits);
		}
	}
}

static void assert_refused(const char *text, const char *hint)
{
	struct sonde_cidr cidr = {.bits = 77};
	struct sonde_error err = {0};

	assert_int_equal(sonde_cidr_parse(text, "allow", &cidr, &err), -EINVAL);
	assert_int_equal(cidr.bits, 77);
	assert_int_equal(err.kind, SONDE_ERROR_USAGE);
	assert_string_equal(err.operation, "allow");
	assert_string_equal(err.subject, *text ? text : "\"\"");
	if (!strstr(err.hint, hint))
		fail_msg("%s: %s; %s", text, err.reason, err.hint);
	assert_int_equal(sonde_cidr_parse(text, "allow", &cidr, NULL), -EINVAL);
}

static void refuses_and_says_how(void **state)
{
	(void)state;
	assert_refused("192.0.2.7/24",
		       "write 192.0.2.0/24 for the network, or 192.0.2.7 for that host");
	assert_refused("2001:db8::1/64", "write 2001:db8::/64 for the network");
	assert_refused("::ffff:192.0.2.7/120", "write 192.0.2.0/24 for the network");
	assert_refused("192.0.2.0/33", "how many bits");
	assert_refused("2001:db8::/129", "how many bits");
	assert_refused("192.0.2.0/", "how many bits");
	assert_refused("192.0.2.0/-1", "how many bits");
	assert_refused("192.0.2.0/+8", "how many bits");
	assert_refused("192.0.2.0/ 8", "how many bits");
	assert_refused("192.0.2.0/8/8", "how many bits");
	assert_refused("192.0.2.0/255.255.255.0", "how many bits");
	assert_refused("10/8", "all four numbers");
	assert_refused("192.0.2.", "all four numbers");
	assert_refused("192.0.02.0/24", "all four numbers");
	assert_refused("*", "0.0.0.0/0");
	assert_refused("example.org", "192.0.2.0/24 or 2001:db8::/32");
	assert_refused("example.org/24", "192.0.2.0/24 or 2001:db8::/32");
	assert_refused("", "");
	assert_refused("/24", "");
	assert_refused(" 192.0.2.0/24", "");
}

static void a_set_has_what_one_has(void **state)
{
	struct sonde_cidr_set set = {0};
	struct sonde_error err;

	(void)state;
	struct sonde_address at = host("192.0.2.1");
	assert_false(sonde_cidr_set_has(&set, &at));
	assert_int_equal(sonde_cidr_set_add(&set, "10.0.0.0/8,fd00::/8", "allow", &err),
			 0);
	assert_int_equal(sonde_cidr_set_add(&set, "192.0.2.0/24", "allow", &err), 0);
	assert_int_equal(set.count, 3);
	assert_true(sonde_cidr_set_has(&set, &at));
	at = host("fd12::1");
	assert_true(sonde_cidr_set_has(&set, &at));
	at = host("::ffff:10.1.2.3");
	assert_true(sonde_cidr_set_has(&set, &at));
	at = host("11.1.2.3");
	assert_false(sonde_cidr_set_has(&set, &at));
}

/* Half of a list would let in, or keep out, who was not meant. */
static void a_refused_list_changes_nothing(void **state)
{
	static const char *const lists[] = {"10.0.0.0/8,192.0.2.7/24", "10.0.0.0/8,",
					    ",10.0.0.0/8", "10.0.0.0/8,,::1"};
	struct sonde_cidr_set set = {0};
	struct sonde_error err;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(sonde_cidr_set_add(&set, lists[i], "deny", &err),
				 -EINVAL);
		assert_int_equal(set.count, 0);
		assert_string_equal(err.operation, "deny");
	}
	sonde_cidr_set_add(&set, lists[0], "deny", &err);
	assert_string_equal(err.subject, "192.0.2.7/24");
}

static void a_full_set_says_so(void **state)
{
	struct sonde_cidr_set set = {0};
	struct sonde_error err;

	(void)state;
	for (size_t i = 0; i < SONDE_CIDR_SET_MOST; i++)
		assert_int_equal(sonde_cidr_set_add(&set, "::1", "allow", &err), 0);
	assert_int_equal(sonde_cidr_set_add(&set, "::1", "allow", &err), -E2BIG);
	assert_int_equal(set.count, SONDE_CIDR_SET_MOST);
	assert_non_null(strstr(err.hint, "128"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_one_form),
		cmocka_unit_test(has_what_shares_its_bits),
		cmocka_unit_test(every_length_counts_its_bits),
		cmocka_unit_test(refuses_and_says_how),
		cmocka_unit_test(a_set_has_what_one_has),
		cmocka_unit_test(a_refused_list_changes_nothing),
		cmocka_unit_test(a_full_set_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
