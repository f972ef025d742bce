/* The services as pure functions: the same stream fed whole, cut at every byte, byte by
 * byte and into little room must give the same answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <sonde/calc.h>

#include "proto/service.h"

enum { ROOM = 1 << 16 };

/* What a client saw of a stream. */
struct outcome {
	uint8_t output[ROOM];
	size_t bytes;
	uint32_t answered;
	enum service_wish wish;
	bool refused;
	char reason[SERVICE_REASON_CHARS];
};

/* A server of its own: hands over `input` in pieces that end at cuts of `step` bytes
 * (first at `first`), with `room` bytes for output at a time. */
static void feed_pieces(const struct service *service, const void *config,
			const uint8_t *input, size_t n, size_t first, size_t step,
			size_t room, struct outcome *ret)
{
	size_t taken = 0, shown = first < n ? first : n;
	bool more = true;

	memset(ret, 0, sizeof *ret);
	while (more) {
		struct service_turn turn = {
			.config = config,
			.input = input + taken,
			.input_bytes = shown - taken,
			.input_ended = shown == n,
			.output = ret->output + ret->bytes,
			.output_capacity = room,
		};
		assert_true(ret->bytes + room <= sizeof ret->output);
		ret->wish = service->feed(&turn);
		assert_true(turn.taken <= turn.input_bytes);
		assert_true(turn.given <= room);
		taken += turn.taken;
		ret->bytes += turn.given;
		ret->answered += turn.answered;
		ret->refused = turn.refused;
		memcpy(ret->reason, turn.reason, sizeof ret->reason);
		switch (ret->wish) {
		case SERVICE_NEEDS_INPUT:
			assert_true(shown == n ||
				    shown - taken <= service->request_bytes);
			more = shown < n;
			shown = step < n - shown ? shown + step : n;
			break;
		case SERVICE_NEEDS_ROOM:
			assert_true(turn.given > 0 || room < 8);
			break;
		case SERVICE_CLOSES:
			more = false;
			break;
		}
	}
}

static void assert_same_outcome(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->bytes, b->bytes);
	assert_memory_equal(a->output, b->output, a->bytes);
	assert_int_equal(a->wish, b->wish);
	assert_int_equal(a->refused, b->refused);
}

static void assert_same_at_every_cut(const struct service *service, const void *config,
				     const uint8_t *input, size_t n,
				     const struct outcome *whole)
{
	static struct outcome cut;

	for (size_t first = 0; first <= n; first++) {
		feed_pieces(service, config, input, n, first, n, ROOM / 2, &cut);
		assert_same_outcome(&cut, whole);
	}
	for (size_t step = 1; step <= 19; step++) {
		feed_pieces(service, config, input, n, 0, step, 4096, &cut);
		assert_same_outcome(&cut, whole);
		feed_pieces(service, config, input, n, 0, step, 8, &cut);
		assert_same_outcome(&cut, whole);
		feed_pieces(service, config, input, n, n, n, 7 + step, &cut);
		assert_same_outcome(&cut, whole);
	}
}

static size_t put(uint8_t *at, uint8_t id, enum sonde_calc_operation operation,
		  uint8_t count, int32_t each)
{
	struct sonde_calc_request request = {
		.id = {id, 0, 0, 0},
		.operation = operation,
		.count = count,
	};
	for (size_t i = 0; i < count; i++)
		request.numbers[i] = each;
	uint8_t bytes[SONDE_CALC_REQUEST_BYTES];
	size_t n = sonde_calc_format(&request, SONDE_CALC_LITTLE, bytes);
	memcpy(at, bytes, n);
	return n;
}

static void calc_answers_a_pipeline_in_order(void **state)
{
	(void)state;
	static struct outcome whole;
	uint8_t input[4096], wanted[5 * 8];
	uint64_t little = 0;
	size_t n = 0;

	n += put(input + n, 1, SONDE_CALC_SUM, 2, 21);
	n += put(input + n, 2, SONDE_CALC_PRODUCT, 0, 0);
	n += put(input + n, 3, SONDE_CALC_MAXIMUM, 255, -7);
	n += put(input + n, 4, SONDE_CALC_MINIMUM, 1, INT32_MIN);
	n += put(input + n, 5, SONDE_CALC_SUM, 0, 0);
	static const int32_t results[] = {42, 1, -7, INT32_MIN, 0};
	for (uint8_t i = 0; i < 5; i++)
		sonde_calc_format_reply((uint8_t[]){(uint8_t)(i + 1), 0, 0, 0},
					results[i], SONDE_CALC_LITTLE,
					wanted + i * (size_t)8);

	feed_pieces(&service_calc, &little, input, n, n, n, ROOM, &whole);
	assert_int_equal(whole.bytes, sizeof wanted);
	assert_memory_equal(whole.output, wanted, sizeof wanted);
	assert_int_equal(whole.answered, 5);
	assert_int_equal(whole.wish, SERVICE_NEEDS_INPUT);
	assert_string_equal(whole.reason, "");
	assert_same_at_every_cut(&service_calc, &little, input, n, &whole);
}

struct refusal {
	const char *bytes; /* follow one request that can be answered */
	size_t n;
	const char *reason;
};

/* All that comes before is answered, nothing that comes behind. */
static void calc_closes_at_what_it_cannot_answer(void **state)
{
	(void)state;
	static struct outcome whole;
	static const struct refusal refusals[] = {
		{"\x07\0\0\0Quotient\0", 13, "ID 7: unknown operation \"Quotien\""},
		{"\x07\0\0\0\0\0\0", 7, "ID 7: unknown operation \"\""},
		{"\x07\0\0\0Minimum\0", 12, "ID 7: Minimum of no numbers does not exist"},
		{"\xff\xff\xff\xffMaximum\0", 12,
		 "ID 4294967295: Maximum of no numbers does not exist"},
		{"\x07\0\0\0Summe\2\xff\xff\xff\x7f\1\0\0\0", 18,
		 "ID 7: Summe of 2 numbers does not fit into 32 bits"},
	};
	uint64_t little = 0;

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		uint8_t input[256];
		size_t n = put(input, 1, SONDE_CALC_SUM, 2, 21);
		memcpy(input + n, refusals[i].bytes, refusals[i].n);
		n += refusals[i].n;
		n += put(input + n, 2, SONDE_CALC_SUM, 2, 21);

		feed_pieces(&service_calc, &little, input, n, n, n, ROOM, &whole);
		assert_int_equal(whole.bytes, 8);
		assert_memory_equal(whole.output, "\1\0\0\0\x2a\0\0\0", 8);
		assert_int_equal(whole.wish, SERVICE_CLOSES);
		assert_true(whole.refused);
		assert_string_equal(whole.reason, refusals[i].reason);
		assert_same_at_every_cut(&service_calc, &little, input, n, &whole);
	}
}

static void calc_says_where_a_client_broke_off(void **state)
{
	(void)state;
	static struct outcome outcome;
	uint8_t input[64];
	uint64_t little = 0;
	size_t n = put(input, 1, SONDE_CALC_SUM, 2, 21);

	feed_pieces(&service_calc, &little, input, n - 1, n - 1, n, ROOM, &outcome);
	assert_int_equal(outcome.bytes, 0);
	assert_int_equal(outcome.wish, SERVICE_NEEDS_INPUT);
	assert_true(outcome.refused);
	assert_string_equal(outcome.reason, "the client ended 17 bytes into a request");
}

static void calc_takes_its_order(void **state)
{
	(void)state;
	static struct outcome outcome;
	uint64_t config = 0;
	static const uint8_t input[] = "\0\0\0\1Summe\2\0\0\0\1\0\0\0\2";

	assert_true(service_calc.config_bytes <= sizeof config);
	assert_int_equal(service_set(&service_calc, &config, "order", "be"), 0);
	feed_pieces(&service_calc, &config, input, 18, 18, 18, ROOM, &outcome);
	assert_int_equal(outcome.bytes, 8);
	assert_memory_equal(outcome.output, "\0\0\0\1\0\0\0\3", 8);
	assert_int_equal(service_set(&service_calc, &config, "order", "le"), 0);
	assert_int_equal(config, 0);
	assert_int_equal(service_set(&service_calc, &config, "order", "middle"), -EINVAL);
	assert_int_equal(service_set(&service_calc, &config, "ordre", "le"), -ENOENT);
	assert_int_equal(service_set(&service_echo, NULL, "order", "le"), -ENOENT);
}

static bool answer(const struct service *service, const void *bytes, size_t n,
		   struct service_turn *ret)
{
	static uint8_t output[ROOM];
	static const uint64_t config = 0;

	*ret = (struct service_turn){
		.config = &config,
		.input = bytes,
		.input_bytes = n,
		.input_ended = true,
		.output = output,
		.output_capacity = sizeof output,
	};
	return service->answer(ret);
}

static void calc_answers_whole_datagrams_only(void **state)
{
	(void)state;
	uint8_t input[SONDE_CALC_REQUEST_BYTES + 1];
	struct service_turn turn;

	size_t n = put(input, 1, SONDE_CALC_MAXIMUM, 255, 3);
	assert_int_equal(n, SONDE_CALC_REQUEST_BYTES);
	for (size_t cut = 0; cut < n; cut++) {
		assert_false(answer(&service_calc, input, cut, &turn));
		assert_true(turn.refused);
		assert_int_equal(turn.given, 0);
	}
	assert_true(answer(&service_calc, input, n, &turn));
	assert_int_equal(turn.given, 8);
	assert_memory_equal(turn.output, "\1\0\0\0\3\0\0\0", 8);
	assert_int_equal(turn.answered, 1);

	assert_false(answer(&service_calc, input, n + 1, &turn));
	assert_string_equal(turn.reason, "ID 1: 1 bytes behind the request");
	assert_false(answer(&service_calc, input, 3, &turn));
	assert_string_equal(turn.reason, "a datagram of 3 bytes is no whole request");
	assert_false(answer(&service_calc, "\1\0\0\0Foo", 7, &turn));
	assert_string_equal(turn.reason, "ID 1: unknown operation \"Foo\"");
	n = put(input, 1, SONDE_CALC_PRODUCT, 2, 1 << 16);
	assert_false(answer(&service_calc, input, n, &turn));
	assert_true(turn.refused);
	assert_string_equal(turn.reason,
			    "ID 1: Produkt of 2 numbers does not fit into 32 bits");
}

static void echo_sends_back_every_byte(void **state)
{
	(void)state;
	static struct outcome whole;
	uint8_t input[600];

	for (size_t i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)(i * 7);
	feed_pieces(&service_echo, NULL, input, sizeof input, sizeof input, 1, ROOM,
		    &whole);
	assert_int_equal(whole.bytes, sizeof input);
	assert_memory_equal(whole.output, input, sizeof input);
	assert_same_at_every_cut(&service_echo, NULL, input, sizeof input, &whole);
}

static void echo_answers_datagrams_of_every_size(void **state)
{
	(void)state;
	static uint8_t input[65507];
	struct service_turn turn;

	for (size_t i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)(i * 13);
	for (size_t n = 0; n <= sizeof input; n = n < 1024 ? n + 1 : n * 2) {
		assert_true(answer(&service_echo, input, n, &turn));
		assert_int_equal(turn.given, n);
		assert_memory_equal(turn.output, input, n);
	}
	assert_true(answer(&service_echo, input, sizeof input, &turn));
	assert_int_equal(turn.given, sizeof input);
	assert_memory_equal(turn.output, input, sizeof input);
}

static void the_table_is_whole_and_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < service_count; i++) {
		const struct service *service = service_table[i];
		assert_non_null(service->name);
		assert_non_null(service->summary);
		assert_true(service->port > 0);
		assert_true(!(service->transports & SERVICE_TCP) || service->feed);
		assert_true(!(service->transports & SERVICE_UDP) || service->answer);
		assert_ptr_equal(service_find(service->name), service);
		if (i > 0)
			assert_true(strcmp(service_table[i - 1]->name, service->name) <
				    0);
	}
	assert_null(service_find("calx"));
	assert_null(service_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calc_answers_a_pipeline_in_order),
		cmocka_unit_test(calc_closes_at_what_it_cannot_answer),
		cmocka_unit_test(calc_says_where_a_client_broke_off),
		cmocka_unit_test(calc_takes_its_order),
		cmocka_unit_test(calc_answers_whole_datagrams_only),
		cmocka_unit_test(echo_sends_back_every_byte),
		cmocka_unit_test(echo_answers_datagrams_of_every_size),
		cmocka_unit_test(the_table_is_whole_and_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
