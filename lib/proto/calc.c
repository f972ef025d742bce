/* The calculation protocol: requests and replies as bytes, and exact arithmetic.
 *
 * A request has no length field and no terminator, but it frames itself: the four words
 * are prefix-free (byte 4 is `S` in the one of five bytes alone), the word says where N
 * stands, N says where the request ends.  So a stream is cut into requests without a
 * look-ahead, and a byte that can belong to no word is known to be wrong as soon as it
 * is seen: it cannot be mended, and nothing behind it can be found again. */
#include <sonde/calc.h>

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	ID_BYTES = 4,
	COUNT_BYTES = 1,
	NUMBER_BYTES = 4,
};

struct word {
	const char *wire;
	const char *name;
	size_t bytes;
};

static const struct word words[] = {
	[SONDE_CALC_SUM] = {"Summe", "sum", 5},
	[SONDE_CALC_PRODUCT] = {"Produkt", "product", 7},
	[SONDE_CALC_MINIMUM] = {"Minimum", "min", 7},
	[SONDE_CALC_MAXIMUM] = {"Maximum", "max", 7},
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

static int32_t load(const uint8_t *bytes, enum sonde_calc_order order)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return (int32_t)(order == SONDE_CALC_BIG ? be32toh(value) : le32toh(value));
}

static void store(int32_t number, enum sonde_calc_order order, uint8_t *ret)
{
	uint32_t value = (uint32_t)number;

	value = order == SONDE_CALC_BIG ? htobe32(value) : htole32(value);
	memcpy(ret, &value, sizeof(value));
}

/* The operation whose word is, or starts with, bytes[0..n); where several still may, the
 * first of them (all of which need more bytes); -1 where none does. */
static int find_word(const uint8_t *bytes, size_t n)
{
	for (int i = 0; i < WORDS; i++) {
		size_t compared = n < words[i].bytes ? n : words[i].bytes;
		if (memcmp(words[i].wire, bytes, compared) == 0)
			return i;
	}
	return -1;
}

ssize_t sonde_calc_parse(const uint8_t *bytes, size_t n, enum sonde_calc_order order,
			 struct sonde_calc_request *ret)
{
	if (n <= ID_BYTES)
		return 0;
	int word = find_word(bytes + ID_BYTES, n - ID_BYTES);
	if (word < 0)
		return -EBADMSG;

	size_t count_at = ID_BYTES + words[word].bytes;
	if (n <= count_at)
		return 0;
	uint8_t count = bytes[count_at];
	size_t length = count_at + COUNT_BYTES + (size_t)count * NUMBER_BYTES;
	if (n < length)
		return 0;

	memcpy(ret->id, bytes, ID_BYTES);
	ret->operation = (enum sonde_calc_operation)word;
	ret->count = count;
	const uint8_t *number = bytes + count_at + COUNT_BYTES;
	for (size_t i = 0; i < count; i++, number += NUMBER_BYTES)
		ret->numbers[i] = load(number, order);
	return (ssize_t)length;
}

size_t sonde_calc_format(const struct sonde_calc_request *request,
			 enum sonde_calc_order order,
			 uint8_t ret[SONDE_CALC_REQUEST_BYTES])
{
	const struct word *word = &words[request->operation];
	uint8_t *at = ret;

	memcpy(at, request->id, ID_BYTES);
	at += ID_BYTES;
	memcpy(at, word->wire, word->bytes);
	at += word->bytes;
	*at++ = request->count;
	for (size_t i = 0; i < request->count; i++, at += NUMBER_BYTES)
		store(request->numbers[i], order, at);
	return (size_t)(at - ret);
}

static int64_t add(const int32_t *numbers, size_t n)
{
	int64_t sum = 0; /* 255 numbers of 32 bits need 40 */

	for (size_t i = 0; i < n; i++)
		sum += numbers[i];
	return sum;
}

/* Exact where the product is an i32, else some value outside of that range.  No factor is
 * a fraction: without a zero the magnitude never shrinks, and once it is beyond the range
 * it may stay at any value there.  A zero anywhere makes all of it zero. */
static int64_t multiply(const int32_t *numbers, size_t n)
{
	const uint64_t beyond = (UINT64_C(1) << 31) + 1;
	uint64_t magnitude = 1;
	bool negative = false;

	for (size_t i = 0; i < n; i++) {
		int64_t number = numbers[i];
		if (number == 0)
			return 0;
		if (number < 0) {
			negative = !negative;
			number = -number;
		}
		magnitude *= (uint64_t)number; /* at most beyond * 2^31: fits */
		if (magnitude > beyond)
			magnitude = beyond;
	}
	return negative ? -(int64_t)magnitude : (int64_t)magnitude;
}

static int32_t pick(const int32_t *numbers, size_t n, bool greatest)
{
	int32_t picked = numbers[0];

	for (size_t i = 1; i < n; i++) {
		if (greatest ? numbers[i] > picked : numbers[i] < picked)
			picked = numbers[i];
	}
	return picked;
}

int sonde_calc_compute(const struct sonde_calc_request *request, int32_t *ret)
{
	int64_t value = 0;

	switch (request->operation) {
	case SONDE_CALC_SUM:
		value = add(request->numbers, request->count);
		break;
	case SONDE_CALC_PRODUCT:
		value = multiply(request->numbers, request->count);
		break;
	case SONDE_CALC_MINIMUM:
	case SONDE_CALC_MAXIMUM:
		if (request->count == 0)
			return -EDOM;
		value = pick(request->numbers, request->count,
			     request->operation == SONDE_CALC_MAXIMUM);
		break;
	}
	if (value < INT32_MIN || value > INT32_MAX)
		return -ERANGE;
	*ret = (int32_t)value;
	return 0;
}

void sonde_calc_format_reply(const uint8_t id[4], int32_t result,
			     enum sonde_calc_order order,
			     uint8_t ret[SONDE_CALC_REPLY_BYTES])
{
	memcpy(ret, id, ID_BYTES);
	store(result, order, ret + ID_BYTES);
}

int32_t sonde_calc_parse_reply(const uint8_t bytes[SONDE_CALC_REPLY_BYTES],
			       enum sonde_calc_order order)
{
	return load(bytes + ID_BYTES, order);
}

int sonde_calc_parse_operation(const char *text, enum sonde_calc_operation *ret)
{
	for (int i = 0; i < WORDS; i++) {
		if (strcasecmp(text, words[i].wire) == 0 ||
		    strcasecmp(text, words[i].name) == 0) {
			*ret = (enum sonde_calc_operation)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *sonde_calc_word(enum sonde_calc_operation operation)
{
	return words[operation].wire;
}
