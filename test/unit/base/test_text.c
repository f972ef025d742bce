/* The text builder, UTF-8, and escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/utf8.h"

static size_t encode(unsigned code, unsigned char ret[4])
{
	if (code < 0x80) {
		ret[0] = (unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		ret[0] = (unsigned char)(0xc0 | code >> 6);
		ret[1] = (unsigned char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		ret[0] = (unsigned char)(0xe0 | code >> 12);
		ret[1] = (unsigned char)(0x80 | (code >> 6 & 63));
		ret[2] = (unsigned char)(0x80 | (code & 63));
		return 3;
	}
	ret[0] = (unsigned char)(0xf0 | code >> 18);
	ret[1] = (unsigned char)(0x80 | (code >> 12 & 63));
	ret[2] = (unsigned char)(0x80 | (code >> 6 & 63));
	ret[3] = (unsigned char)(0x80 | (code & 63));
	return 4;
}

static void decodes_every_code_point(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 0x10ffff; code++) {
		unsigned char bytes[4];
		size_t n = encode(code, bytes);
		unsigned got = 1;
		bool surrogate = code >= 0xd800 && code <= 0xdfff;

		assert_int_equal(sonde_text_decode_utf8(bytes, n, &got),
				 surrogate ? 0 : n);
		if (!surrogate)
			assert_int_equal(got, code);
		/* Cut, it is none. */
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(sonde_text_decode_utf8(bytes, cut, &got), 0);
	}
}

/* What decodes must be what encodes to the same bytes: then no overlong form, and nothing
 * above U+10FFFF, can pass. */
static void decodes_nothing_else(void **state)
{
	static const unsigned char ends[] = {0x00, 0x41, 0x7f, 0x80, 0x8f,
					     0x90, 0xbf, 0xc0, 0xff};

	(void)state;
	for (unsigned start = 0; start < 0x10000; start++) {
		for (size_t i = 0; i < sizeof(ends) * sizeof(ends); i++) {
			unsigned char bytes[4] = {
				(unsigned char)(start >> 8), (unsigned char)start,
				ends[i / sizeof(ends)], ends[i % sizeof(ends)]};
			unsigned char again[4];
			unsigned code = 0;
			size_t n = sonde_text_decode_utf8(bytes, 4, &code);

			if (!n)
				continue;
			assert_int_equal(encode(code, again), n);
			assert_memory_equal(bytes, again, n);
			assert_true(code <= 0x10ffff && (code < 0xd800 || code > 0xdfff));
		}
	}
}

static void leaves_the_result_alone_on_failure(void **state)
{
	unsigned code = 77;

	(void)state;
	assert_int_equal(sonde_text_decode_utf8("\xc0\xaf", 2, &code), 0);
	assert_int_equal(sonde_text_decode_utf8("", 0, &code), 0);
	assert_int_equal(code, 77);
}

/* '.' for every part that is bad, otherwise the character. */
static void assert_steps(const char *bytes, size_t n, const char *expected)
{
	char got[32] = "";
	size_t count = 0;

	for (size_t i = 0, length; i < n; i += length) {
		unsigned code;

		length = utf8_step(bytes + i, n - i, &code);
		assert_true(length > 0 && length <= n - i);
		got[count++] = code == UTF8_BAD ? '.' : (char)code;
	}
	assert_string_equal(got, expected);
}

static void steps_over_maximal_subparts(void **state)
{
	(void)state;
	/* The four examples of the Unicode Standard, 3.9, tables 3-8 to 3-11. */
	assert_steps("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
		     "A",
		     9, "........A");
	assert_steps("\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
		     "A",
		     9, "........A");
	assert_steps("\xf4\x91\x92\x93\xff"
		     "A\x80\xbf"
		     "B",
		     9, ".....A..B");
	assert_steps("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
		     "A",
		     9, "....A");
}

static void builder_keeps_a_prefix(void **state)
{
	char storage[8];
	struct sonde_text text;

	(void)state;
	sonde_text_init(&text, storage, sizeof(storage));
	assert_string_equal(storage, "");
	sonde_text_add(&text, "%s-%d", "ab", 12);
	assert_string_equal(storage, "ab-12");
	assert_int_equal(text.used, 5);
	assert_false(text.cut);
	sonde_text_add_bytes(&text, "34", 2);
	assert_string_equal(storage, "ab-1234");
	assert_false(text.cut);
	sonde_text_add_bytes(&text, "", 0);
	assert_false(text.cut);
	sonde_text_add(&text, "x");
	assert_string_equal(storage, "ab-1234");
	assert_true(text.cut);
}

static void nothing_is_added_behind_a_cut(void **state)
{
	char storage[6];
	struct sonde_text text;

	(void)state;
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_escaped(&text, "abc\x01", 4); /* \x01 needs four */
	assert_string_equal(storage, "abc");
	assert_true(text.cut);
	sonde_text_add(&text, "d");
	sonde_text_add_bytes(&text, "e", 1);
	sonde_text_add_escaped(&text, "f", 1);
	assert_string_equal(storage, "abc");
}

static void a_capacity_of_one_holds_nothing(void **state)
{
	char storage[1] = {'x'};
	struct sonde_text text;

	(void)state;
	sonde_text_init(&text, storage, 1);
	assert_int_equal(storage[0], '\0');
	sonde_text_add(&text, "%s", "");
	assert_false(text.cut);
	sonde_text_add_bytes(&text, "a", 1);
	assert_int_equal(storage[0], '\0');
	assert_true(text.cut);
}

static const char sample[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\x8d"
			     "z";

/* Of the sample's n bytes, those that end with a whole character. */
static size_t whole(size_t n)
{
	static const size_t ends[] = {11, 10, 6, 3, 1, 0};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] <= n)
			return ends[i];
	return 0;
}

static void cuts_between_characters(void **state)
{
	(void)state;
	for (size_t capacity = 1; capacity <= sizeof(sample); capacity++) {
		char storage[3][16];
		struct sonde_text text[3];

		for (int i = 0; i < 3; i++)
			sonde_text_init(&text[i], storage[i], capacity);
		sonde_text_add(&text[0], "%s", sample);
		sonde_text_add_bytes(&text[1], sample, sizeof(sample) - 1);
		/* Byte by byte: the sequence that does not fit is taken back. */
		for (size_t i = 0; i < sizeof(sample) - 1; i++)
			sonde_text_add_bytes(&text[2], sample + i, 1);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(text[i].used, whole(capacity - 1));
			assert_int_equal(strlen(storage[i]), text[i].used);
			assert_memory_equal(storage[i], sample, text[i].used);
			assert_int_equal(text[i].cut, capacity < sizeof(sample));
		}
	}
}

static void cuts_bytes_that_are_no_utf8_anywhere(void **state)
{
	char storage[4];
	struct sonde_text text;

	(void)state;
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_bytes(&text, "\x80\x80\x80\x80\x80", 5);
	assert_string_equal(storage, "\x80\x80\x80");
	assert_true(text.cut);
}

static void assert_escaped(const char *bytes, size_t n, const char *expected)
{
	char storage[64];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_escaped(&text, bytes, n);
	assert_string_equal(storage, expected);
	assert_false(text.cut);
}

static void shows_a_backslash_as_it_is(void **state)
{
	char storage[64];
	struct sonde_text text;

	(void)state;
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_shown(&text, "(\\Seen)\r\n\xff\xe2\x80\xae", 13);
	assert_string_equal(storage, "(\\Seen)\\r\\n\\xff\\u202E");
}

static void escapes_every_byte(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char expected[8], c = (char)byte;

		if (byte == '\n')
			strcpy(expected, "\\n");
		else if (byte == '\r')
			strcpy(expected, "\\r");
		else if (byte == '\t')
			strcpy(expected, "\\t");
		else if (byte == '\0')
			strcpy(expected, "\\0");
		else if (byte == '\\')
			strcpy(expected, "\\\\");
		else if (byte >= ' ' && byte <= '~')
			snprintf(expected, sizeof(expected), "%c", byte);
		else
			snprintf(expected, sizeof(expected), "\\x%02x", byte);
		assert_escaped(&c, 1, expected);
	}
}

static void escapes_beyond_ascii(void **state)
{
	(void)state;
	assert_escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\x8d", 9,
		       "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\x8d");
	assert_escaped("\xc2\x9b", 2, "\\xc2\\x9b");       /* C1: CSI */
	assert_escaped("\xc2\x9f", 2, "\\xc2\\x9f");       /* the last of C1 */
	assert_escaped("\xc2\xa0", 2, "\xc2\xa0");         /* the first behind C1 */
	assert_escaped("\xe2\x80\xae", 3, "\\u202E");      /* RLO */
	assert_escaped("\xe2\x80\xa9", 3, "\xe2\x80\xa9"); /* U+2029 */
	assert_escaped("\xe2\x80\xaa", 3, "\\u202A");      /* LRE */
	assert_escaped("\xe2\x80\xaf", 3, "\xe2\x80\xaf"); /* U+202F */
	assert_escaped("\xe2\x81\xa6\xe2\x81\xa9", 6, "\\u2066\\u2069");
	assert_escaped("\xe2\x82", 2, "\\xe2\\x82");          /* cut */
	assert_escaped("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
	assert_escaped("", 0, "");
}

static void escapes_are_whole_or_left_out(void **state)
{
	static const char bytes[] = "a\xe2\x80\xae\x1b\n\xf0\x9f\x8c\x8d\xc2\x85";
	static const size_t ends[] = {0, 1, 7, 11, 13, 17, 21, 25};
	char full[64];
	struct sonde_text text;

	(void)state;
	sonde_text_init(&text, full, sizeof(full));
	sonde_text_add_escaped(&text, bytes, sizeof(bytes) - 1);
	assert_string_equal(full, "a\\u202E\\x1b\\n\xf0\x9f\x8c\x8d\\xc2\\x85");
	for (size_t capacity = 1; capacity <= 26; capacity++) {
		char storage[32];
		size_t expected = 0;

		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (ends[i] < capacity)
				expected = ends[i];
		sonde_text_init(&text, storage, capacity);
		sonde_text_add_escaped(&text, bytes, sizeof(bytes) - 1);
		assert_int_equal(text.used, expected);
		assert_memory_equal(storage, full, expected);
		assert_int_equal(storage[expected], '\0');
		assert_int_equal(text.cut, capacity < 26);
	}
}

static void test_whole_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, whole;
		bool is_utf8;
	} cases[] = {
		{"", 0, 0, true},
		{"a\0b", 3, 3, true},
		{"gr\xc3\xb6\xc3\x9f"
		 "e",
		 7, 7, true},
		{"\xf0\x9f\x98\x80", 4, 4, true},
		{"\xf0\x9f\x98", 3, 0, false}, /* waits for the rest */
		{"a\xe2\x82", 3, 1, false},
		{"a\xc3", 2, 1, false},
		{"\xff", 1, 1, false}, /* no rest would mend these */
		{"a\x80\x80", 3, 3, false},
		{"\xed\xa0\x80", 3, 3, false},
		{"\xc3(", 2, 2, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(sonde_text_whole_utf8(cases[i].bytes, cases[i].n),
				 cases[i].whole);
		assert_int_equal(sonde_text_is_utf8(cases[i].bytes, cases[i].n),
				 cases[i].is_utf8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_every_code_point),
		cmocka_unit_test(decodes_nothing_else),
		cmocka_unit_test(leaves_the_result_alone_on_failure),
		cmocka_unit_test(steps_over_maximal_subparts),
		cmocka_unit_test(builder_keeps_a_prefix),
		cmocka_unit_test(nothing_is_added_behind_a_cut),
		cmocka_unit_test(a_capacity_of_one_holds_nothing),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(cuts_bytes_that_are_no_utf8_anywhere),
		cmocka_unit_test(escapes_every_byte),
		cmocka_unit_test(shows_a_backslash_as_it_is),
		cmocka_unit_test(escapes_beyond_ascii),
		cmocka_unit_test(escapes_are_whole_or_left_out),
		cmocka_unit_test(test_whole_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
