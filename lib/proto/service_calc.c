/* calc: the server of the calculation protocol.
 *
 * The protocol has no reply that says "no".  What cannot be answered is therefore named
 * in the log, and on a stream the connection is closed once everything before it is
 * answered: after an unknown word the next request cannot be found, and a client that
 * waits for a result which does not exist had better learn it at once.  A datagram that
 * cannot be answered stays without an answer. */
#include "proto/service.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/calc.h>

struct calc_config {
	enum sonde_calc_order order;
};

static int set_order(void *config, const char *value)
{
	struct calc_config *calc = config;

	if (strcmp(value, "le") == 0)
		calc->order = SONDE_CALC_LITTLE;
	else if (strcmp(value, "be") == 0)
		calc->order = SONDE_CALC_BIG;
	else
		return -EINVAL;
	return 0;
}

/* The ID is opaque; for the log it is read in the order that was agreed on. */
static uint32_t id_number(const uint8_t id[4], enum sonde_calc_order order)
{
	uint32_t value;

	memcpy(&value, id, sizeof(value));
	return order == SONDE_CALC_BIG ? be32toh(value) : le32toh(value);
}

static void refuse_unknown(struct service_turn *turn, const uint8_t *request, size_t n,
			   enum sonde_calc_order order)
{
	/* Not more than could have been a word; it ends at a NUL like any text. */
	int word_bytes = n - 4 < 7 ? (int)(n - 4) : 7;

	turn->refused = true;
	snprintf(turn->reason, sizeof(turn->reason), "ID %u: unknown operation \"%.*s\"",
		 id_number(request, order), word_bytes, (const char *)request + 4);
}

static void refuse_result(struct service_turn *turn,
			  const struct sonde_calc_request *request,
			  enum sonde_calc_order order, int error)
{
	turn->refused = true;
	if (error == -EDOM)
		snprintf(turn->reason, sizeof(turn->reason),
			 "ID %u: %s of no numbers does not exist",
			 id_number(request->id, order),
			 sonde_calc_word(request->operation));
	else
		snprintf(turn->reason, sizeof(turn->reason),
			 "ID %u: %s of %u numbers does not fit into 32 bits",
			 id_number(request->id, order),
			 sonde_calc_word(request->operation), request->count);
}

static enum service_wish feed(struct service_turn *turn)
{
	const struct calc_config *config = turn->config;
	struct sonde_calc_request request;
	int32_t result;

	for (;;) {
		const uint8_t *at = turn->input + turn->taken;
		size_t left = turn->input_bytes - turn->taken;
		ssize_t n = left > 0 ? sonde_calc_parse(at, left, config->order, &request)
				     : 0;
		if (n < 0) {
			refuse_unknown(turn, at, left, config->order);
			turn->taken = turn->input_bytes;
			return SERVICE_CLOSES;
		}
		if (n == 0) {
			if (turn->input_ended && left > 0) {
				turn->refused = true;
				snprintf(turn->reason, sizeof(turn->reason),
					 "the client ended %zu bytes into a request",
					 left);
			}
			return SERVICE_NEEDS_INPUT;
		}
		if (turn->output_capacity - turn->given < SONDE_CALC_REPLY_BYTES)
			return SERVICE_NEEDS_ROOM;
		turn->taken += (size_t)n;
		int r = sonde_calc_compute(&request, &result);
		if (r < 0) {
			refuse_result(turn, &request, config->order, r);
			return SERVICE_CLOSES;
		}
		sonde_calc_format_reply(request.id, result, config->order,
					turn->output + turn->given);
		turn->given += SONDE_CALC_REPLY_BYTES;
		turn->answered++;
	}
}

/* A datagram is one request: a cut one cannot be mended, and bytes behind one are no
 * request of this protocol. */
static bool answer(struct service_turn *turn)
{
	const struct calc_config *config = turn->config;
	struct sonde_calc_request request;
	int32_t result;

	ssize_t n = turn->input_bytes > 0
			    ? sonde_calc_parse(turn->input, turn->input_bytes,
					       config->order, &request)
			    : 0;
	if (n < 0) {
		refuse_unknown(turn, turn->input, turn->input_bytes, config->order);
		return false;
	}
	if (n == 0 || (size_t)n < turn->input_bytes) {
		turn->refused = true;
		if (n == 0)
			snprintf(turn->reason, sizeof(turn->reason),
				 "a datagram of %zu bytes is no whole request",
				 turn->input_bytes);
		else
			snprintf(turn->reason, sizeof(turn->reason),
				 "ID %u: %zu bytes behind the request",
				 id_number(request.id, config->order),
				 turn->input_bytes - (size_t)n);
		return false;
	}
	int r = sonde_calc_compute(&request, &result);
	if (r < 0) {
		refuse_result(turn, &request, config->order, r);
		return false;
	}
	sonde_calc_format_reply(request.id, result, config->order, turn->output);
	turn->given = SONDE_CALC_REPLY_BYTES;
	turn->answered = 1;
	return true;
}

static const struct service_option options[] = {
	{"order", "le|be", set_order, false},
	{NULL, NULL, NULL, false},
};

const struct service service_calc = {
	.name = "calc",
	.summary = "the calculation protocol: sum, product, minimum, maximum",
	.port = SONDE_CALC_PORT,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.config_bytes = sizeof(struct calc_config),
	.request_bytes = SONDE_CALC_REQUEST_BYTES,
	.has_answers = true,
	.options = options,
	.feed = feed,
	.answer = answer,
};
