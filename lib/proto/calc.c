/* The calculation protocol: requests and replies as bytes, and exact arithmetic.
 *
 * A request of the sheet has no length field and no terminator, but it frames itself: the four words
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
	NUMBER_BYTES = 4,
	OPERATIONS = 4,
};

struct word {
	const char *chars;
	size_t bytes;
};

#define WORD(text)                                                                       \
	{                                                                                \
		text, sizeof(text) - 1                                                   \
	}

static const struct word sheet_words[OPERATIONS] = {
	[SONDE_CALC_SUM] = WORD("Summe"),
	[SONDE_CALC_PRODUCT] = WORD("Produkt"),
	[SONDE_CALC_MINIMUM] = WORD("Minimum"),
	[SONDE_CALC_MAXIMUM] = WORD("Maximum"),
};
static const struct word three_words[2 * OPERATIONS] = {
	WORD("SUM"), WORD("PRO"), WORD("MIN"), WORD("MAX"),
	WORD("Sum"), WORD("Pro"), WORD("Min"), WORD("Max"),
};
static const struct word one_words[OPERATIONS] = {
	WORD("s"),
	WORD("m"),
	WORD("i"),
	WORD("a"),
};
static const char *const names[OPERATIONS] = {"sum", "product", "min", "max"};

/* How a request is written.  One table, not eight parsers. */
struct dialect {
	const char *name;
	const struct word *words; /* in the order of the operations, again and again */
	size_t word_count;
	size_t field_bytes; /* of every word, with NULs behind it; 0: as long as it is */
	size_t length_bytes;
	size_t count_bytes; /* 0: the numbers end with what was received */
};

static const struct dialect dialects[SONDE_CALC_DIALECTS] = {
	[SONDE_CALC_SHEET] = {"sheet", sheet_words, OPERATIONS, 0, 0, 1},
	[SONDE_CALC_FIXED7] = {"fixed7", sheet_words, OPERATIONS, 7, 0, 1},
	[SONDE_CALC_FIXED8] = {"fixed8", sheet_words, OPERATIONS, 8, 0, 1},
	[SONDE_CALC_FIXED10] = {"fixed10", sheet_words, OPERATIONS, 10, 0, 1},
	[SONDE_CALC_FIXED64] = {"fixed64", sheet_words, OPERATIONS, 64, 0, 1},
	[SONDE_CALC_THREE] = {"three", three_words, 2 * OPERATIONS, 0, 0, 1},
	[SONDE_CALC_ONE] = {"one", one_words, OPERATIONS, 0, 0, 4},
	[SONDE_CALC_LENPREFIX] = {"lenprefix", sheet_words, OPERATIONS, 0, 1, 0},
};

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

/* A word is so short that calling memcmp() takes longer; most differ in the first bytes,
 * which are compared at once. */
static bool is_same(const char *chars, const uint8_t *bytes, size_t n)
{
	uint32_t mine, other;
	size_t i = 0;

	if (n >= sizeof(mine)) {
		memcpy(&mine, chars, sizeof(mine));
		memcpy(&other, bytes, sizeof(other));
		if (mine != other)
			return false;
		i = sizeof(mine);
	}
	for (; i < n; i++) {
		if ((uint8_t)chars[i] != bytes[i])
			return false;
	}
	return true;
}

/* Whether bytes[0..n) may be the beginning of this word in its field. */
static bool may_be(const struct word *word, const struct dialect *dialect,
		   const uint8_t *bytes, size_t n)
{
	size_t compared = n < word->bytes ? n : word->bytes;

	if (!is_same(word->chars, bytes, compared))
		return false;
	return n <= word->bytes || word->bytes >= dialect->field_bytes ||
	       bytes[word->bytes] == '\0';
}

/* The first word that bytes[0..n) is or begins with; where several still may, all of them
 * need more bytes.  `length` is the word's own if it was told, else 0.  -1: none. */
static int find_word(const struct dialect *dialect, size_t length, const uint8_t *bytes,
		     size_t n)
{
	for (size_t i = 0; i < dialect->word_count; i++) {
		const struct word *word = &dialect->words[i];
		if (n > 0 && (uint8_t)word->chars[0] != bytes[0])
			continue;
		if (dialect->length_bytes > 0 && word->bytes != length)
			continue;
		if (may_be(word, dialect, bytes, n))
			return (int)i;
	}
	return -1;
}

/* The order whose reading has the smaller sum of magnitudes. */
static enum sonde_calc_order guess(const uint8_t *numbers, size_t count)
{
	int64_t little = 0, big = 0;

	for (size_t i = 0; i < count; i++, numbers += NUMBER_BYTES) {
		int64_t as_little = load(numbers, SONDE_CALC_LITTLE);
		int64_t as_big = load(numbers, SONDE_CALC_BIG);
		little += as_little < 0 ? -as_little : as_little;
		big += as_big < 0 ? -as_big : as_big;
	}
	return big < little ? SONDE_CALC_BIG : SONDE_CALC_LITTLE;
}

/* N in four bytes, which also tells the order: a count is small. */
static size_t load_count(const uint8_t *bytes, enum sonde_calc_order *order)
{
	uint32_t little = (uint32_t)load(bytes, SONDE_CALC_LITTLE);
	uint32_t big = (uint32_t)load(bytes, SONDE_CALC_BIG);

	if (*order == SONDE_CALC_AUTO && little != big)
		*order = big < little ? SONDE_CALC_BIG : SONDE_CALC_LITTLE;
	return *order == SONDE_CALC_BIG ? big : little;
}

/* The numbers of a request whose N stands at count_at, or who begin there.  As
 * sonde_calc_parse_as(). */
static ssize_t parse_numbers(const uint8_t *bytes, size_t n, size_t count_at,
			     const struct dialect *dialect, enum sonde_calc_order order,
			     struct sonde_calc_request *ret)
{
	size_t numbers_at = count_at + dialect->count_bytes;
	size_t count;

	if (n < numbers_at)
		return 0;
	if (dialect->count_bytes == 1)
		count = bytes[count_at];
	else if (dialect->count_bytes > 1)
		count = load_count(bytes + count_at, &order);
	else
		count = (n - numbers_at) / NUMBER_BYTES;
	if (count > SONDE_CALC_NUMBERS)
		return -EMSGSIZE;
	size_t length = numbers_at + count * NUMBER_BYTES;
	if (n < length)
		return 0;
	if (dialect->count_bytes == 0 && (count == 0 || n > length))
		return 0;

	const uint8_t *number = bytes + numbers_at;
	if (order == SONDE_CALC_AUTO)
		order = guess(number, count);
	ret->order = order;
	ret->count = (uint8_t)count;
	/* Two loops: the order is asked once, and not for each number. */
	if (order == SONDE_CALC_BIG) {
		for (size_t i = 0; i < count; i++)
			ret->numbers[i] = load(number + i * NUMBER_BYTES, SONDE_CALC_BIG);
	} else {
		for (size_t i = 0; i < count; i++)
			ret->numbers[i] =
				load(number + i * NUMBER_BYTES, SONDE_CALC_LITTLE);
	}
	return (ssize_t)length;
}

static inline ssize_t parse(const uint8_t *bytes, size_t n, const struct dialect *dialect,
			    enum sonde_calc_order order, struct sonde_calc_request *ret)
{
	size_t word_at = ID_BYTES + dialect->length_bytes;

	if (n <= ID_BYTES)
		return 0;
	int found = find_word(dialect, bytes[ID_BYTES], bytes + word_at,
			      n > word_at ? n - word_at : 0);
	if (found < 0)
		return -EBADMSG;
	size_t field =
		dialect->field_bytes ? dialect->field_bytes : dialect->words[found].bytes;
	if (n < word_at + field)
		return 0;
	ssize_t length = parse_numbers(bytes, n, word_at + field, dialect, order, ret);
	if (length > 0) {
		memcpy(ret->id, bytes, ID_BYTES);
		ret->operation = (enum sonde_calc_operation)(found % OPERATIONS);
	}
	return length;
}

ssize_t sonde_calc_parse_as(const uint8_t *bytes, size_t n, enum sonde_calc_dialect which,
			    enum sonde_calc_order order, struct sonde_calc_request *ret)
{
	/* Nearly all requests: with its table known the compiler makes less of it. */
	if (which == SONDE_CALC_SHEET)
		return parse(bytes, n, &dialects[SONDE_CALC_SHEET], order, ret);
	return parse(bytes, n, &dialects[which], order, ret);
}

ssize_t sonde_calc_parse(const uint8_t *bytes, size_t n, enum sonde_calc_order order,
			 struct sonde_calc_request *ret)
{
	return sonde_calc_parse_as(bytes, n, SONDE_CALC_SHEET, order, ret);
}

static size_t format(const struct sonde_calc_request *request,
		     enum sonde_calc_dialect which, enum sonde_calc_order order,
		     uint8_t *ret)
{
	const struct dialect *dialect = &dialects[which];
	const struct word *word = &dialect->words[request->operation];
	uint8_t *at = ret;

	memcpy(at, request->id, ID_BYTES);
	at += ID_BYTES;
	if (dialect->length_bytes > 0)
		*at++ = (uint8_t)word->bytes;
	memcpy(at, word->chars, word->bytes);
	at += word->bytes;
	if (dialect->field_bytes > word->bytes) {
		memset(at, 0, dialect->field_bytes - word->bytes);
		at += dialect->field_bytes - word->bytes;
	}
	if (dialect->count_bytes == 1)
		*at = request->count;
	else if (dialect->count_bytes > 1)
		store(request->count, order, at);
	at += dialect->count_bytes;
	for (size_t i = 0; i < request->count; i++, at += NUMBER_BYTES)
		store(request->numbers[i], order, at);
	return (size_t)(at - ret);
}

size_t sonde_calc_format_as(const struct sonde_calc_request *request,
			    enum sonde_calc_dialect dialect, enum sonde_calc_order order,
			    uint8_t ret[SONDE_CALC_DIALECT_BYTES])
{
	return format(request, dialect, order, ret);
}

size_t sonde_calc_format(const struct sonde_calc_request *request,
			 enum sonde_calc_order order,
			 uint8_t ret[SONDE_CALC_REQUEST_BYTES])
{
	return format(request, SONDE_CALC_SHEET, order, ret);
}

const char *sonde_calc_dialect_name(size_t dialect)
{
	return dialect < SONDE_CALC_DIALECTS ? dialects[dialect].name : NULL;
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

/* The exact value, or one that is outside of the range on the same side.  0 or -EDOM. */
static int evaluate(const struct sonde_calc_request *request, int64_t *ret)
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
	*ret = value;
	return 0;
}

static inline int compute(const struct sonde_calc_request *request, int32_t *ret)
{
	int64_t value;
	int r = evaluate(request, &value);

	if (r < 0)
		return r;
	if (value < INT32_MIN || value > INT32_MAX)
		return -ERANGE;
	*ret = (int32_t)value;
	return 0;
}

int sonde_calc_compute(const struct sonde_calc_request *request, int32_t *ret)
{
	return compute(request, ret);
}

static int32_t wrap(const struct sonde_calc_request *request)
{
	bool is_sum = request->operation == SONDE_CALC_SUM;
	uint32_t value = is_sum ? 0 : 1;

	for (size_t i = 0; i < request->count; i++) {
		uint32_t number = (uint32_t)request->numbers[i];
		value = is_sum ? value + number : value * number;
	}
	return (int32_t)value;
}

static int32_t saturate(const struct sonde_calc_request *request)
{
	int64_t value;

	if (evaluate(request, &value) < 0) /* of no numbers */
		return request->operation == SONDE_CALC_MINIMUM ? INT32_MAX : INT32_MIN;
	return value < 0 ? INT32_MIN : INT32_MAX;
}

int sonde_calc_compute_with(const struct sonde_calc_request *request,
			    enum sonde_calc_policy policy, int32_t *ret)
{
	int r = compute(request, ret);

	if (r == 0 || policy == SONDE_CALC_CLOSE)
		return r;
	*ret = 0;
	if (policy == SONDE_CALC_WRAP && r == -ERANGE)
		*ret = wrap(request);
	else if (policy == SONDE_CALC_SATURATE)
		*ret = saturate(request);
	return r;
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
	for (int i = 0; i < OPERATIONS; i++) {
		if (strcasecmp(text, sheet_words[i].chars) == 0 ||
		    strcasecmp(text, names[i]) == 0) {
			*ret = (enum sonde_calc_operation)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *sonde_calc_word(enum sonde_calc_operation operation)
{
	return sheet_words[operation].chars;
}
