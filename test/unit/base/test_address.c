/* Addresses, with inet_pton() and inet_ntop() as oracles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include <sonde/address.h>

/* A fixed sequence: a failure can be repeated. */
static uint32_t draw(void)
{
	static uint64_t state = 20240611;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(state >> 33);
}

static struct sonde_address parsed(const char *text)
{
	struct sonde_address address;

	assert_int_equal(sonde_address_parse_host(text, &address), 0);
	assert_int_equal(address.port, 0);
	return address;
}

static void assert_host(const char *text, const char *expected)
{
	struct sonde_address address = parsed(text);
	char chars[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(&address, chars);
	assert_string_equal(chars, expected);
}

static void follows_rfc_5952(void **state)
{
	(void)state;
	/* Section 1: all of these are one address. */
	assert_host("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	assert_host("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	assert_host("2001:db8::1:0:0:1", "2001:db8::1:0:0:1");
	assert_host("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1");
	assert_host("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1");
	assert_host("2001:db8:0:0:1::1", "2001:db8::1:0:0:1");
	assert_host("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1");
	/* 4.1 leading zeros, 4.2.1 as short as can be, 4.2.2 not one group alone,
	 * 4.2.3 the longest run and the first of equals, 4.3 small letters. */
	assert_host("2001:0db8::0001", "2001:db8::1");
	assert_host("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
	assert_host("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	assert_host("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	assert_host("2001:DB8::AbCd", "2001:db8::abcd");
	/* 5 IPv4 in IPv6. */
	assert_host("::ffff:192.0.2.1", "::ffff:192.0.2.1");
	assert_host("::ffff:c000:201", "::ffff:192.0.2.1");
	/* Both ends, and all of it. */
	assert_host("::", "::");
	assert_host("::1", "::1");
	assert_host("1::", "1::");
	assert_host("0:0:0:0:0:0:0:0", "::");
	assert_host("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
	assert_host("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
	assert_host("[2001:db8::1]", "2001:db8::1");
	assert_host("fe80::1%2", "fe80::1%2");
	assert_host("[fe80::1%4294967295]", "fe80::1%4294967295");
	assert_host("fe80::1%0", "fe80::1");
	assert_host("ff02::fb%3", "ff02::fb%3");
	assert_host("192.0.2.255", "192.0.2.255");
	assert_host("0.0.0.0", "0.0.0.0");
}

static void refuses_what_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"localhost",
		"1",
		"1.2.3",
		"1.2.3.",
		".1.2.3",
		"1..2.3",
		"1.2.3.4.",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.-4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.4:80",
		"01.2.3.4",
		"1.2.3.00",
		"0x1.2.3.4",
		"127.1",
		"1.2.3.99999999999999999999",
		"[1.2.3.4]",
		":",
		":::",
		"::1::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8",
		"12345::",
		"g::",
		":1",
		"1:",
		"::1:",
		":1::",
		"1.2.3.4::",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3",
		"::1.2.3.4.5",
		"::1.2.3.4:5",
		"::256.1.1.1",
		"::01.2.3.4",
		"[",
		"]",
		"[]",
		"[::1",
		"::1]",
		"[::1]x",
		"[::1]:80",
		"[[::1]]",
		"fe80::1%",
		"fe80::1%lo",
		"fe80::1%-1",
		"fe80::1%4294967296",
		"fe80::1%01",
		"::1%1",
		"2001:db8::1%2",
		"fe80::1%2%3",
		"[fe80::1]%2",
		"1.2.3.4%1",
		"::1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sonde_address address = {.port = 4711};

		if (sonde_address_parse_host(texts[i], &address) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_int_equal(address.port, 4711);
	}
}

/* Random addresses with many zeros, so that runs of them are met. */
static struct sonde_address random_address(void)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET6};
	uint32_t zeros = draw(), shape = draw() % 8;

	for (int i = 0; i < 16; i++)
		address.bytes[i] = zeros >> (i / 2) & 1 ? 0 : (uint8_t)draw();
	if (shape == 0) {
		memset(address.bytes, 0, 10);
		memset(address.bytes + 10, 0xff, 2);
	} else if (shape == 1) {
		address.bytes[0] = 0xfe;
		address.bytes[1] = 0x80;
		address.scope_id = draw();
	} else if (shape == 2) {
		address.family = SONDE_FAMILY_INET;
		memset(address.bytes + 4, 0, 12);
	}
	return address;
}

static void writes_as_inet_ntop(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		static const uint8_t zeros[12];
		struct sonde_address address = random_address();
		char ours[SONDE_ADDRESS_CHARS], theirs[INET6_ADDRSTRLEN];

		address.scope_id = 0;
		/* inet_ntop() writes the deprecated ::/96 as IPv4, RFC 5952 does not. */
		if (address.family == SONDE_FAMILY_INET6 &&
		    memcmp(address.bytes, zeros, 12) == 0)
			continue;
		inet_ntop(address.family == SONDE_FAMILY_INET ? AF_INET : AF_INET6,
			  address.bytes, theirs, sizeof(theirs));
		sonde_address_format_host(&address, ours);
		assert_string_equal(ours, theirs);
	}
}

static void reads_what_it_writes(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct sonde_address address = random_address(), again;
		char chars[SONDE_ADDRESS_CHARS];

		sonde_address_format_host(&address, chars);
		assert_int_equal(sonde_address_parse_host(chars, &again), 0);
		assert_true(sonde_address_equal(&address, &again));
	}
}

/* Texts near the border between address and nonsense: both must draw it in one place. */
static void reads_as_inet_pton(void **state)
{
	static const char alphabet[] = "0123456789abcdefF:::::....%]x";
	int taken = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct sonde_address address = random_address();
		char text[SONDE_ADDRESS_CHARS];
		uint8_t bytes[16] = {0};
		int changes = draw() % 3, family;
		bool theirs, ours;

		address.scope_id = 0;
		sonde_address_format_host(&address, text);
		for (int change = 0; change < changes; change++) {
			size_t n = strlen(text), at = draw() % (n + 1);
			char c = alphabet[draw() % (sizeof(alphabet) - 1)];

			if (draw() % 2 && n > 0) {
				memmove(text + at, text + at + (at < n), n - at);
			} else {
				memmove(text + at + 1, text + at, n + 1 - at);
				text[at] = c;
			}
		}
		family = strchr(text, ':') ? AF_INET6 : AF_INET;
		theirs = inet_pton(family, text, bytes) == 1;
		ours = sonde_address_parse_host(text, &address) == 0;
		/* Ours alone takes scopes. */
		if (strchr(text, '%'))
			continue;
		if (ours != theirs)
			fail_msg("\"%s\": %d, and inet_pton() %d", text, ours, theirs);
		if (ours)
			assert_memory_equal(address.bytes, bytes, 16);
		taken += ours;
	}
	assert_in_range(taken, 100000, 290000); /* there was something of both */
}

static void formats_endpoints(void **state)
{
	static const struct {
		const char *host;
		const char *expected;
	} cases[] = {
		{"127.0.0.1", "127.0.0.1:50000"},
		{"2001:db8::1", "[2001:db8::1]:50000"},
		{"fe80::1%7", "[fe80::1%7]:50000"},
		{"0.0.0.0", "*:50000"},
		{"::", "*:50000"},
	};
	struct sonde_address address;
	char chars[SONDE_ADDRESS_CHARS];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		address = parsed(cases[i].host);
		address.port = 50000;
		sonde_address_format(&address, chars);
		assert_string_equal(chars, cases[i].expected);
	}
	address = (struct sonde_address){.family = SONDE_FAMILY_UNIX, .port = 7};
	sonde_address_format(&address, chars);
	assert_string_equal(chars, "unix");
	address.family = SONDE_FAMILY_NONE;
	sonde_address_format(&address, chars);
	assert_string_equal(chars, "?");
	address.family = SONDE_FAMILY_OTHER;
	sonde_address_format_host(&address, chars);
	assert_string_equal(chars, "?");
	/* The longest there is. */
	address = parsed("fe80:1111:2222:3333:4444:5555:6666:7777%4294967295");
	address.port = 65535;
	sonde_address_format(&address, chars);
	assert_string_equal(chars,
			    "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535");
}

static void sockaddr_there_and_back(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct sonde_address address = random_address(), again;
		struct sockaddr_storage storage;
		socklen_t length;

		address.port = (uint16_t)draw();
		length = sonde_address_to_sockaddr(&address, &storage);
		assert_int_equal(length, address.family == SONDE_FAMILY_INET
						 ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6));
		assert_int_equal(sonde_address_from_sockaddr((struct sockaddr *)&storage,
							     length, &again),
				 0);
		if (address.bytes[10] == 0xff && again.family == SONDE_FAMILY_INET) {
			assert_memory_equal(again.bytes, address.bytes + 12, 4);
			assert_int_equal(again.port, address.port);
		} else {
			assert_true(sonde_address_equal(&address, &again));
		}
	}
}

static void reads_the_kernels_shapes(void **state)
{
	struct sockaddr_in6 inet6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(50000), .sin6_scope_id = 7};
	struct sockaddr_in inet = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct sockaddr other = {.sa_family = AF_PACKET};
	struct sonde_address address = {.port = 4711};
	const struct sockaddr *from = (const struct sockaddr *)&inet6;
	char chars[SONDE_ADDRESS_CHARS];

	(void)state;
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &inet6.sin6_addr);
	assert_int_equal(sonde_address_from_sockaddr(from, sizeof(inet6), &address), 0);
	assert_int_equal(address.family, SONDE_FAMILY_INET);
	sonde_address_format(&address, chars);
	assert_string_equal(chars, "192.0.2.1:50000");

	inet_pton(AF_INET6, "fe80::1", &inet6.sin6_addr);
	assert_int_equal(sonde_address_from_sockaddr(from, sizeof(inet6), &address), 0);
	assert_int_equal(address.scope_id, 7);
	assert_int_equal(sonde_address_from_sockaddr(from, 24, &address), 0);
	assert_int_equal(address.scope_id, 0); /* of RFC 2133 */
	inet_pton(AF_INET6, "2001:db8::1", &inet6.sin6_addr);
	assert_int_equal(sonde_address_from_sockaddr(from, sizeof(inet6), &address), 0);
	assert_int_equal(address.scope_id, 0);

	/* Cut at every byte. */
	address.port = 4711;
	for (socklen_t length = 1; length < 24; length++)
		assert_int_equal(sonde_address_from_sockaddr(from, length, &address),
				 -EINVAL);
	from = (const struct sockaddr *)&inet;
	for (socklen_t length = 1; length < sizeof(inet); length++)
		assert_int_equal(sonde_address_from_sockaddr(from, length, &address),
				 -EINVAL);
	assert_int_equal(address.port, 4711);

	assert_int_equal(sonde_address_from_sockaddr(NULL, 0, &address), 0);
	assert_int_equal(address.family, SONDE_FAMILY_NONE);
	assert_int_equal(address.port, 0);
	from = (const struct sockaddr *)&local;
	assert_int_equal(sonde_address_from_sockaddr(from, 2, &address), 0);
	assert_int_equal(address.family, SONDE_FAMILY_UNIX);
	assert_int_equal(sonde_address_from_sockaddr(&other, sizeof(other), &address), 0);
	assert_int_equal(address.family, SONDE_FAMILY_OTHER);
	other.sa_family = AF_UNSPEC;
	assert_int_equal(sonde_address_from_sockaddr(&other, sizeof(other), &address), 0);
	assert_int_equal(address.family, SONDE_FAMILY_NONE);
}

static void has_no_sockaddr_without_family(void **state)
{
	static const uint8_t families[] = {SONDE_FAMILY_NONE, SONDE_FAMILY_UNIX,
					   SONDE_FAMILY_OTHER, 99};

	(void)state;
	for (size_t i = 0; i < sizeof(families); i++) {
		struct sonde_address address = {.family = families[i]};
		struct sockaddr_storage storage;

		memset(&storage, 0xee, sizeof(storage));
		assert_int_equal(sonde_address_to_sockaddr(&address, &storage), 0);
		assert_int_equal(storage.ss_family, AF_UNSPEC);
	}
}

static void compares(void **state)
{
	struct sonde_address a, b;

	(void)state;
	memset(&a, 0xaa, sizeof(a)); /* padding that must not count */
	memset(&b, 0x55, sizeof(b));
	sonde_address_parse_host("fe80::1%2", &a);
	sonde_address_parse_host("fe80::1%2", &b);
	assert_true(sonde_address_equal(&a, &b));
	b.port = 1;
	assert_false(sonde_address_equal(&a, &b));
	assert_true(sonde_address_equal_host(&a, &b));
	b.scope_id = 3;
	assert_false(sonde_address_equal_host(&a, &b));
	b = a;
	b.bytes[15] = 2;
	assert_false(sonde_address_equal_host(&a, &b));
	b = a;
	b.family = SONDE_FAMILY_INET;
	assert_false(sonde_address_equal_host(&a, &b));
}

static void knows_any_and_loopback(void **state)
{
	static const struct {
		const char *host;
		bool any, loopback;
	} cases[] = {
		{"0.0.0.0", true, false},
		{"::", true, false},
		{"127.0.0.1", false, true},
		{"127.255.0.9", false, true},
		{"128.0.0.1", false, false},
		{"::1", false, true},
		{"::2", false, false},
		{"::ffff:127.0.0.1", false, true},
		{"::ffff:1.2.3.4", false, false},
		{"1::1", false, false},
		{"0.0.0.1", false, false},
	};
	struct sonde_address none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sonde_address address = parsed(cases[i].host);

		address.port = 9; /* plays no part */
		assert_int_equal(sonde_address_is_any(&address), cases[i].any);
		assert_int_equal(sonde_address_is_loopback(&address), cases[i].loopback);
	}
	assert_false(sonde_address_is_any(&none));
	assert_false(sonde_address_is_loopback(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_rfc_5952),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(writes_as_inet_ntop),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(reads_as_inet_pton),
		cmocka_unit_test(formats_endpoints),
		cmocka_unit_test(sockaddr_there_and_back),
		cmocka_unit_test(reads_the_kernels_shapes),
		cmocka_unit_test(has_no_sockaddr_without_family),
		cmocka_unit_test(compares),
		cmocka_unit_test(knows_any_and_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
