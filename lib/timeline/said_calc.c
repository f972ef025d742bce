/* What a calculation would give in each way of reading it. */
#include "timeline/said.h"

#include <stdio.h>
#include <string.h>

#include <sonde/calc.h>

enum {
	HEAD = 4 + 5 + 1, /* ID, "Summe", N */
	PADDING = 2,      /* that a C compiler puts behind it, for numbers of 4 bytes */
};

static int64_t compute(const struct sonde_calc_request *request)
{
	int32_t result;

	return sonde_calc_compute(request, &result) < 0 ? SONDE_SAYS_NOTHING : result;
}

static uint64_t weight(const struct sonde_calc_request *request)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < request->count; i++)
		sum += request->numbers[i] < 0 ? -(uint64_t)request->numbers[i]
					       : (uint64_t)request->numbers[i];
	return sum;
}

/* A structure as compilers lay it out: the numbers begin at a multiple of 4.  It is one
 * where nothing else makes sense of the bytes: they end with its last number, and its
 * numbers are no larger than those of a reading that leaves two bytes over. */
static bool read_padded(const uint8_t *bytes, size_t n,
			const struct sonde_calc_request *plain,
			struct sonde_calc_request *ret)
{
	uint8_t without[HEAD + 4 * SONDE_CALC_NUMBERS];

	if (plain->operation != SONDE_CALC_SUM || !plain->count ||
	    n != HEAD + PADDING + 4u * plain->count || bytes[HEAD] || bytes[HEAD + 1])
		return false;
	memcpy(without, bytes, HEAD);
	memcpy(without + HEAD, bytes + HEAD + PADDING, n - HEAD - PADDING);
	return sonde_calc_parse(without, n - PADDING, SONDE_CALC_AUTO, ret) ==
		       (ssize_t)(n - PADDING) &&
	       weight(ret) <= weight(plain);
}

static void set_id(const uint8_t *bytes, char id[SAID_ID], struct sonde_saying *ret)
{
	snprintf(id, SAID_ID, "%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
	ret->more = id;
}

bool said_calc_request(const uint8_t *bytes, size_t n, char id[SAID_ID],
		       struct sonde_saying *ret)
{
	struct sonde_calc_request meant, swapped, padded;
	enum sonde_calc_order other;
	ssize_t length = sonde_calc_parse(bytes, n, SONDE_CALC_AUTO, &meant);

	if (length <= 0)
		return false;
	*ret = (struct sonde_saying){
		.kind = SONDE_SAYS_CALC_REQUEST,
		.is_big = meant.order == SONDE_CALC_BIG,
		.text = sonde_calc_word(meant.operation),
		.numbers = {compute(&meant), SONDE_SAYS_NOTHING, SONDE_SAYS_NOTHING},
	};
	set_id(bytes, id, ret);
	if (read_padded(bytes, n, &meant, &padded)) {
		/* The order is that of the numbers where they really are. */
		if (sonde_calc_parse(bytes, n, padded.order, &meant) <= 0)
			return false;
		ret->is_big = padded.order == SONDE_CALC_BIG;
		ret->numbers[SONDE_CALC_MEANT] = compute(&padded);
		ret->numbers[SONDE_CALC_UNPADDED] = compute(&meant);
		return true;
	}
	other = ret->is_big ? SONDE_CALC_LITTLE : SONDE_CALC_BIG;
	/* What has no number in it, or the same either way, has no order. */
	if (sonde_calc_parse(bytes, n, other, &swapped) > 0 && weight(&swapped) > 0 &&
	    weight(&swapped) != weight(&meant))
		ret->numbers[SONDE_CALC_SWAPPED] = compute(&swapped);
	return true;
}

bool said_calc_reply(const uint8_t *bytes, size_t n, char id[SAID_ID],
		     struct sonde_saying *ret)
{
	if (n != SONDE_CALC_REPLY_BYTES)
		return false;
	*ret = (struct sonde_saying){
		.kind = SONDE_SAYS_CALC_REPLY,
		.numbers = {sonde_calc_parse_reply(bytes, SONDE_CALC_LITTLE),
			    sonde_calc_parse_reply(bytes, SONDE_CALC_BIG)},
	};
	set_id(bytes, id, ret);
	return true;
}
