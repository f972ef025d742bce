/* Fuzz target: a stream of calculation requests.
 *
 * Properties: what is parsed is formatted to the very same bytes, in both orders; a
 * verdict that was reached stays, whatever follows, and until then more is asked for
 * (so a stream may be cut anywhere); computing never fails for another reason than those
 * of the protocol; and the service answers exactly what parsing and computing say. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/calc.h>

#include "proto/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* The verdict over all of it is the verdict of the first prefix that has one. */
static void check_prefixes(const uint8_t *bytes, size_t n, ssize_t verdict)
{
	struct sonde_calc_request request;
	bool decided = false;

	for (size_t cut = 0; cut <= n; cut++) {
		ssize_t r = sonde_calc_parse(bytes, cut, SONDE_CALC_LITTLE, &request);
		decided = decided || r != 0;
		require(r == (decided ? verdict : 0));
		if (verdict > 0)
			require(decided == (cut >= (size_t)verdict));
	}
	require(decided == (verdict != 0));
}

static void check_request(const uint8_t *bytes, size_t length)
{
	for (int order = SONDE_CALC_LITTLE; order <= SONDE_CALC_BIG; order++) {
		struct sonde_calc_request request;
		uint8_t again[SONDE_CALC_REQUEST_BYTES];
		int32_t result;

		require(sonde_calc_parse(bytes, length, (enum sonde_calc_order)order,
					 &request) == (ssize_t)length);
		require(sonde_calc_format(&request, (enum sonde_calc_order)order,
					  again) == length);
		require(memcmp(again, bytes, length) == 0);
		int r = sonde_calc_compute(&request, &result);
		require(r == 0 || r == -ERANGE || (r == -EDOM && request.count == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static uint8_t output[1 << 16];
	const uint64_t config = 0;
	struct service_turn turn = {
		.config = &config,
		.input = bytes,
		.input_bytes = n,
		.output = output,
		.output_capacity = sizeof output,
	};
	enum service_wish wish = service_calc.feed(&turn);
	size_t at = 0, given = 0;
	ssize_t r = 0;

	require(service_calc.config_bytes <= sizeof config);
	while (at < n && given < turn.given) {
		struct sonde_calc_request request;
		int32_t result;
		uint8_t reply[SONDE_CALC_REPLY_BYTES];

		r = sonde_calc_parse(bytes + at, n - at, SONDE_CALC_LITTLE, &request);
		require(r > 0);
		check_prefixes(bytes + at, (size_t)r, r);
		check_request(bytes + at, (size_t)r);
		require(sonde_calc_compute(&request, &result) == 0);
		sonde_calc_format_reply(request.id, result, SONDE_CALC_LITTLE, reply);
		require(memcmp(output + given, reply, sizeof reply) == 0);
		given += sizeof reply;
		at += (size_t)r;
	}
	require(given == turn.given);
	if (wish == SERVICE_NEEDS_ROOM)
		return 0;

	struct sonde_calc_request last;
	size_t left =
		n - at < SONDE_CALC_REQUEST_BYTES ? n - at : SONDE_CALC_REQUEST_BYTES;
	int32_t result;
	r = left > 0 ? sonde_calc_parse(bytes + at, left, SONDE_CALC_LITTLE, &last) : 0;
	check_prefixes(bytes + at, left, r);
	if (wish == SERVICE_NEEDS_INPUT)
		require(r == 0 && turn.taken == at);
	else
		require(turn.refused && turn.reason[0] != '\0' &&
			(r < 0 || sonde_calc_compute(&last, &result) < 0));
	return 0;
}
