/* Whole numbers and durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <sonde/text.h>

struct duration_case {
	const char *text;
	long long expected;
};

static void parses_durations(void **state)
{
	static const struct duration_case cases[] = {
		{"250ms", 250000000},
		{"5s", 5000000000},
		{"2m", 120000000000},
		{"1h", 3600000000000},
		{"10us", 10000},
		{"7ns", 7},
		{"0s", 0},
		{"0.0s", 0},
		{"1.5s", 1500000000},
		{"007s", 7000000000},
		{"0.000000001s", 1},
		{"1.23456789019s", 1234567890}, /* below a nanosecond: dropped */
		{"0.333333333333333333h", 1199999999999},
		{"0.5ns", -ERANGE}, /* would be 0 */
		{"0.0000000001s", -ERANGE},
		{"9223372036854775807ns", LLONG_MAX},
		{"9223372036.854775807s", LLONG_MAX},
		{"9223372036854775808ns", -ERANGE},
		{"9223372036.854775808s", -ERANGE},
		{"99999999999999999999999999h", -ERANGE},
		{"2562048h", -ERANGE},
		{"2562047h", 2562047 * 3600000000000},
		/* No durations. */
		{"", -EINVAL},
		{"5", -EINVAL},
		{"5.5", -EINVAL},
		{"s", -EINVAL},
		{".5s", -EINVAL},
		{"5.s", -EINVAL},
		{"1.2.3s", -EINVAL},
		{"-5s", -EINVAL},
		{"+5s", -EINVAL},
		{" 5s", -EINVAL},
		{"5s ", -EINVAL},
		{"5 s", -EINVAL},
		{"5S", -EINVAL},
		{"5sec", -EINVAL},
		{"5d", -EINVAL},
		{"1,5s", -EINVAL},
		{"0x5s", -EINVAL},
		{"1e3s", -EINVAL},
		{"99999999999999999999", -EINVAL}, /* not even a unit */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		long long got = sonde_text_parse_duration(cases[i].text);

		if (got != cases[i].expected)
			print_error("%s: %lld\n", cases[i].text, got);
		assert_true(got == cases[i].expected);
	}
}

static void formats_durations(void **state)
{
	static const struct {
		long long ns;
		const char *expected;
	} cases[] = {
		{0, "0 ns"},
		{1, "1 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{1004, "1.00 us"},
		{1005, "1.01 us"},
		{9994, "9.99 us"},
		{9995, "10.0 us"},
		{12000, "12.0 us"},
		{99949, "99.9 us"},
		{99950, "100 us"},
		{999499, "999 us"},
		{999500, "1.00 ms"},
		{1234000, "1.23 ms"},
		{999499999, "999 ms"},
		{999500000, "1.00 s"},
		{3500000000, "3.50 s"},
		{125000000000, "125 s"},
		{3600000000000, "3600 s"},
		{-1500, "-1.50 us"},
		{LLONG_MAX, "9223372036 s"},
		{LLONG_MIN, "-9223372036 s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char storage[32];
		struct sonde_text text;

		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add_duration(&text, cases[i].ns);
		assert_string_equal(storage, cases[i].expected);
	}
}

static void parses_numbers(void **state)
{
	static const struct {
		const char *text;
		long long least, most;
		int expected;
		long long value;
	} cases[] = {
		{"0", 0, 0, 0, 0},
		{"-0", 0, 0, 0, 0},
		{"7", 0, 10, 0, 7},
		{"007", 0, 10, 0, 7}, /* decimal, never octal */
		{"-7", -10, 10, 0, -7},
		{"65535", 0, 65535, 0, 65535},
		{"65536", 0, 65535, -ERANGE, 0},
		{"-1", 0, 65535, -ERANGE, 0},
		{"9223372036854775807", LLONG_MIN, LLONG_MAX, 0, LLONG_MAX},
		{"9223372036854775808", LLONG_MIN, LLONG_MAX, -ERANGE, 0},
		{"-9223372036854775808", LLONG_MIN, LLONG_MAX, 0, LLONG_MIN},
		{"-9223372036854775809", LLONG_MIN, LLONG_MAX, -ERANGE, 0},
		{"18446744073709551617", LLONG_MIN, LLONG_MAX, -ERANGE, 0},
		{"99999999999999999999999999", LLONG_MIN, LLONG_MAX, -ERANGE, 0},
		{"", 0, 10, -EINVAL, 0},
		{"-", -10, 10, -EINVAL, 0},
		{"+7", 0, 10, -EINVAL, 0},
		{"--7", -10, 10, -EINVAL, 0},
		{" 7", 0, 10, -EINVAL, 0},
		{"7 ", 0, 10, -EINVAL, 0},
		{"7\n", 0, 10, -EINVAL, 0},
		{"7x", 0, 10, -EINVAL, 0},
		{"0x7", 0, 10, -EINVAL, 0},
		{"1.0", 0, 10, -EINVAL, 0},
		{"1e1", 0, 10, -EINVAL, 0},
		{"\xd9\xa3", 0, 10, -EINVAL, 0}, /* an Arabic-Indic digit */
		{"99999999999999999999999999x", 0, 10, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		long long value = 4711;
		int r = sonde_text_parse_int(cases[i].text, cases[i].least, cases[i].most,
					     &value);

		if (r != cases[i].expected)
			print_error("%s: %d\n", cases[i].text, r);
		assert_int_equal(r, cases[i].expected);
		assert_true(value == (r ? 4711 : cases[i].value));
	}
}

static void finds_the_nearest_word(void **state)
{
	static const char *const words[] = {"serve",  "calc", "trace", "connect",
					    "listen", "sum",  "min",   "max"};
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"trace", "trace"},
		{"trcae", "trace"},  /* an exchange is one step */
		{"tace", "trace"},   /* a letter missing */
		{"traces", "trace"}, /* one too many */
		{"conect", "connect"},
		{"connnectt", "connect"},
		{"su", "sum"},
		{"mix", "min"}, /* of two that are near the first */
		{"miax", "max"},
		{"xyz", NULL},
		{"calculate", NULL},
		{"", NULL},
		{"teacr", NULL}, /* two steps are too many for five letters */
	};
	char endless[300];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = sonde_text_nearest(cases[i].text, words,
						     sizeof(words) / sizeof(words[0]));

		if (!cases[i].expected) {
			assert_null(got);
		} else {
			assert_non_null(got);
			assert_string_equal(got, cases[i].expected);
		}
	}
	for (size_t i = 0; i < sizeof(endless) - 1; i++)
		endless[i] = 'a';
	endless[sizeof(endless) - 1] = '\0';
	assert_null(sonde_text_nearest(endless, words, 8));
	assert_null(sonde_text_nearest("sum", NULL, 0));
	assert_null(sonde_text_nearest("sum", (const char *const[]){endless}, 1));
}

/* As printf() writes it, at every power of ten and of two and beside them. */
static void puts_digits(void **state)
{
	(void)state;
	for (unsigned power = 0; power < 128; power++) {
		uint64_t number = 1;

		for (unsigned i = 0; i < power % 64; i++)
			number *= power < 64 ? 2 : 10; /* wraps, as it may */
		for (int beside = -2; beside <= 2; beside++) {
			uint64_t one = number + (uint64_t)beside;
			char digits[20], expected[24];
			size_t n = sonde_text_put_number(one, digits);

			assert_int_equal(snprintf(expected, sizeof(expected), "%llu",
						  (unsigned long long)one),
					 n);
			assert_memory_equal(digits, expected, n);
			for (unsigned width = 0; width <= 10; width++) {
				snprintf(expected, sizeof(expected), "%010lu",
					 (unsigned long)(uint32_t)one);
				sonde_text_put_digits((uint32_t)one, digits, width);
				assert_memory_equal(digits, expected + 10 - width, width);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_digits),
		cmocka_unit_test(parses_durations),
		cmocka_unit_test(formats_durations),
		cmocka_unit_test(parses_numbers),
		cmocka_unit_test(finds_the_nearest_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
