/* JSON that is read: values by name, and what is no JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/json_read.h"

static int parse(struct json_document *document, const char *text)
{
	return json_document_parse(document, text, strlen(text));
}

static void reads_values_by_name(void **state)
{
	struct json_document document = {0};
	uint32_t array, member;
	int64_t sum = 0;

	(void)state;
	assert_int_equal(parse(&document,
			       "{\"n\":-42,\"t\":true,\"s\":\"a\\tb\",\"x\":\"1f\","
			       "\"a\":[1,2,3],\"z\":null,\"f\":2.75}"),
			 0);
	assert_int_equal(json_int(&document, 0, "n", 7), -42);
	assert_int_equal(json_int(&document, 0, "f", 7), 2);
	assert_int_equal(json_int(&document, 0, "s", 7), 7);
	assert_int_equal(json_int(&document, 0, "none", 7), 7);
	assert_int_equal(json_count(&document, 0, "n", 100), 0);
	assert_true(json_bool(&document, 0, "t"));
	assert_false(json_bool(&document, 0, "n"));
	assert_string_equal(json_text(&document, 0, "s"), "a\tb");
	assert_null(json_text(&document, 0, "z"));
	assert_int_equal(json_hex(&document, 0, "x"), 0x1f);
	array = json_member(&document, 0, "a");
	for (member = json_first(&document, array); member;
	     member = json_next(&document, array, member))
		sum += document.nodes[member].number;
	assert_int_equal(sum, 6);
	json_document_done(&document);
}

/* RFC 8259, section 7: a character beyond the first 65,536 is a pair; half of one is none,
 * and takes nothing of what follows with it. */
static void reads_pairs(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"{\"s\":\"\\u00e9\"}", "\xc3\xa9"},
		{"{\"s\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80"},
		{"{\"s\":\"\\ud800\"}", "\xef\xbf\xbd"},
		{"{\"s\":\"\\ud800A\"}", "\xef\xbf\xbd"
					 "A"},
		{"{\"s\":\"\\ud800\\u0041\"}", "\xef\xbf\xbd"
					       "A"},
		{"{\"s\":\"\\ude00\\u0041\"}", "\xef\xbf\xbd"
					       "A"},
		{"{\"s\":\"\\ud800\\ud83d\\ude00\"}", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
		{"{\"s\":\"\\ud800\\n\"}", "\xef\xbf\xbd\n"},
	};
	struct json_document document = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&document, cases[i].text), 0);
		assert_string_equal(json_text(&document, 0, "s"), cases[i].wanted);
	}
	json_document_done(&document);
}

static void refuses_what_is_no_json(void **state)
{
	static const char *const texts[] = {
		"",           "{",           "{\"a\"}", "[1,]",
		"{\"a\":1,}", "nul",         "\"\\q\"", "\"\\u12\"",
		"[1 2]",      "{\"a\":1} x", "+1",      "\"\\ud800\\u1\"",
	};
	struct json_document document = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(&document, texts[i]), -EBADMSG);
	json_document_done(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values_by_name),
		cmocka_unit_test(reads_pairs),
		cmocka_unit_test(refuses_what_is_no_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
