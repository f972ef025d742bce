/* The JSON writer: exact text, and every call in a wrong place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <sonde/json.h>

static void assert_text(struct sonde_json *json, const char *expected)
{
	assert_int_equal(sonde_json_error(json), 0);
	assert_int_equal(json->used, strlen(expected));
	assert_memory_equal(json->chars, expected, json->used);
	sonde_json_done(json);
}

static void writes_all_kinds(void **state)
{
	struct sonde_json json;

	(void)state;
	sonde_json_init(&json);
	sonde_json_object_begin(&json);
	sonde_json_add_string(&json, "name", "x");
	sonde_json_add_string(&json, "nobody", NULL);
	sonde_json_add_int(&json, "least", INT64_MIN);
	sonde_json_add_int(&json, "most", INT64_MAX);
	sonde_json_add_bool(&json, "yes", true);
	sonde_json_add_bool(&json, "no", false);
	sonde_json_add_null(&json, "nothing");
	sonde_json_key(&json, "list");
	sonde_json_array_begin(&json);
	sonde_json_int(&json, 0);
	sonde_json_array_begin(&json);
	sonde_json_array_end(&json);
	sonde_json_object_begin(&json);
	sonde_json_object_end(&json);
	sonde_json_bool(&json, true);
	sonde_json_null(&json);
	sonde_json_string(&json, "");
	sonde_json_array_end(&json);
	sonde_json_add_int(&json, "last", -1);
	sonde_json_object_end(&json);
	assert_text(&json,
		    "{\"name\":\"x\",\"nobody\":null,\"least\":-9223372036854775808,"
		    "\"most\":9223372036854775807,\"yes\":true,\"no\":false,"
		    "\"nothing\":null,\"list\":[0,[],{},true,null,\"\"],\"last\":-1}");
}

static void writes_lines(void **state)
{
	struct sonde_json json;

	(void)state;
	sonde_json_init(&json);
	sonde_json_int(&json, 1);
	sonde_json_line(&json);
	sonde_json_array_begin(&json);
	sonde_json_array_end(&json);
	sonde_json_line(&json);
	sonde_json_string(&json, "z");
	assert_text(&json, "1\n[]\n\"z\"");
}

static void escapes(void **state)
{
	struct sonde_json json;

	(void)state;
	sonde_json_init(&json);
	sonde_json_object_begin(&json);
	sonde_json_key(&json, "\"\n");
	sonde_json_string_n(&json,
			    "\0\1\2\3\4\5\6\7\b\t\n\v\f\r\16\17\20\32\33\37 \"\\/\177"
			    "\xc3\xa4\xf0\x9f\x8c\x8d",
			    31);
	sonde_json_object_end(&json);
	assert_text(&json, "{\"\\\"\\n\":\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005"
			   "\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010"
			   "\\u001a\\u001b\\u001f \\\"\\\\/\177"
			   "\xc3\xa4\xf0\x9f\x8c\x8d\"}");
}

static void replaces_what_is_no_utf8(void **state)
{
	struct sonde_json json;

	(void)state;
	sonde_json_init(&json);
	sonde_json_array_begin(&json);
	sonde_json_string(&json, "a\xff");
	sonde_json_string(&json, "\xed\xa0\x80");
	sonde_json_string(&json, "\xe2\x82");
	sonde_json_string_n(&json, "\xe2\x82\xac", 2); /* cut, with more behind it */
	sonde_json_array_end(&json);
	assert_text(&json, "[\"a\xef\xbf\xbd\",\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
			   "\"\xef\xbf\xbd\",\"\xef\xbf\xbd\"]");
}

static void writes_base64(void **state)
{
	/* RFC 4648, section 10, and all bits set. */
	static const char *const cases[][2] = {
		{"", "\"\""},
		{"f", "\"Zg==\""},
		{"fo", "\"Zm8=\""},
		{"foo", "\"Zm9v\""},
		{"foob", "\"Zm9vYg==\""},
		{"fooba", "\"Zm9vYmE=\""},
		{"foobar", "\"Zm9vYmFy\""},
		{"\xff\xff\xfe", "\"///+\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sonde_json json;

		sonde_json_init(&json);
		sonde_json_base64(&json, cases[i][0], strlen(cases[i][0]));
		assert_text(&json, cases[i][1]);
	}
}

/* A letter a call: {} [] k(ey) v(alue) l(ine). */
static int play(const char *calls)
{
	struct sonde_json json;
	int error;

	sonde_json_init(&json);
	for (const char *at = calls; *at; at++) {
		switch (*at) {
		case '{':
			sonde_json_object_begin(&json);
			break;
		case '}':
			sonde_json_object_end(&json);
			break;
		case '[':
			sonde_json_array_begin(&json);
			break;
		case ']':
			sonde_json_array_end(&json);
			break;
		case 'k':
			sonde_json_key(&json, "k");
			break;
		case 'v':
			sonde_json_int(&json, 1);
			break;
		case 'l':
			sonde_json_line(&json);
			break;
		default:
			fail_msg("no such call: %c", *at);
		}
	}
	error = sonde_json_error(&json);
	sonde_json_done(&json);
	return error;
}

static void refuses_misuse(void **state)
{
	static const char *const wrong[] = {
		"}",   "]",   "k",   "l",    "{v",  "{[",   "{{",   "[k",   "[}",
		"{]",  "vv",  "{}v", "[][]", "v{",  "{kk",  "{k}",  "{kvv", "{l",
		"[vl", "vll", "{}}", "[]]",  "{k]", "{k[}", "[{]}", "vk",   "vl}",
	};
	static const char *const right[] = {
		"",       "v",      "{}",          "[]",      "{kv}",
		"{kvkv}", "[vv]",   "{k{}}",       "{k[]kv}", "[[][]]",
		"vlv",    "{}l[]l", "[{kv}{kv}]l", "{k",      "[",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (play(wrong[i]) != -EINVAL)
			fail_msg("%s was taken", wrong[i]);
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (play(right[i]) != 0)
			fail_msg("%s was refused", right[i]);
}

static void has_a_depth(void **state)
{
	char calls[2 * SONDE_JSON_DEPTH + 3] = "";

	(void)state;
	memset(calls, '[', SONDE_JSON_DEPTH);
	memset(calls + SONDE_JSON_DEPTH, ']', SONDE_JSON_DEPTH);
	assert_int_equal(play(calls), 0);
	memset(calls, '[', SONDE_JSON_DEPTH + 1);
	memset(calls + SONDE_JSON_DEPTH + 1, ']', SONDE_JSON_DEPTH + 1);
	assert_int_equal(play(calls), -EOVERFLOW);
}

static void errors_stick_until_reset(void **state)
{
	struct sonde_json json;
	char *memory;

	(void)state;
	sonde_json_init(&json);
	sonde_json_object_begin(&json);
	sonde_json_int(&json, 1);
	assert_int_equal(sonde_json_error(&json), -EINVAL);
	sonde_json_add_int(&json, "k", 1);
	sonde_json_object_end(&json);
	sonde_json_line(&json);
	assert_int_equal(sonde_json_error(&json), -EINVAL);
	assert_int_equal(json.used, 1); /* nothing was added behind the error */
	memory = json.chars;
	sonde_json_reset(&json);
	assert_ptr_equal(json.chars, memory);
	sonde_json_int(&json, 2);
	assert_text(&json, "2");
}

static void done_twice_is_harmless(void **state)
{
	struct sonde_json json;

	(void)state;
	sonde_json_init(&json);
	sonde_json_int(&json, 2);
	sonde_json_done(&json);
	sonde_json_done(&json);
	assert_null(json.chars);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_all_kinds),
		cmocka_unit_test(writes_lines),
		cmocka_unit_test(escapes),
		cmocka_unit_test(replaces_what_is_no_utf8),
		cmocka_unit_test(writes_base64),
		cmocka_unit_test(refuses_misuse),
		cmocka_unit_test(has_a_depth),
		cmocka_unit_test(errors_stick_until_reset),
		cmocka_unit_test(done_twice_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
