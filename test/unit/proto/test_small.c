/* The small services as pure functions: fed whole, cut at every byte and byte by byte; time,
 * chance and room are arguments here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/service.h"

enum { ROOM = 1 << 14 };

struct outcome {
	uint8_t output[ROOM];
	size_t bytes;
	uint32_t answered;
	enum service_wish wish;
};

/* Feeds input[0..n) up to `first`, then in steps of `step`, with `room` for output each
 * time. */
static void feed_pieces(const struct service *service, const void *config,
			const char *input, size_t n, size_t first, size_t step,
			size_t room, struct outcome *ret)
{
	size_t taken = 0, shown = first < n ? first : n;

	memset(ret, 0, sizeof(*ret));
	for (int calls = 0;; calls++) {
		struct service_turn turn = {
			.config = config,
			.input = (const uint8_t *)input + taken,
			.input_bytes = shown - taken,
			.input_ended = shown == n,
			.output = ret->output + ret->bytes,
			.output_capacity = room,
		};
		assert_true(ret->bytes + room <= sizeof(ret->output) && calls < 100000);
		ret->wish = service->feed(&turn);
		assert_true(turn.taken <= turn.input_bytes && turn.given <= room);
		assert_false(turn.refused);
		taken += turn.taken;
		ret->bytes += turn.given;
		ret->answered += turn.answered;
		if (ret->wish == SERVICE_NEEDS_ROOM)
			continue;
		assert_true(shown == n || shown - taken <= service->request_bytes);
		if (ret->wish == SERVICE_CLOSES || shown == n)
			break;
		shown = step < n - shown ? shown + step : n;
	}
	assert_true(ret->wish == SERVICE_CLOSES || taken == n);
}

static void assert_output(const struct outcome *outcome, const char *wanted, size_t n)
{
	assert_int_equal(outcome->bytes, n);
	assert_memory_equal(outcome->output, wanted, n);
}

/* The same answer, however the stream is cut and however little room there is. */
static void assert_stream(const struct service *service, const char *input, size_t n,
			  const char *wanted, size_t wanted_bytes)
{
	static struct outcome outcome;

	for (size_t first = 0; first <= n; first++) {
		feed_pieces(service, NULL, input, n, first, n, 4096, &outcome);
		assert_output(&outcome, wanted, wanted_bytes);
	}
	for (size_t step = 1; step < 9; step++) {
		feed_pieces(service, NULL, input, n, 0, step, 4096, &outcome);
		assert_output(&outcome, wanted, wanted_bytes);
		feed_pieces(service, NULL, input, n, 0, step, 11 + step, &outcome);
		assert_output(&outcome, wanted, wanted_bytes);
		feed_pieces(service, NULL, input, n, n, n, 11 + step, &outcome);
		assert_output(&outcome, wanted, wanted_bytes);
	}
}

struct datagram {
	uint8_t output[65535];
	struct service_turn turn;
};

static bool answer(const struct service *service, const void *config, const void *input,
		   size_t n, struct datagram *ret)
{
	ret->turn = (struct service_turn){
		.config = config,
		.local = ret->turn.local,
		.now_ns = ret->turn.now_ns,
		.chance = ret->turn.chance,
		.input = input,
		.input_bytes = n,
		.input_ended = true,
		.output = ret->output,
		.output_capacity = sizeof(ret->output),
		.answer_limit = sizeof(ret->output),
	};
	return service->answer(&ret->turn);
}

static void assert_datagram(const struct service *service, const char *input,
			    const char *wanted)
{
	static struct datagram datagram;

	assert_true(answer(service, NULL, input, strlen(input), &datagram));
	assert_int_equal(datagram.turn.given, strlen(wanted));
	assert_memory_equal(datagram.output, wanted, strlen(wanted));
	assert_int_equal(datagram.turn.answered, 1);
}

/* --- upper, rot13 */

struct text {
	const char *input;
	const char *wanted;
};

static void upper_knows_the_letters_of_unicode(void **state)
{
	(void)state;
	static const struct text texts[] = {
		{"", ""},
		{"Hello, World 123\r\n", "HELLO, WORLD 123\r\n"},
		{"stra\xc3\x9f"
		 "e",
		 "STRASSE"},
		{"\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa9\xc3\xbf",
		 "\xc3\x84\xc3\x96\xc3\x9c \xc3\x89\xc5\xb8"},
		{"\xef\xac\x83n", "FFIN"}, /* U+FB03, a ligature of three */
		{"\xce\xb1\xcf\x82", "\xce\x91\xce\xa3"},     /* alpha, final sigma */
		{"\xe1\xbe\xb7", "\xce\x91\xcd\x82\xce\x99"}, /* three of two bytes */
		{"\xf0\x90\x90\xa8!", "\xf0\x90\x90\x80!"},   /* U+10428 */
		{"\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_stream(&service_upper, texts[i].input, strlen(texts[i].input),
			      texts[i].wanted, strlen(texts[i].wanted));
}

/* What is no UTF-8 goes back as it is, and nothing of what follows waits for it. */
static void upper_passes_what_is_no_text(void **state)
{
	(void)state;
	static const struct text texts[] = {
		{"a\xff"
		 "b",
		 "A\xff"
		 "B"},
		{"\x80z", "\x80Z"},
		{"\xc3", "\xc3"}, /* cut, and the client has ended */
		{"\xf0\x90\x90", "\xf0\x90\x90"},
		{"\xc3z", "\xc3Z"},
		{"\xe2\x82z", "\xe2\x82Z"},
		{"\xed\xa0\x80z", "\xed\xa0\x80Z"}, /* a surrogate */
		{"\xc0\xafz", "\xc0\xafZ"},         /* overlong */
		{"\xf4\x90\x80\x80z", "\xf4\x90\x80\x80Z"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_stream(&service_upper, texts[i].input, strlen(texts[i].input),
			      texts[i].wanted, strlen(texts[i].wanted));
	assert_stream(&service_upper, "a\0b", 3, "A\0B", 3);

	/* Only the beginning of a character is waited for. */
	static const char *const waits[] = {"\xc3", "\xe2\x82", "\xf0\x9f\x98",
					    "\xed\x9f", "\xf4\x8f"};
	static const char *const goes[] = {"\xff",     "\x80",     "\xed\xa0",
					   "\xf4\x90", "\xe0\x9f", "\xc1"};
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		uint8_t output[16];
		struct service_turn turn = {
			.input = (const uint8_t *)waits[i],
			.input_bytes = strlen(waits[i]),
			.output = output,
			.output_capacity = sizeof(output),
		};
		assert_int_equal(service_upper.feed(&turn), SERVICE_NEEDS_INPUT);
		assert_int_equal(turn.taken, 0);
		assert_true(turn.input_bytes <= service_upper.request_bytes);
		assert_int_equal(turn.answered, 0);
	}
	for (size_t i = 0; i < sizeof(goes) / sizeof(goes[0]); i++) {
		uint8_t output[16];
		struct service_turn turn = {
			.input = (const uint8_t *)goes[i],
			.input_bytes = strlen(goes[i]),
			.output = output,
			.output_capacity = sizeof(output),
		};
		service_upper.feed(&turn);
		assert_true(turn.taken > 0);
	}
}

static void upper_changes_ascii_alone_in_datagrams(void **state)
{
	(void)state;
	assert_datagram(&service_upper,
			"stra\xc3\x9f"
			"e {|}~ `az",
			"STRA\xc3\x9f"
			"E {|}~ `AZ");
	assert_datagram(&service_upper, "", "");
}

static void rot13_turns_letters_only(void **state)
{
	(void)state;
	static const char input[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz "
		"@[`{ 0189 \xc1\xe1\xff";
	static const char wanted[] =
		"NOPQRSTUVWXYZABCDEFGHIJKLM nopqrstuvwxyzabcdefghijklm "
		"@[`{ 0189 \xc1\xe1\xff";

	assert_stream(&service_rot13, input, sizeof(input), wanted, sizeof(wanted));
	assert_stream(&service_rot13, wanted, sizeof(wanted), input, sizeof(input));
	assert_datagram(&service_rot13, input, wanted);
	assert_datagram(&service_rot13, "", "");
}

/* --- reverse, tell: a read is a message */

static void reverse_turns_each_read_round(void **state)
{
	(void)state;
	static struct outcome outcome;

	feed_pieces(&service_reverse, NULL, "abcdefg", 7, 7, 7, 64, &outcome);
	assert_output(&outcome, "gfedcba", 7);
	feed_pieces(&service_reverse, NULL, "abcdefg", 7, 3, 7, 64, &outcome);
	assert_output(&outcome, "cbagfed", 7);
	assert_int_equal(outcome.answered, 2);
	feed_pieces(&service_reverse, NULL, "abcdefg", 7, 0, 1, 64, &outcome);
	assert_output(&outcome, "abcdefg", 7);
	assert_datagram(&service_reverse, "abc", "cba");
	assert_datagram(&service_reverse, "", "");

	/* A read for which there is no room is not taken in parts. */
	struct service_turn turn = {
		.input = (const uint8_t *)"abc",
		.input_bytes = 3,
		.output = outcome.output,
		.output_capacity = 2,
	};
	assert_int_equal(service_reverse.feed(&turn), SERVICE_NEEDS_ROOM);
	assert_int_equal(turn.taken + turn.given, 0);
}

static void tell_repeats_with_its_prefix(void **state)
{
	(void)state;
	static struct outcome outcome;
	static struct datagram datagram;
	char long_prefix[300];
	void *config = calloc(1, service_tell.config_bytes);

	assert_non_null(config);
	feed_pieces(&service_tell, config, "hello", 5, 5, 5, 64, &outcome);
	assert_output(&outcome, "You told me: hello", 18);
	feed_pieces(&service_tell, config, "hello", 5, 2, 5, 64, &outcome);
	assert_output(&outcome, "You told me: heYou told me: llo", 31);
	feed_pieces(&service_tell, config, "hello", 5, 5, 5, 15, &outcome);
	assert_output(&outcome, "You told me: heYou told me: llYou told me: o", 44);
	feed_pieces(&service_tell, config, "", 0, 0, 1, 64, &outcome);
	assert_output(&outcome, "", 0);

	assert_int_equal(service_set(&service_tell, config, "prefix", "server got: "), 0);
	feed_pieces(&service_tell, config, "x", 1, 1, 1, 64, &outcome);
	assert_output(&outcome, "server got: x", 13);
	assert_true(answer(&service_tell, config, "x", 1, &datagram));
	assert_memory_equal(datagram.output, "server got: x", datagram.turn.given);
	assert_int_equal(service_set(&service_tell, config, "prefix", ""), 0);
	feed_pieces(&service_tell, config, "x", 1, 1, 1, 64, &outcome);
	assert_output(&outcome, "x", 1);

	memset(long_prefix, 'p', sizeof(long_prefix));
	long_prefix[256] = '\0';
	assert_int_equal(service_set(&service_tell, config, "prefix", long_prefix),
			 -EINVAL);
	long_prefix[255] = '\0';
	assert_int_equal(service_set(&service_tell, config, "prefix", long_prefix), 0);
	static uint8_t most[65507];
	assert_true(answer(&service_tell, config, most, sizeof(most), &datagram));
	assert_true(datagram.turn.given <= sizeof(datagram.output));
	free(config);
}

/* --- daytime, time: the moment is an argument */

static void daytime_has_four_formats(void **state)
{
	(void)state;
	static const struct text formats[] = {
		{"ctime", "Sun Feb  1 00:05:09 2026\r\n"},
		{"xinetd", "01 FEB 2026 00:05:09 NPT\r\n"},
		{"windows", "12:05:09 AM 2/1/2026\n"},
		{"iso", "2026-02-01T00:05:09+05:45\r\n"},
	};
	static const struct tm moment = {.tm_year = 126,
					 .tm_mon = 1,
					 .tm_mday = 1,
					 .tm_wday = 0,
					 .tm_min = 5,
					 .tm_sec = 9,
					 .tm_gmtoff = 20700,
					 .tm_zone = "NPT"};
	static struct datagram datagram;
	uint64_t config = 0;

	assert_true(service_daytime.config_bytes <= sizeof(config));
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *wanted = formats[i].wanted;
		uint8_t output[64];
		struct service_turn turn = {
			.config = &config,
			.local = &moment,
			.input = (const uint8_t *)"x",
			.input_bytes = 1,
			.output = output,
			.output_capacity = strlen(wanted) - 1,
		};
		assert_int_equal(service_set(&service_daytime, &config, "format",
					     formats[i].input),
				 0);
		assert_int_equal(service_daytime.feed(&turn), SERVICE_NEEDS_ROOM);
		assert_int_equal(turn.given, 0);
		turn.output_capacity++;
		assert_int_equal(service_daytime.feed(&turn), SERVICE_CLOSES);
		assert_int_equal(turn.given, strlen(wanted));
		assert_memory_equal(output, wanted, strlen(wanted));

		datagram.turn.local = &moment;
		assert_true(answer(&service_daytime, &config, NULL, 0, &datagram));
		assert_memory_equal(datagram.output, wanted, datagram.turn.given);
	}

	struct tm noon = moment;
	noon.tm_hour = 12;
	noon.tm_gmtoff = -12600;
	datagram.turn.local = &noon;
	assert_true(answer(&service_daytime, &config, NULL, 0, &datagram));
	assert_memory_equal(datagram.output, "2026-02-01T12:05:09-03:30\r\n", 27);
	service_set(&service_daytime, &config, "format", "windows");
	assert_true(answer(&service_daytime, &config, NULL, 0, &datagram));
	assert_memory_equal(datagram.output, "12:05:09 PM 2/1/2026\n", 21);
	assert_int_equal(service_set(&service_daytime, &config, "format", "rfc"),
			 -EINVAL);
}

struct moment {
	int64_t seconds; /* since 1970 */
	const char *bytes;
};

static void time_counts_from_1900(void **state)
{
	(void)state;
	static const struct moment moments[] = {
		{0, "\x83\xaa\x7e\x80"}, /* RFC 868: 2,208,988,800 is 1 Jan 1970 */
		{-INT64_C(2208988800), "\0\0\0\0"},
		{INT64_C(315532800), "\x96\x79\x24\x80"}, /* RFC 868: 1 Jan 1980 */
		{INT64_C(2085978495), "\xff\xff\xff\xff"},
		{INT64_C(2085978496), "\0\0\0\0"}, /* 7 Feb 2036, 6:28:16 */
	};
	static struct datagram datagram;

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		uint8_t output[8];
		struct service_turn turn = {
			.now_ns = moments[i].seconds * 1000000000 + 999999999,
			.output = output,
			.output_capacity = sizeof(output),
		};
		assert_int_equal(service_time.feed(&turn), SERVICE_CLOSES);
		assert_int_equal(turn.given, 4);
		assert_memory_equal(output, moments[i].bytes, 4);
		datagram.turn.now_ns = turn.now_ns;
		assert_true(answer(&service_time, NULL, "x", 1, &datagram));
		assert_int_equal(datagram.turn.given, 4);
		assert_memory_equal(datagram.output, moments[i].bytes, 4);
	}
}

/* --- chargen, qotd: chance is an argument */

static void chargen_flows_without_a_seam(void **state)
{
	(void)state;
	enum { LINE = 74, PATTERN = 95 * LINE };
	static uint8_t whole[2 * PATTERN], parts[2 * PATTERN];
	uint64_t flow = 0;
	struct service_turn turn = {
		.state = &flow, .output = whole, .output_capacity = sizeof(whole)};

	assert_true(service_chargen.state_bytes <= sizeof(flow));
	assert_int_equal(service_chargen.feed(&turn), SERVICE_NEEDS_ROOM);
	assert_int_equal(turn.given, sizeof(whole));
	assert_memory_equal(whole,
			    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTU"
			    "VWXYZ[\\]^_`abcdefg\r\n!\"#",
			    77);
	assert_memory_equal(whole, whole + PATTERN, PATTERN);
	for (size_t line = 0; line < 95; line++) {
		const uint8_t *at = whole + line * LINE;
		for (size_t i = 0; i < 72; i++)
			assert_int_equal(at[i], ' ' + (line + i) % 95);
		assert_memory_equal(at + 72, "\r\n", 2);
	}
	flow = 0;
	for (size_t at = 0, n = 1; at < sizeof(parts); at += n, n = n % 301 + 1) {
		size_t left = sizeof(parts) - at;
		turn = (struct service_turn){.state = &flow,
					     .output = parts + at,
					     .output_capacity = n < left ? n : left};
		assert_int_equal(service_chargen.feed(&turn), SERVICE_NEEDS_ROOM);
	}
	assert_memory_equal(parts, whole, sizeof(whole));
}

static void chargen_datagrams_are_as_long_as_chance_has_it(void **state)
{
	(void)state;
	static struct datagram datagram;
	bool seen[513] = {false};

	for (uint64_t i = 0; i < 513; i++) {
		datagram.turn.chance = i + (i << 32) / 513 * 513;
		assert_true(answer(&service_chargen, NULL, NULL, 0, &datagram));
		assert_true(datagram.turn.given <= 512);
		seen[datagram.turn.given] = true;
		for (size_t k = 0; k < datagram.turn.given; k++)
			assert_true((datagram.output[k] >= ' ' &&
				     datagram.output[k] <= '~') ||
				    datagram.output[k] == '\r' ||
				    datagram.output[k] == '\n');
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_true(seen[i]);

	/* What may not leave is not made. */
	for (size_t limit = 0; limit < 600; limit += 7) {
		struct service_turn turn = {.chance = UINT64_MAX - limit * 12345,
					    .output = datagram.output,
					    .output_capacity = sizeof(datagram.output),
					    .answer_limit = limit};
		assert_true(service_chargen.answer(&turn));
		assert_true(turn.given <= limit && turn.given <= 512);
	}
}

static void qotd_tells_each_of_its_quotes(void **state)
{
	(void)state;
	static struct datagram datagram;
	void *config = calloc(1, service_qotd.config_bytes);
	char longest[600];

	assert_non_null(config);
	for (datagram.turn.chance = 0; datagram.turn.chance < 100;
	     datagram.turn.chance++) {
		assert_true(answer(&service_qotd, config, NULL, 0, &datagram));
		assert_true(datagram.turn.given > 10 && datagram.turn.given < 512);
		assert_memory_equal(datagram.output + datagram.turn.given - 2, "\r\n", 2);
		assert_null(memchr(datagram.output, '%', datagram.turn.given));
	}

	static const char *const told[] = {"first\r\n", "second,\r\nof two lines\r\n",
					   "100 %\r\n", "last\r\n"};
	assert_int_equal(service_set(&service_qotd, config, "file",
				     "%\nfirst\n%\r\nsecond,\r\nof two lines\n%\n%\n"
				     "100 %\n%\nlast"),
			 0);
	for (size_t i = 0; i < 8; i++) {
		datagram.turn.chance = i;
		assert_true(answer(&service_qotd, config, NULL, 0, &datagram));
		assert_int_equal(datagram.turn.given, strlen(told[i % 4]));
		assert_memory_equal(datagram.output, told[i % 4], datagram.turn.given);
	}

	uint8_t output[64];
	struct service_turn turn = {.config = config,
				    .input = (const uint8_t *)"hello",
				    .input_bytes = 5,
				    .output = output,
				    .output_capacity = 6};
	assert_int_equal(service_qotd.feed(&turn), SERVICE_NEEDS_ROOM);
	assert_int_equal(turn.given, 0);
	turn.output_capacity = 7;
	assert_int_equal(service_qotd.feed(&turn), SERVICE_CLOSES);
	assert_int_equal(turn.taken, 5);
	assert_memory_equal(output, "first\r\n", 7);

	memset(longest, 'x', sizeof(longest));
	longest[510] = '\0';
	assert_int_equal(service_set(&service_qotd, config, "file", longest), -EINVAL);
	longest[509] = '\0';
	assert_int_equal(service_set(&service_qotd, config, "file", longest), 0);
	assert_int_equal(service_set(&service_qotd, config, "file", "%\n\r\n%\n"), 0);
	assert_int_equal(service_set(&service_qotd, config, "file", "%\n%\n"), -EINVAL);
	assert_int_equal(service_set(&service_qotd, config, "file", ""), -EINVAL);
	free(config);
}

/* --- discard */

static void discard_says_nothing(void **state)
{
	(void)state;
	static struct datagram datagram;

	assert_stream(&service_discard, "some text", 9, "", 0);
	assert_false(answer(&service_discard, NULL, "text", 4, &datagram));
	assert_false(datagram.turn.refused);
	assert_int_equal(datagram.turn.given, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upper_knows_the_letters_of_unicode),
		cmocka_unit_test(upper_passes_what_is_no_text),
		cmocka_unit_test(upper_changes_ascii_alone_in_datagrams),
		cmocka_unit_test(rot13_turns_letters_only),
		cmocka_unit_test(reverse_turns_each_read_round),
		cmocka_unit_test(tell_repeats_with_its_prefix),
		cmocka_unit_test(daytime_has_four_formats),
		cmocka_unit_test(time_counts_from_1900),
		cmocka_unit_test(chargen_flows_without_a_seam),
		cmocka_unit_test(chargen_datagrams_are_as_long_as_chance_has_it),
		cmocka_unit_test(qotd_tells_each_of_its_quotes),
		cmocka_unit_test(discard_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
