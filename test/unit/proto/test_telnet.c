/* Telnet: data and commands told apart, however they are cut; options by the Q method. */
#include "proto/telnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 4096 };

struct outcome {
	uint8_t data[ROOM], answer[ROOM];
	size_t data_used, answer_used;
	struct telnet telnet;
};

static void start(struct telnet *telnet, uint16_t columns, uint16_t rows)
{
	const struct telnet_terminal terminal = {.columns = columns, .rows = rows};

	telnet_init(telnet, &terminal);
}

/* Feeds bytes[0..n) up to `first`, then in pieces of `step`. */
static void feed(const void *input, size_t n, size_t first, size_t step,
		 struct outcome *ret)
{
	const uint8_t *bytes = input;

	memset(ret, 0, sizeof(*ret));
	start(&ret->telnet, 80, 24);
	for (size_t at = 0; at < n;) {
		size_t end = at < first ? first : at + step;
		if (end > n)
			end = n;
		while (at < end) {
			struct telnet_output out = {
				.data = ret->data + ret->data_used,
				.answer = ret->answer + ret->answer_used,
				.answer_room = ROOM - ret->answer_used,
			};
			at += telnet_feed(&ret->telnet, bytes + at, end - at, &out);
			ret->data_used += out.data_used;
			ret->answer_used += out.answer_used;
		}
	}
}

static void check(const void *input, size_t n, const void *data, size_t data_n,
		  const void *answer, size_t answer_n)
{
	struct outcome got;

	for (size_t first = 0; first <= n; first++) {
		for (size_t step = 1; step <= n; step += n - 1 ? n - 1 : 1) {
			feed(input, n, first, step, &got);
			assert_int_equal(got.data_used, data_n);
			assert_memory_equal(got.data, data, data_n);
			assert_int_equal(got.answer_used, answer_n);
			assert_memory_equal(got.answer, answer, answer_n);
		}
	}
}

#define CHECK(input, data, answer)                                                       \
	check(input, sizeof(input) - 1, data, sizeof(data) - 1, answer,                  \
	      sizeof(answer) - 1)

static void test_data(void **state)
{
	(void)state;
	CHECK("hello\r\n", "hello\r\n", "");
	CHECK("a\xff\xff"
	      "b",
	      "a\xff"
	      "b",
	      "");
	CHECK("a\r\0b\r\0\r\n", "a\rb\r\r\n", "");
	CHECK("a\xff\xf1"
	      "b\xff\xf9"
	      "c",
	      "abc", "");
}

static void test_options(void **state)
{
	(void)state;
	CHECK("\xff\xfb\x03", "", "\xff\xfd\x03"); /* WILL SGA: DO */
	CHECK("\xff\xfb\x01", "", "\xff\xfe\x01"); /* WILL ECHO: DONT */
	CHECK("\xff\xfd\xc8", "", "\xff\xfc\xc8"); /* DO what nobody knows: WONT */
	CHECK("\xff\xfd\x00", "", "\xff\xfb\x00"); /* DO BINARY: WILL */
	CHECK("\xff\xfc\x03\xff\xfe\x03", "", ""); /* is so already: silence */
	CHECK("\xff\xfb\x03\xff\xfb\x03", "", "\xff\xfd\x03"); /* again: silence */
	CHECK("\xff\xfb\x03\xff\xfc\x03", "", "\xff\xfd\x03\xff\xfe\x03");
	CHECK("\xff\xfd\x1f", "",
	      "\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0"); /* NAWS 80 x 24 */
}

static void test_terminal_type(void **state)
{
	(void)state;
	CHECK("x\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0y", "xy",
	      "\xff\xfb\x18\xff\xfa\x18\x00"
	      "DUMB\xff\xf0");
	/* Not agreed on before: nothing is told. */
	CHECK("\xff\xfa\x18\x01\xff\xf0y", "y", "");
	/* Longer than what is kept, with an IAC in it. */
	CHECK("\xff\xfa\x18"
	      "0123456789012345678901234567890123456789\xff\xff\xff\xf0y",
	      "y", "");
}

static void answer_to(struct telnet *telnet, const void *bytes, size_t n,
		      const void *wanted, size_t wanted_n)
{
	uint8_t data[64], answer[2 * TELNET_ANSWER_BYTES];
	struct telnet_output out = {
		.data = data, .answer = answer, .answer_room = sizeof(answer)};
	size_t at = 0;

	while (at < n)
		at += telnet_feed(telnet, (const uint8_t *)bytes + at, n - at, &out);
	assert_int_equal(out.answer_used, wanted_n);
	assert_memory_equal(answer, wanted, wanted_n);
}

static void test_terminal(void **state)
{
	const struct telnet_terminal terminal = {.columns = 80,
						 .rows = 24,
						 .takes_echo = true,
						 .type = "xterm-256color\xff\n"};
	uint8_t answer[TELNET_ANSWER_BYTES];
	struct telnet_output out = {.answer = answer, .answer_room = sizeof(answer)};
	struct telnet telnet;

	(void)state;
	telnet_init(&telnet, &terminal);
	telnet_resize(&telnet, 100, 30, &out); /* nobody has asked yet */
	assert_int_equal(out.answer_used, 0);
	assert_false(telnet_is_echoed(&telnet));
	answer_to(&telnet, "\xff\xfb\x01", 3, "\xff\xfd\x01", 3); /* WILL ECHO: DO */
	assert_true(telnet_is_echoed(&telnet));
	assert_false(telnet_wants_keys(&telnet));
	answer_to(&telnet, "\xff\xfb\x03", 3, "\xff\xfd\x03", 3);
	assert_true(telnet_wants_keys(&telnet));
	answer_to(&telnet, "\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0", 9,
		  "\xff\xfb\x18\xff\xfa\x18\x00XTERM-256COLOR\xff\xf0", 23);
	answer_to(&telnet, "\xff\xfd\x1f", 3,
		  "\xff\xfb\x1f\xff\xfa\x1f\x00\x64\x00\x1e\xff\xf0", 12);
	telnet_resize(&telnet, 255, 50, &out);
	assert_int_equal(out.answer_used, 10);
	assert_memory_equal(answer, "\xff\xfa\x1f\x00\xff\xff\x00\x32\xff\xf0", 10);
	answer_to(&telnet, "\xff\xfc\x01", 3, "\xff\xfe\x01", 3); /* WONT ECHO */
	assert_false(telnet_wants_keys(&telnet));
}

/* What is longer than the room for it is cut. */
static void test_long_type(void **state)
{
	char type[200];
	const struct telnet_terminal terminal = {.type = type};
	struct telnet telnet;

	(void)state;
	memset(type, 'a', sizeof(type));
	type[sizeof(type) - 1] = '\0';
	telnet_init(&telnet, &terminal);
	assert_int_equal(strlen(telnet.type), TELNET_TYPE_CHARS - 1);
}

static void test_window_with_iac(void **state)
{
	struct telnet telnet;
	uint8_t data[8], answer[TELNET_ANSWER_BYTES];
	struct telnet_output out = {data, 0, answer, sizeof(answer), 0, 0, 0, 0};

	(void)state;
	start(&telnet, 255, 24);
	assert_int_equal(telnet_feed(&telnet, (const uint8_t *)"\xff\xfd\x1f", 3, &out),
			 3);
	assert_int_equal(out.answer_used, 13);
	assert_memory_equal(answer,
			    "\xff\xfb\x1f\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0", 13);
	start(&telnet, 0, 0);
	out.answer_used = 0;
	telnet_feed(&telnet, (const uint8_t *)"\xff\xfd\x1f", 3, &out);
	assert_memory_equal(answer, "\xff\xfc\x1f", 3); /* there is no window */
}

static void test_no_room(void **state)
{
	struct telnet telnet;
	uint8_t data[8], answer[TELNET_ANSWER_BYTES - 1];
	struct telnet_output out = {data, 0, answer, sizeof(answer), 0, 0, 0, 0};

	(void)state;
	start(&telnet, 80, 24);
	assert_int_equal(telnet_feed(&telnet, (const uint8_t *)"abc", 3, &out), 0);
}

static void check_format(const char *input, size_t n, bool binary, const char *wanted,
			 size_t wanted_n)
{
	struct telnet telnet;
	uint8_t data[4], answer[TELNET_ANSWER_BYTES], got[64];
	struct telnet_output out = {data, 0, answer, sizeof(answer), 0, 0, 0, 0};

	start(&telnet, 80, 24);
	if (binary)
		telnet_feed(&telnet, (const uint8_t *)"\xff\xfd\x00", 3, &out);
	for (size_t cut = 0; cut <= n; cut++) {
		bool after_cr = false;
		size_t used = telnet_format(&telnet, (const uint8_t *)input, cut,
					    &after_cr, got);
		used += telnet_format(&telnet, (const uint8_t *)input + cut, n - cut,
				      &after_cr, got + used);
		assert_int_equal(used, wanted_n);
		assert_memory_equal(got, wanted, wanted_n);
	}
}

static void test_format(void **state)
{
	(void)state;
	check_format("a\nb\r\nc\rd\xff", 9, false, "a\r\nb\r\nc\r\0d\xff\xff", 12);
	check_format("a\nb\r\nc\rd\xff", 9, true, "a\nb\r\nc\rd\xff\xff", 10);
}

/* No byte becomes more than two, but for the NUL of a CR that came before. */
static void test_format_grows(void **state)
{
	struct telnet telnet;
	uint8_t bytes[16], got[2 * sizeof(bytes) + 1];
	bool after_cr = true;

	(void)state;
	memset(bytes, TELNET_IAC, sizeof(bytes));
	start(&telnet, 80, 24);
	assert_int_equal(telnet_format(&telnet, bytes, sizeof(bytes), &after_cr, got),
			 sizeof(got));
}

static void test_asked(void **state)
{
	(void)state;
	assert_true(telnet_is_asked((const uint8_t *)"login\xff\xfd\x18", 8));
	assert_false(telnet_is_asked((const uint8_t *)"login\xff\xfd", 7));
	assert_false(telnet_is_asked((const uint8_t *)"\xff\xff\x18", 3));
	assert_string_equal(telnet_verb_name(TELNET_DO), "DO");
	assert_string_equal(telnet_verb_name(1), "?");
	assert_string_equal(telnet_option_name(31), "NAWS");
	assert_string_equal(telnet_option_name(2), "?");
	assert_string_equal(telnet_option_name(255), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_terminal_type),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_long_type),
		cmocka_unit_test(test_window_with_iac),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_grows),
		cmocka_unit_test(test_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
