/* Fuzz target: a stream of calculation requests, read in every dialect and order.
 *
 * Properties: what is parsed is formatted to the very same bytes, in both orders; a
 * verdict that was reached stays, whatever follows, and until then more is asked for
 * (so a stream may be cut anywhere); computing never fails for another reason than those
 * of the protocol; and the service answers exactly what parsing and computing say.  In
 * every dialect what is read and written again is read as the same, a stream that is cut
 * gives the same replies, and no policy leaves the range of what it was handed. */
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

/* --- every dialect */

static void check_dialect(const uint8_t *bytes, size_t n, enum sonde_calc_dialect dialect,
			  enum sonde_calc_order order)
{
	struct sonde_calc_request request, again;
	uint8_t written[SONDE_CALC_DIALECT_BYTES];
	ssize_t r = sonde_calc_parse_as(bytes, n, dialect, order, &request);

	require(r <= (ssize_t)n && r <= SONDE_CALC_DIALECT_BYTES);
	require(r >= 0 || r == -EBADMSG || r == -EMSGSIZE);
	if (r <= 0)
		return;
	require(request.order != SONDE_CALC_AUTO);
	size_t length = sonde_calc_format_as(&request, dialect, request.order, written);
	require(length == (size_t)r);
	require(sonde_calc_parse_as(written, length, dialect, request.order, &again) ==
		r);
	require(again.operation == request.operation && again.count == request.count);
	require(memcmp(again.id, request.id, sizeof(again.id)) == 0);
	require(memcmp(again.numbers, request.numbers,
		       request.count * sizeof(request.numbers[0])) == 0);
	for (size_t cut = 0; dialect != SONDE_CALC_LENPREFIX && cut < length; cut++)
		require(sonde_calc_parse_as(bytes, cut, dialect, order, &again) == 0);
}

enum { REPLIES_BYTES = 1 << 12 };

/* All replies of a stream that comes in steps, until it needs more or closes. */
static size_t serve(const void *config, const uint8_t *bytes, size_t n, size_t step,
		    uint8_t ret[REPLIES_BYTES])
{
	size_t taken = 0, given = 0, shown = step < n ? step : n;

	for (;;) {
		struct service_turn turn = {
			.config = config,
			.input = bytes + taken,
			.input_bytes = shown - taken,
			.input_ended = shown == n,
			.output = ret + given,
			.output_capacity = REPLIES_BYTES - given,
		};
		enum service_wish wish = service_calc.feed(&turn);
		require(turn.taken <= turn.input_bytes);
		require(turn.given <= turn.output_capacity && turn.given % 8 == 0);
		require(turn.given / 8 == turn.answered);
		taken += turn.taken;
		given += turn.given;
		require(wish == SERVICE_NEEDS_INPUT || turn.refused ||
			wish == SERVICE_NEEDS_ROOM);
		if (wish != SERVICE_NEEDS_INPUT || shown == n)
			return given;
		require(shown - taken <= service_calc.request_bytes);
		shown = step < n - shown ? shown + step : n;
	}
}

static void check_service(const uint8_t *bytes, size_t n, const char *dialect,
			  const char *order, const char *policy)
{
	static uint8_t whole[REPLIES_BYTES], cut[REPLIES_BYTES];
	uint64_t config = 0;

	require(service_set(&service_calc, &config, "dialect", dialect) == 0);
	require(service_set(&service_calc, &config, "order", order) == 0);
	require(service_set(&service_calc, &config, "on-error", policy) == 0);
	size_t given = serve(&config, bytes, n, n, whole);
	for (size_t step = 1; step < 8; step += 3) {
		require(serve(&config, bytes, n, step, cut) == given);
		require(memcmp(whole, cut, given) == 0);
	}

	struct service_turn turn = {
		.config = &config,
		.input = bytes,
		.input_bytes = n,
		.input_ended = true,
		.output = whole,
		.output_capacity = sizeof(whole),
	};
	bool answered = service_calc.answer(&turn);
	require(turn.given == (answered ? SONDE_CALC_REPLY_BYTES : 0));
	require(answered || turn.refused);
}

static void check_every_dialect(const uint8_t *bytes, size_t n)
{
	static const char *const orders[] = {"le", "be", "auto"};
	static const char *const policies[] = {"close", "zero", "wrap", "saturate"};

	for (size_t d = 0; d < SONDE_CALC_DIALECTS; d++) {
		for (size_t o = 0; o < 3; o++) {
			check_dialect(bytes, n, (enum sonde_calc_dialect)d,
				      (enum sonde_calc_order)o);
			check_service(bytes, n, sonde_calc_dialect_name(d), orders[o],
				      policies[(d + o + n) % 4]);
		}
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
	check_every_dialect(bytes, n);
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
