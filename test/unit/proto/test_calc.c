/* The calculation protocol: framing at every cut, exact arithmetic against long-hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <sonde/calc.h>

static const enum sonde_calc_operation operations[] = {
	SONDE_CALC_SUM,
	SONDE_CALC_PRODUCT,
	SONDE_CALC_MINIMUM,
	SONDE_CALC_MAXIMUM,
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* Numbers that look random and are the same in every run (xorshift, Marsaglia 2003). */
static uint64_t chance_state;

static uint32_t chance(void)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (uint32_t)(chance_state >> 16);
}

static struct sonde_calc_request make(enum sonde_calc_operation operation, size_t count,
				      const int32_t *numbers)
{
	struct sonde_calc_request request = {
		.id = {0x01, 0x02, 0x03, 0x04},
		.operation = operation,
		.count = (uint8_t)count,
	};
	if (count > 0)
		memcpy(request.numbers, numbers, count * sizeof *numbers);
	return request;
}

static void assert_same(const struct sonde_calc_request *a,
			const struct sonde_calc_request *b)
{
	assert_memory_equal(a->id, b->id, sizeof a->id);
	assert_int_equal(a->operation, b->operation);
	assert_int_equal(a->count, b->count);
	if (a->count > 0)
		assert_memory_equal(a->numbers, b->numbers,
				    a->count * sizeof a->numbers[0]);
}

/* The bytes of the lab sheet's capture: 18 for a sum of two, 8 for the reply. */
static void has_the_bytes_of_the_sheet(void **state)
{
	(void)state;
	const int32_t numbers[] = {1, -2};
	struct sonde_calc_request request = make(SONDE_CALC_SUM, 2, numbers);
	uint8_t bytes[SONDE_CALC_REQUEST_BYTES];

	assert_int_equal(sonde_calc_format(&request, SONDE_CALC_LITTLE, bytes), 18);
	assert_memory_equal(bytes, "\x01\x02\x03\x04Summe\x02\x01\0\0\0\xfe\xff\xff\xff",
			    18);
	assert_int_equal(sonde_calc_format(&request, SONDE_CALC_BIG, bytes), 18);
	assert_memory_equal(bytes, "\x01\x02\x03\x04Summe\x02\0\0\0\x01\xff\xff\xff\xfe",
			    18);

	uint8_t reply[SONDE_CALC_REPLY_BYTES];
	sonde_calc_format_reply(request.id, -2, SONDE_CALC_LITTLE, reply);
	assert_memory_equal(reply, "\x01\x02\x03\x04\xfe\xff\xff\xff", 8);
	assert_int_equal(sonde_calc_parse_reply(reply, SONDE_CALC_LITTLE), -2);
	sonde_calc_format_reply(request.id, -2, SONDE_CALC_BIG, reply);
	assert_memory_equal(reply, "\x01\x02\x03\x04\xff\xff\xff\xfe", 8);
	assert_int_equal(sonde_calc_parse_reply(reply, SONDE_CALC_BIG), -2);
}

/* Every operation, every N: whole, cut at every byte, and with bytes behind it. */
static void parses_what_it_formats_at_every_cut(void **state)
{
	(void)state;
	int32_t numbers[SONDE_CALC_NUMBERS];
	uint8_t bytes[SONDE_CALC_REQUEST_BYTES + 1];

	chance_state = 1;
	for (size_t i = 0; i < SONDE_CALC_NUMBERS; i++)
		numbers[i] = (int32_t)chance();
	for (size_t o = 0; o < 2 * OPERATIONS; o++) {
		enum sonde_calc_order order =
			o < OPERATIONS ? SONDE_CALC_LITTLE : SONDE_CALC_BIG;
		enum sonde_calc_operation operation = operations[o % OPERATIONS];
		size_t word = operation == SONDE_CALC_SUM ? 5 : 7;

		for (size_t count = 0; count <= SONDE_CALC_NUMBERS; count++) {
			struct sonde_calc_request request =
				make(operation, count, numbers);
			struct sonde_calc_request parsed;
			size_t n = sonde_calc_format(&request, order, bytes);

			assert_int_equal(n, 4 + word + 1 + 4 * count);
			for (size_t cut = 0; cut < n; cut++)
				assert_int_equal(
					sonde_calc_parse(bytes, cut, order, &parsed), 0);
			assert_int_equal(sonde_calc_parse(bytes, n, order, &parsed), n);
			assert_same(&parsed, &request);
			bytes[n] = 'S';
			assert_int_equal(sonde_calc_parse(bytes, n + 1, order, &parsed),
					 n);
		}
	}
}

/* A wrong byte is noticed at once, and more bytes do not make it right. */
static void refuses_unknown_words_at_their_first_wrong_byte(void **state)
{
	(void)state;
	struct sonde_calc_request parsed;

	for (size_t o = 0; o < OPERATIONS; o++) {
		const char *word = sonde_calc_word(operations[o]);
		for (size_t at = 0; at < strlen(word); at++) {
			for (unsigned value = 0; value < 256; value++) {
				uint8_t bytes[4 + 16] = {0};
				memcpy(bytes + 4, word, strlen(word));
				bytes[4 + at] = (uint8_t)value;
				/* The first letter of another word is no mistake yet. */
				bool fits = value == (uint8_t)word[at] ||
					    (at == 0 && value != 0 &&
					     strchr("SPM", (int)value));
				/* Minimum and Maximum differ in the second letter. */
				if (at == 1 && word[0] == 'M')
					fits = value == 'i' || value == 'a';
				ssize_t r = sonde_calc_parse(bytes, 4 + at + 1,
							     SONDE_CALC_LITTLE, &parsed);
				assert_int_equal(r, fits ? 0 : -EBADMSG);
				if (fits)
					continue;
				for (size_t n = 4 + at + 1; n <= sizeof bytes; n++)
					assert_int_equal(
						sonde_calc_parse(bytes, n,
								 SONDE_CALC_LITTLE,
								 &parsed),
						-EBADMSG);
			}
		}
	}
}

static void leaves_the_result_alone_without_a_request(void **state)
{
	(void)state;
	struct sonde_calc_request parsed, before;

	memset(&parsed, 0x5a, sizeof parsed);
	memcpy(&before, &parsed, sizeof parsed);
	assert_int_equal(sonde_calc_parse((const uint8_t *)"\1\2\3\4Summe\1\0\0\0", 13,
					  SONDE_CALC_LITTLE, &parsed),
			 0);
	assert_int_equal(sonde_calc_parse((const uint8_t *)"\1\2\3\4Sumne\0", 10,
					  SONDE_CALC_LITTLE, &parsed),
			 -EBADMSG);
	assert_memory_equal(&parsed, &before, sizeof parsed);
}

struct calculation {
	enum sonde_calc_operation operation;
	size_t count;
	int32_t numbers[4];
	int error;
	int32_t result;
};

static void computes_the_examples_of_the_protocol(void **state)
{
	(void)state;
	static const struct calculation cases[] = {
		{SONDE_CALC_SUM, 0, {0}, 0, 0},
		{SONDE_CALC_SUM, 2, {INT32_MAX, 1}, -ERANGE, 0},
		{SONDE_CALC_SUM, 3, {INT32_MAX, 1, -1}, 0, INT32_MAX},
		{SONDE_CALC_SUM, 2, {INT32_MIN, -1}, -ERANGE, 0},
		{SONDE_CALC_SUM, 3, {INT32_MIN, INT32_MIN, INT32_MAX}, -ERANGE, 0},
		{SONDE_CALC_SUM, 4, {INT32_MIN, INT32_MIN, INT32_MAX, 1}, 0, INT32_MIN},
		{SONDE_CALC_PRODUCT, 0, {0}, 0, 1},
		{SONDE_CALC_PRODUCT, 3, {65536, 65536, 0}, 0, 0},
		{SONDE_CALC_PRODUCT, 3, {65536, 32768, -1}, 0, INT32_MIN},
		{SONDE_CALC_PRODUCT, 2, {65536, 32768}, -ERANGE, 0},
		{SONDE_CALC_PRODUCT, 1, {INT32_MIN}, 0, INT32_MIN},
		{SONDE_CALC_PRODUCT, 2, {INT32_MIN, -1}, -ERANGE, 0},
		{SONDE_CALC_PRODUCT, 3, {INT32_MIN, -1, -1}, 0, INT32_MIN},
		{SONDE_CALC_PRODUCT,
		 4,
		 {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN},
		 -ERANGE,
		 0},
		{SONDE_CALC_MINIMUM, 0, {0}, -EDOM, 0},
		{SONDE_CALC_MAXIMUM, 0, {0}, -EDOM, 0},
		{SONDE_CALC_MINIMUM, 3, {3, INT32_MIN, 7}, 0, INT32_MIN},
		{SONDE_CALC_MAXIMUM, 3, {-3, -9, -2}, 0, -2},
		{SONDE_CALC_MAXIMUM, 1, {INT32_MAX}, 0, INT32_MAX},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sonde_calc_request request =
			make(cases[i].operation, cases[i].count, cases[i].numbers);
		int32_t result = 4711;
		assert_int_equal(sonde_calc_compute(&request, &result), cases[i].error);
		assert_int_equal(result, cases[i].error ? 4711 : cases[i].result);
	}
}

/* The oracle: multiplication by hand, limb by limb, of as many digits as it takes. */
struct big {
	uint32_t limbs[SONDE_CALC_NUMBERS + 1];
	bool negative;
};

static void big_multiply(struct big *big, int32_t factor)
{
	uint64_t carry = 0;
	uint32_t magnitude = factor < 0 ? 0u - (uint32_t)factor : (uint32_t)factor;

	for (size_t i = 0; i < SONDE_CALC_NUMBERS + 1; i++) {
		carry += (uint64_t)big->limbs[i] * magnitude;
		big->limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	assert_true(carry == 0);
	big->negative ^= factor < 0;
}

static int big_result(const struct big *big, int32_t *ret)
{
	for (size_t i = 1; i < SONDE_CALC_NUMBERS + 1; i++) {
		if (big->limbs[i] != 0)
			return -ERANGE;
	}
	int64_t value = big->negative ? -(int64_t)big->limbs[0] : (int64_t)big->limbs[0];
	if (value < INT32_MIN || value > INT32_MAX)
		return -ERANGE;
	*ret = (int32_t)value;
	return 0;
}

static void compare_product(const int32_t *numbers, size_t count)
{
	struct big big = {.limbs = {1}};
	struct sonde_calc_request request = make(SONDE_CALC_PRODUCT, count, numbers);
	int32_t result = 0, wanted = 0;

	for (size_t i = 0; i < count; i++)
		big_multiply(&big, numbers[i]);
	int error = big_result(&big, &wanted);
	assert_int_equal(sonde_calc_compute(&request, &result), error);
	assert_int_equal(result, wanted);
}

/* Three factors each out of the numbers around which a mistake would hide. */
static void multiplies_like_long_hand_at_the_edges(void **state)
{
	(void)state;
	static const int32_t edges[] = {
		0,
		1,
		-1,
		2,
		-2,
		3,
		46340,
		-46340,
		46341,
		32767,
		32768,
		-32768,
		65535,
		65536,
		-65536,
		1 << 30,
		-1290,
		1290,
		1291,
		715827,
		INT32_MAX,
		-INT32_MAX,
		INT32_MAX - 1,
		INT32_MIN,
	};
	enum { EDGES = sizeof edges / sizeof edges[0] };

	for (size_t a = 0; a < EDGES; a++) {
		for (size_t b = 0; b < EDGES; b++) {
			for (size_t c = 0; c < EDGES; c++)
				compare_product((int32_t[]){edges[a], edges[b], edges[c]},
						3);
		}
	}
}

static void multiplies_like_long_hand_by_chance(void **state)
{
	(void)state;
	int32_t numbers[SONDE_CALC_NUMBERS];

	chance_state = 2;
	for (size_t round = 0; round < 4000; round++) {
		size_t count = chance() % (SONDE_CALC_NUMBERS + 1);
		/* Mostly ones, so that long products stay in range or just leave it. */
		unsigned rare = 1 + chance() % 60;
		for (size_t i = 0; i < count; i++) {
			numbers[i] = chance() % 2 ? 1 : -1;
			if (chance() % rare == 0)
				numbers[i] = (int32_t)chance() >> (chance() % 31);
			if (chance() % 2000 == 0)
				numbers[i] = 0;
		}
		compare_product(numbers, count);
	}
	for (size_t i = 0; i < SONDE_CALC_NUMBERS; i++)
		numbers[i] = INT32_MIN;
	compare_product(numbers, SONDE_CALC_NUMBERS);
	numbers[SONDE_CALC_NUMBERS - 1] = 0;
	compare_product(numbers, SONDE_CALC_NUMBERS);
}

static void adds_and_picks_by_chance(void **state)
{
	(void)state;
	int32_t numbers[SONDE_CALC_NUMBERS];

	chance_state = 3;
	for (size_t round = 0; round < 4000; round++) {
		size_t count = 1 + chance() % SONDE_CALC_NUMBERS;
		__extension__ __int128 sum = 0;
		int32_t least = INT32_MAX, greatest = INT32_MIN;
		unsigned shift = chance() % 31;
		for (size_t i = 0; i < count; i++) {
			numbers[i] = (int32_t)chance() >> shift;
			sum += numbers[i];
			least = numbers[i] < least ? numbers[i] : least;
			greatest = numbers[i] > greatest ? numbers[i] : greatest;
		}
		int32_t result = 0;
		struct sonde_calc_request request = make(SONDE_CALC_SUM, count, numbers);
		bool fits = sum >= INT32_MIN && sum <= INT32_MAX;
		assert_int_equal(sonde_calc_compute(&request, &result),
				 fits ? 0 : -ERANGE);
		if (fits)
			assert_true(sum == result);
		request.operation = SONDE_CALC_MINIMUM;
		assert_int_equal(sonde_calc_compute(&request, &result), 0);
		assert_int_equal(result, least);
		request.operation = SONDE_CALC_MAXIMUM;
		assert_int_equal(sonde_calc_compute(&request, &result), 0);
		assert_int_equal(result, greatest);
	}
}

static void knows_operations_by_both_names(void **state)
{
	(void)state;
	static const char *const names[OPERATIONS][4] = {
		{"sum", "Summe", "SUM", "summe"},
		{"product", "Produkt", "Product", "PRODUKT"},
		{"min", "Minimum", "MIN", "minimum"},
		{"max", "Maximum", "Max", "maximum"},
	};
	enum sonde_calc_operation operation;

	for (size_t o = 0; o < OPERATIONS; o++) {
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(
				sonde_calc_parse_operation(names[o][i], &operation), 0);
			assert_int_equal(operation, operations[o]);
		}
		assert_string_equal(sonde_calc_word(operations[o]), names[o][1]);
	}
	assert_int_equal(sonde_calc_parse_operation("", &operation), -EINVAL);
	assert_int_equal(sonde_calc_parse_operation("summ", &operation), -EINVAL);
	assert_int_equal(sonde_calc_parse_operation("sums", &operation), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_bytes_of_the_sheet),
		cmocka_unit_test(parses_what_it_formats_at_every_cut),
		cmocka_unit_test(refuses_unknown_words_at_their_first_wrong_byte),
		cmocka_unit_test(leaves_the_result_alone_without_a_request),
		cmocka_unit_test(computes_the_examples_of_the_protocol),
		cmocka_unit_test(multiplies_like_long_hand_at_the_edges),
		cmocka_unit_test(multiplies_like_long_hand_by_chance),
		cmocka_unit_test(adds_and_picks_by_chance),
		cmocka_unit_test(knows_operations_by_both_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
