/* Scripts are read: whole, cut at every byte, and with every mistake named by its line. */
#include "talk/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] = "# a dialogue\r\n"
			    "timeout 2s\n"
			    "\n"
			    "expect /^220 (\\S+)\\/x\\r$/\n"
			    "\tline \"a \\\"b\\\" \\x41\\0\\\\\"  # with a NUL\n"
			    "expect \"250 \" within 250ms\n"
			    "send \"QUIT\\r\\n\"\n"
			    "wait 1ms\n"
			    "tls\n"
			    "end\n"
			    "expect end\n"
			    "close";

static struct sonde_script *parse(const char *text, size_t n, struct sonde_error *err)
{
	struct sonde_script *script = NULL;
	int r = sonde_script_new("s", text, n, &script, err);

	assert_true((r == 0) == (script != NULL));
	return script;
}

static void test_whole(void **state)
{
	static const enum script_verb verbs[] = {
		SCRIPT_EXPECT_REGEX, SCRIPT_LINE,       SCRIPT_EXPECT,
		SCRIPT_SEND,         SCRIPT_WAIT,       SCRIPT_TLS,
		SCRIPT_END,          SCRIPT_EXPECT_END, SCRIPT_CLOSE,
	};
	static const unsigned lines[] = {4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct sonde_error err;
	struct sonde_script *script = parse(whole, sizeof(whole) - 1, &err);

	(void)state;
	assert_non_null(script);
	assert_int_equal(script->count, 9);
	for (size_t i = 0; i < 9; i++) {
		assert_int_equal(script->steps[i].verb, verbs[i]);
		assert_int_equal(script->steps[i].line, lines[i]);
	}
	assert_string_equal(script->steps[0].source, "expect /^220 (\\S+)\\/x\\r$/");
	assert_string_equal(script->steps[1].source, "line \"a \\\"b\\\" \\x41\\0\\\\\"");
	assert_string_equal(script->steps[2].source, "expect \"250 \" within 250ms");
	assert_int_equal(script->steps[2].what_count, strlen("expect \"250 \""));
	assert_string_equal(script->steps[8].source, "close");
	assert_string_equal((char *)script->steps[0].bytes, "^220 (\\S+)/x\\r$");
	assert_int_equal(script->steps[0].within_ns, 2000000000);
	assert_int_equal(script->steps[1].count, 10);
	assert_memory_equal(script->steps[1].bytes, "a \"b\" A\0\\\n", 10);
	assert_int_equal(script->steps[2].within_ns, 250000000);
	assert_memory_equal(script->steps[3].bytes, "QUIT\r\n", 6);
	assert_int_equal(script->steps[4].within_ns, 1000000);
	sonde_script_free(script);
}

/* A script that was cut is one with fewer steps, or is refused in its last line. */
static void test_cut(void **state)
{
	char copy[sizeof(whole)];

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		struct sonde_error err = {0};
		unsigned lines = 1;
		char subject[16];

		memcpy(copy, whole, n);
		for (size_t i = 0; i < n; i++)
			lines += whole[i] == '\n' && i + 1 < n;
		struct sonde_script *script = parse(copy, n, &err);
		snprintf(subject, sizeof(subject), "s:%u", lines);
		if (!script)
			assert_string_equal(err.subject, subject);
		sonde_script_free(script);
	}
}

static void check_refused(const char *text, unsigned line, const char *reason)
{
	struct sonde_error err = {0};
	char subject[16];

	assert_null(parse(text, strlen(text), &err));
	snprintf(subject, sizeof(subject), "s:%u", line);
	assert_string_equal(err.subject, subject);
	assert_non_null(strstr(err.reason, reason));
	assert_int_equal(err.kind, SONDE_ERROR_USAGE);
	assert_true(err.hint[0] != '\0');
}

static void test_refused(void **state)
{
	(void)state;
	check_refused("", 1, "there is no step");
	check_refused("\n\n# x\n", 3, "there is no step");
	check_refused("send \"a\"\nsedn \"b\"\n", 2, "sedn is no step");
	check_refused("send", 1, "is missing");
	check_refused("send /x/", 1, "an expression cannot be sent");
	check_refused("send \"a\\", 1, "nothing follows a \\");
	check_refused("send \"\\x4g\"", 1, "two hexadecimal digits");
	check_refused("send \"a\" \"b\"", 1, "something follows");
	check_refused("expect other", 1, "what to expect");
	check_refused("expect e", 1, "what to expect");
	check_refused("expect \"a\" after 5s", 1, "what follows");
	check_refused("expect \"a\" within", 1, "no duration");
	check_refused("expect /(/", 1, "expression is wrong");
	check_refused("expect //", 1, "empty text");
	check_refused("timeout -1s", 1, "no duration");
	check_refused("close\nsend \"a\"", 2, "nothing may follow");
}

static void test_embedded_nul(void **state)
{
	struct sonde_error err;
	struct sonde_script *script = parse("send \"a\0b\"", 10, &err);

	(void)state;
	assert_non_null(script);
	assert_int_equal(script->steps[0].count, 3);
	sonde_script_free(script);
	assert_null(parse("send\0\"a\"", 8, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_embedded_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
