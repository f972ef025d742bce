/* The JSON writer, its output read back by jansson. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include <sonde/json.h>

#include "base/utf8.h"

static uint32_t draw(void)
{
	static uint64_t state = 19991231;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(state >> 33);
}

/* What a string must be read back as. */
static size_t repair(const char *bytes, size_t n, char *ret)
{
	size_t used = 0;

	for (size_t i = 0, length; i < n; i += length) {
		unsigned code;

		length = utf8_step(bytes + i, n - i, &code);
		if (code == UTF8_BAD) {
			memcpy(ret + used, "\xef\xbf\xbd", 3);
			used += 3;
		} else {
			memcpy(ret + used, bytes + i, length);
			used += length;
		}
	}
	return used;
}

static void assert_reads_back(const char *bytes, size_t n)
{
	struct sonde_json json;
	json_error_t error;
	json_t *root, *value;
	char expected[256];
	size_t expected_bytes = repair(bytes, n, expected);

	sonde_json_init(&json);
	sonde_json_object_begin(&json);
	sonde_json_key(&json, "s");
	sonde_json_string_n(&json, bytes, n);
	sonde_json_object_end(&json);
	assert_int_equal(sonde_json_error(&json), 0);
	root = json_loadb(json.chars, json.used, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
			  &error);
	if (!root)
		fail_msg("%s: %.*s", error.text, (int)json.used, json.chars);
	value = json_object_get(root, "s");
	assert_int_equal(json_string_length(value), expected_bytes);
	assert_memory_equal(json_string_value(value), expected, expected_bytes);
	json_decref(root);
	sonde_json_done(&json);
}

static void strings_of_any_bytes(void **state)
{
	/* Bytes that meet often: leads, continuations, quotes, controls. */
	static const char edge[] =
		"\"\\\n\x01\x7f\x80\xbf\xc2\xe0\xa0\xed\x9f\xf0\x90\xf4\x8f"
		"a";

	(void)state;
	for (int byte = 0; byte < 256; byte++)
		assert_reads_back((char[]){(char)byte}, 1);
	for (int i = 0; i < 50000; i++) {
		char bytes[64];
		size_t n = draw() % sizeof(bytes);

		for (size_t j = 0; j < n; j++)
			bytes[j] =
				draw() % 4 ? edge[draw() % sizeof(edge)] : (char)draw();
		assert_reads_back(bytes, n);
	}
}

static void integers(void **state)
{
	static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1LL << 53};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sonde_json json;
		json_t *root;

		sonde_json_init(&json);
		sonde_json_int(&json, numbers[i]);
		root = json_loadb(json.chars, json.used, JSON_DECODE_ANY, NULL);
		assert_true(json_is_integer(root));
		assert_true(json_integer_value(root) == numbers[i]);
		json_decref(root);
		sonde_json_done(&json);
	}
}

/* Random calls, half of them in wrong places: what is complete and without error must be
 * JSON. */
static void whatever_is_called(void **state)
{
	int complete = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct sonde_json json;
		unsigned calls = 1 + draw() % 12;

		sonde_json_init(&json);
		for (unsigned call = 0; call < calls; call++) {
			/* Mostly one that fits, so that some get to an end. */
			bool object = json.in_object[json.depth];
			unsigned choice = draw() % 8;

			if (object && !json.after_key && choice < 4)
				sonde_json_key(&json, (char[]){(char)draw(), 0});
			else if (choice == 0)
				sonde_json_object_begin(&json);
			else if (choice == 1)
				sonde_json_array_begin(&json);
			else if (choice == 2)
				sonde_json_string(&json, "s");
			else if (choice == 3)
				sonde_json_bool(&json, true);
			else if (choice == 4)
				sonde_json_base64(&json, "abc", 3);
			else if (choice == 5 || object)
				sonde_json_object_end(&json);
			else
				sonde_json_array_end(&json);
			if (!json.depth || json.error)
				break;
		}
		if (!json.error && !json.depth && json.used) {
			json_error_t error;
			json_t *root =
				json_loadb(json.chars, json.used,
					   JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

			if (!root)
				fail_msg("%s: %.*s", error.text, (int)json.used,
					 json.chars);
			json_decref(root);
			complete++;
		}
		sonde_json_done(&json);
	}
	assert_true(complete > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_of_any_bytes),
		cmocka_unit_test(integers),
		cmocka_unit_test(whatever_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
