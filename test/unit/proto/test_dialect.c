/* The dialects of the calculation protocol: the bytes of each, every cut, both orders, and
 * what a server does about results that do not exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/calc.h>

#include "proto/service.h"

enum { OPERATIONS = 4 };

struct example {
	enum sonde_calc_dialect dialect;
	const char *bytes;
	size_t n;
};

/* ID 1, the sum of 2 and -3, little-endian. */
#define TWO_NUMBERS "\2\0\0\0\xfd\xff\xff\xff"

static char fixed64[4 + 64 + 1 + 8];

static const struct example examples[] = {
	{SONDE_CALC_SHEET, "\1\0\0\0Summe\2" TWO_NUMBERS, 18},
	{SONDE_CALC_FIXED7, "\1\0\0\0Summe\0\0\2" TWO_NUMBERS, 20},
	{SONDE_CALC_FIXED8, "\1\0\0\0Summe\0\0\0\2" TWO_NUMBERS, 21},
	{SONDE_CALC_FIXED10, "\1\0\0\0Summe\0\0\0\0\0\2" TWO_NUMBERS, 23},
	{SONDE_CALC_FIXED64, fixed64, sizeof(fixed64)},
	{SONDE_CALC_THREE, "\1\0\0\0SUM\2" TWO_NUMBERS, 16},
	{SONDE_CALC_ONE, "\1\0\0\0s\2\0\0\0" TWO_NUMBERS, 17},
	{SONDE_CALC_LENPREFIX, "\1\0\0\0\5Summe" TWO_NUMBERS, 18},
};

static int make_fixed64(void **state)
{
	(void)state;
	memcpy(fixed64, "\1\0\0\0Summe", 9);
	fixed64[68] = 2;
	memcpy(fixed64 + 69, TWO_NUMBERS, 8);
	return 0;
}

static struct sonde_calc_request make(enum sonde_calc_operation operation, size_t count,
				      int32_t each)
{
	struct sonde_calc_request request = {
		.id = {9, 8, 7, 6}, .operation = operation, .count = (uint8_t)count};

	for (size_t i = 0; i < count; i++)
		request.numbers[i] = each + (int32_t)i;
	return request;
}

static void has_the_bytes_of_each(void **state)
{
	(void)state;
	assert_int_equal(sizeof(examples) / sizeof(examples[0]), SONDE_CALC_DIALECTS);
	for (size_t i = 0; i < SONDE_CALC_DIALECTS; i++) {
		const struct example *example = &examples[i];
		struct sonde_calc_request request = {
			.id = {1}, .count = 2, .numbers = {2, -3}};
		uint8_t bytes[SONDE_CALC_DIALECT_BYTES];

		assert_int_equal(sonde_calc_format_as(&request, example->dialect,
						      SONDE_CALC_LITTLE, bytes),
				 example->n);
		assert_memory_equal(bytes, example->bytes, example->n);
		assert_non_null(sonde_calc_dialect_name(i));
	}
	assert_null(sonde_calc_dialect_name(SONDE_CALC_DIALECTS));
}

/* Every operation, N and order in every dialect: nothing is read of a part of it (but where
 * there is no N), and the whole is what was written. */
static void reads_what_it_writes(void **state)
{
	(void)state;
	static const size_t counts[] = {0, 1, 2, 3, 253, 254, 255};

	for (int d = 0; d < SONDE_CALC_DIALECTS; d++) {
		for (int k = 0; k < OPERATIONS * 7 * 2; k++) {
			size_t count = counts[k / 2 % 7];
			enum sonde_calc_order order =
				k % 2 ? SONDE_CALC_BIG : SONDE_CALC_LITTLE;
			struct sonde_calc_request read,
				request = make((enum sonde_calc_operation)(k / 14), count,
					       -2);
			uint8_t bytes[SONDE_CALC_DIALECT_BYTES + 1] = {0};
			size_t n = sonde_calc_format_as(
				&request, (enum sonde_calc_dialect)d, order, bytes);

			assert_true(n <= SONDE_CALC_DIALECT_BYTES);
			for (size_t cut = 0; cut < n; cut++) {
				ssize_t r = sonde_calc_parse_as(
					bytes, cut, (enum sonde_calc_dialect)d, order,
					&read);
				assert_true(r == 0 || (d == SONDE_CALC_LENPREFIX &&
						       r == (ssize_t)cut));
			}
			ssize_t r = sonde_calc_parse_as(
				bytes, n, (enum sonde_calc_dialect)d, order, &read);
			if (d == SONDE_CALC_LENPREFIX && count == 0) {
				assert_int_equal(r, 0);
				continue;
			}
			assert_int_equal(r, n);
			if (d != SONDE_CALC_LENPREFIX)
				assert_int_equal(
					sonde_calc_parse_as(bytes, n + 1,
							    (enum sonde_calc_dialect)d,
							    order, &read),
					n);
			assert_memory_equal(read.id, request.id, 4);
			assert_int_equal(read.operation, request.operation);
			assert_int_equal(read.count, request.count);
			assert_int_equal(read.order, order);
			assert_memory_equal(read.numbers, request.numbers, 4 * count);
		}
	}
}

struct odd {
	enum sonde_calc_dialect dialect;
	const char *bytes;
	size_t n;
	ssize_t result;
	enum sonde_calc_operation operation;
};

static void knows_the_variants_and_refuses_the_rest(void **state)
{
	(void)state;
	static const struct odd odds[] = {
		{SONDE_CALC_THREE, "\0\0\0\0Max\1\0\0\0\0", 12, 12, SONDE_CALC_MAXIMUM},
		{SONDE_CALC_THREE, "\0\0\0\0Pro\0", 8, 8, SONDE_CALC_PRODUCT},
		{SONDE_CALC_THREE, "\0\0\0\0MAx", 7, -EBADMSG, 0},
		{SONDE_CALC_THREE, "\0\0\0\0sum", 7, -EBADMSG, 0},
		{SONDE_CALC_ONE, "\0\0\0\0m\0\0\0\0", 9, 9, SONDE_CALC_PRODUCT},
		{SONDE_CALC_ONE, "\0\0\0\0i\0\0\0\0", 9, 9, SONDE_CALC_MINIMUM},
		{SONDE_CALC_ONE, "\0\0\0\0a\0\0\0\0", 9, 9, SONDE_CALC_MAXIMUM},
		{SONDE_CALC_ONE, "\0\0\0\0x", 5, -EBADMSG, 0},
		{SONDE_CALC_ONE, "\0\0\0\0s\0\1\0\0", 9, -EMSGSIZE, 0},
		{SONDE_CALC_ONE, "\0\0\0\0s\xff\xff\xff\xff", 9, -EMSGSIZE, 0},
		/* What stands behind the NUL is not looked at. */
		{SONDE_CALC_FIXED8, "\0\0\0\0Summe\0ab\0", 13, 13, SONDE_CALC_SUM},
		{SONDE_CALC_FIXED8, "\0\0\0\0Maximum\0\0", 13, 13, SONDE_CALC_MAXIMUM},
		{SONDE_CALC_FIXED8, "\0\0\0\0SummeX", 10, -EBADMSG, 0},
		{SONDE_CALC_FIXED8, "\0\0\0\0MaximumX", 12, -EBADMSG, 0},
		{SONDE_CALC_FIXED7, "\0\0\0\0Maximum\0", 12, 12, SONDE_CALC_MAXIMUM},
		{SONDE_CALC_LENPREFIX, "\0\0\0\0\7Produkt\0\0\0\0", 16, 16,
		 SONDE_CALC_PRODUCT},
		{SONDE_CALC_LENPREFIX, "\0\0\0\0\6", 5, -EBADMSG, 0},
		{SONDE_CALC_LENPREFIX, "\0\0\0\0\7S", 6, -EBADMSG, 0},
		{SONDE_CALC_LENPREFIX, "\0\0\0\0\5Summe\0\0\0\0\0", 15, 0, 0},
	};
	struct sonde_calc_request request;

	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		const struct odd *odd = &odds[i];
		assert_int_equal(sonde_calc_parse_as((const uint8_t *)odd->bytes, odd->n,
						     odd->dialect, SONDE_CALC_LITTLE,
						     &request),
				 odd->result);
		if (odd->result > 0)
			assert_int_equal(request.operation, odd->operation);
	}

	static uint8_t many[10 + 4 * 256] = "\0\0\0\0\5Summe";
	assert_int_equal(sonde_calc_parse_as(many, sizeof(many), SONDE_CALC_LENPREFIX,
					     SONDE_CALC_LITTLE, &request),
			 -EMSGSIZE);
}

/* --- the order, where it is not known */

static enum sonde_calc_order read_order(enum sonde_calc_dialect dialect,
					enum sonde_calc_order sent, size_t count,
					const int32_t *numbers)
{
	struct sonde_calc_request read, request = {.count = (uint8_t)count};
	uint8_t bytes[SONDE_CALC_DIALECT_BYTES];

	memcpy(request.numbers, numbers, count * sizeof(*numbers));
	size_t n = sonde_calc_format_as(&request, dialect, sent, bytes);
	assert_int_equal(sonde_calc_parse_as(bytes, n, dialect, SONDE_CALC_AUTO, &read),
			 n);
	if (read.order == sent)
		assert_memory_equal(read.numbers, numbers, count * sizeof(*numbers));
	return read.order;
}

/* Every number of up to 16 bits, alone and in company, in both orders.  A reading that is
 * not the sent one is right where it gives the same numbers. */
static void guesses_the_order_of_small_numbers(void **state)
{
	(void)state;
	for (int32_t number = -65535; number <= 65535; number++) {
		const int32_t numbers[] = {number, 7, -number};
		size_t count = 1 + 2 * (size_t)(number & 1);
		bool same = number == 0 && count == 1;

		assert_int_equal(
			read_order(SONDE_CALC_SHEET, SONDE_CALC_LITTLE, count, numbers),
			SONDE_CALC_LITTLE);
		assert_int_equal(
			read_order(SONDE_CALC_SHEET, SONDE_CALC_BIG, count, numbers),
			same ? SONDE_CALC_LITTLE : SONDE_CALC_BIG);
	}
	/* An N of four bytes tells more than the numbers. */
	static const int32_t large[] = {0x01000000, 0x02000000};
	assert_int_equal(read_order(SONDE_CALC_ONE, SONDE_CALC_LITTLE, 2, large),
			 SONDE_CALC_LITTLE);
	assert_int_equal(read_order(SONDE_CALC_ONE, SONDE_CALC_BIG, 2, large),
			 SONDE_CALC_BIG);
	assert_int_equal(read_order(SONDE_CALC_ONE, SONDE_CALC_BIG, 0, large),
			 SONDE_CALC_LITTLE);
}

/* --- results that do not exist */

struct impossible {
	enum sonde_calc_operation operation;
	uint8_t count;
	int32_t numbers[3];
	int error;
	int32_t wrapped, saturated;
};

static void has_a_result_for_each_policy(void **state)
{
	(void)state;
	static const struct impossible impossibles[] = {
		{SONDE_CALC_SUM, 2, {INT32_MAX, 1}, -ERANGE, INT32_MIN, INT32_MAX},
		{SONDE_CALC_SUM, 2, {INT32_MIN, -1}, -ERANGE, INT32_MAX, INT32_MIN},
		{SONDE_CALC_PRODUCT, 2, {65536, 65536}, -ERANGE, 0, INT32_MAX},
		{SONDE_CALC_PRODUCT, 2, {65537, -65537}, -ERANGE, -131073, INT32_MIN},
		{SONDE_CALC_PRODUCT,
		 3,
		 {INT32_MIN, INT32_MIN, -1},
		 -ERANGE,
		 0,
		 INT32_MIN},
		{SONDE_CALC_PRODUCT, 2, {INT32_MIN, -1}, -ERANGE, INT32_MIN, INT32_MAX},
		{SONDE_CALC_MINIMUM, 0, {0}, -EDOM, 0, INT32_MAX},
		{SONDE_CALC_MAXIMUM, 0, {0}, -EDOM, 0, INT32_MIN},
	};

	for (size_t i = 0; i < sizeof(impossibles) / sizeof(impossibles[0]); i++) {
		const struct impossible *at = &impossibles[i];
		struct sonde_calc_request request = {.operation = at->operation,
						     .count = at->count};
		int32_t result = 77;

		memcpy(request.numbers, at->numbers, sizeof(at->numbers));
		assert_int_equal(
			sonde_calc_compute_with(&request, SONDE_CALC_CLOSE, &result),
			at->error);
		assert_int_equal(result, 77);
		assert_int_equal(
			sonde_calc_compute_with(&request, SONDE_CALC_ZERO, &result),
			at->error);
		assert_int_equal(result, 0);
		assert_int_equal(
			sonde_calc_compute_with(&request, SONDE_CALC_WRAP, &result),
			at->error);
		assert_int_equal(result, at->wrapped);
		assert_int_equal(
			sonde_calc_compute_with(&request, SONDE_CALC_SATURATE, &result),
			at->error);
		assert_int_equal(result, at->saturated);
	}
	struct sonde_calc_request good = make(SONDE_CALC_SUM, 3, 5);
	int32_t result;
	assert_int_equal(sonde_calc_compute_with(&good, SONDE_CALC_WRAP, &result), 0);
	assert_int_equal(result, 18);
}

/* --- the service */

struct outcome {
	uint8_t output[512];
	size_t bytes;
	enum service_wish wish;
	bool refused;
	char reason[SERVICE_REASON_CHARS]; /* the first */
};

static void feed(const void *config, const uint8_t *input, size_t n, size_t first,
		 size_t step, struct outcome *ret)
{
	size_t taken = 0, shown = first < n ? first : n;

	memset(ret, 0, sizeof(*ret));
	for (;;) {
		struct service_turn turn = {
			.config = config,
			.input = input + taken,
			.input_bytes = shown - taken,
			.input_ended = shown == n,
			.output = ret->output + ret->bytes,
			.output_capacity = sizeof(ret->output) - ret->bytes,
		};
		ret->wish = service_calc.feed(&turn);
		taken += turn.taken;
		ret->bytes += turn.given;
		ret->refused = ret->refused || turn.refused;
		if (!ret->reason[0])
			strcpy(ret->reason, turn.reason);
		assert_int_not_equal(ret->wish, SERVICE_NEEDS_ROOM);
		assert_true(ret->wish == SERVICE_CLOSES ||
			    shown - taken <= service_calc.request_bytes);
		if (ret->wish == SERVICE_CLOSES || shown == n)
			return;
		shown = step < n - shown ? shown + step : n;
	}
}

/* Four requests in a row; the third has no result, which with every policy but close is
 * answered, and the rest too. */
static void serves_every_dialect_at_every_cut(void **state)
{
	(void)state;
	static const char *const policies[] = {"close", "zero", "wrap", "saturate"};
	static const int32_t third[] = {0, 0, -2, INT32_MAX};

	for (int d = 0; d < SONDE_CALC_LENPREFIX; d++) {
		for (size_t p = 0; p < 4; p++) {
			uint8_t input[2048], wanted[32];
			uint64_t config = 0;
			struct outcome outcome;
			size_t n = 0, wanted_bytes = p == 0 ? 16 : 32;
			struct sonde_calc_request requests[4] = {
				make(SONDE_CALC_SUM, 3, 5),
				make(SONDE_CALC_MAXIMUM, 10, -100),
				make(SONDE_CALC_SUM, 2, INT32_MAX - 1),
				make(SONDE_CALC_PRODUCT, 0, 0),
			};
			const int32_t results[] = {18, -91, third[p], 1};

			requests[2].numbers[1] = INT32_MAX;
			requests[2].numbers[0] = INT32_MAX;
			for (size_t i = 0; i < 4; i++) {
				n += sonde_calc_format_as(&requests[i],
							  (enum sonde_calc_dialect)d,
							  SONDE_CALC_BIG, input + n);
				sonde_calc_format_reply(requests[i].id, results[i],
							SONDE_CALC_BIG, wanted + 8 * i);
			}
			assert_int_equal(service_set(&service_calc, &config, "dialect",
						     sonde_calc_dialect_name((size_t)d)),
					 0);
			assert_int_equal(
				service_set(&service_calc, &config, "order", "be"), 0);
			assert_int_equal(service_set(&service_calc, &config, "on-error",
						     policies[p]),
					 0);
			for (size_t first = 0; first <= n; first++) {
				feed(&config, input, n, first, n, &outcome);
				assert_int_equal(outcome.bytes, wanted_bytes);
				assert_memory_equal(outcome.output, wanted, wanted_bytes);
				assert_int_equal(outcome.refused, p == 0);
				assert_non_null(strstr(outcome.reason,
						       "does not fit into 32 bits"));
				assert_int_equal(strstr(outcome.reason, "; answered ") !=
							 NULL,
						 p > 0);
				assert_int_equal(outcome.wish,
						 p == 0 ? SERVICE_CLOSES
							: SERVICE_NEEDS_INPUT);
			}
			for (size_t step = 1; step < 9; step++) {
				feed(&config, input, n, 0, step, &outcome);
				assert_int_equal(outcome.bytes, wanted_bytes);
				assert_memory_equal(outcome.output, wanted, wanted_bytes);
			}
		}
	}
}

/* Without an N the numbers are all that comes, cut wherever it may be: until the client
 * shuts its side, or pauses. */
static void serves_lenprefix_at_every_cut(void **state)
{
	(void)state;
	static const uint8_t input[] = "\1\0\0\0\7Maximum\5\0\0\0\6\0\0\0";
	uint64_t config = 0;
	struct outcome outcome;

	service_set(&service_calc, &config, "dialect", "lenprefix");
	for (size_t first = 0; first <= 20; first++) {
		feed(&config, input, 20, first, 20, &outcome);
		assert_int_equal(outcome.bytes, 8);
		assert_memory_equal(outcome.output, "\1\0\0\0\6\0\0\0", 8);
	}
	feed(&config, input, 20, 0, 1, &outcome);
	assert_int_equal(outcome.bytes, 8);
	assert_memory_equal(outcome.output, "\1\0\0\0\6\0\0\0", 8);
}

static void lenprefix_ends_with_a_pause(void **state)
{
	(void)state;
	static const uint8_t input[] = "\1\0\0\0\7Maximum\5\0\0\0\6\0\0\0";
	uint64_t config = 0;
	uint8_t output[64];

	service_set(&service_calc, &config, "dialect", "lenprefix");
	for (size_t n = 0; n <= 20; n++) {
		bool may_be_whole = n == 16 || n == 20;
		for (int paused = 0; paused < 2; paused++) {
			struct service_turn turn = {
				.config = &config,
				.input = input,
				.input_bytes = n,
				.input_paused = paused,
				.output = output,
				.output_capacity = sizeof(output),
			};
			assert_int_equal(service_calc.feed(&turn), SERVICE_NEEDS_INPUT);
			assert_int_equal(turn.awaits_pause, may_be_whole && !paused);
			assert_int_equal(turn.given, may_be_whole && paused ? 8 : 0);
			assert_int_equal(turn.taken, may_be_whole && paused ? n : 0);
		}
	}
}

static void answers_datagrams_of_every_policy(void **state)
{
	(void)state;
	uint8_t output[64];
	uint64_t config = 0;
	struct service_turn turn = {
		.config = &config,
		.input = (const uint8_t *)"\7\0\0\0Quotient",
		.input_bytes = 12,
		.output = output,
		.output_capacity = sizeof(output),
	};

	assert_false(service_calc.answer(&turn));
	service_set(&service_calc, &config, "on-error", "wrap");
	assert_false(service_calc.answer(&turn));
	service_set(&service_calc, &config, "on-error", "zero");
	assert_true(service_calc.answer(&turn));
	assert_int_equal(turn.given, 8);
	assert_memory_equal(output, "\7\0\0\0\0\0\0\0", 8);
	assert_false(turn.refused);
	assert_string_equal(turn.reason,
			    "ID 7: unknown operation \"Quotien\"; answered 0 "
			    "(on-error=zero)");

	service_set(&service_calc, &config, "dialect", "one");
	turn.input = (const uint8_t *)"\7\0\0\0s\0\0\0\1";
	turn.input_bytes = 9;
	turn.given = 0;
	assert_true(service_calc.answer(&turn));
	assert_string_equal(turn.reason, "ID 7: more than 255 numbers; answered 0 "
					 "(on-error=zero)");
	service_set(&service_calc, &config, "order", "auto");
	turn.input = (const uint8_t *)"\7\0\0\0s\0\0\0\1\0\0\0\5";
	turn.input_bytes = 13;
	turn.given = 0;
	assert_true(service_calc.answer(&turn));
	assert_memory_equal(output, "\7\0\0\0\0\0\0\5", 8);
	assert_int_equal(service_set(&service_calc, &config, "dialect", "fixed9"),
			 -EINVAL);
	assert_int_equal(service_set(&service_calc, &config, "on-error", "ignore"),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_bytes_of_each),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(knows_the_variants_and_refuses_the_rest),
		cmocka_unit_test(guesses_the_order_of_small_numbers),
		cmocka_unit_test(has_a_result_for_each_policy),
		cmocka_unit_test(serves_every_dialect_at_every_cut),
		cmocka_unit_test(serves_lenprefix_at_every_cut),
		cmocka_unit_test(lenprefix_ends_with_a_pause),
		cmocka_unit_test(answers_datagrams_of_every_policy),
	};
	return cmocka_run_group_tests(tests, make_fixed64, NULL);
}
