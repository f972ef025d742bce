/* calc: the server of the calculation protocol.
 *
 * The protocol has no reply that says "no".  What cannot be answered is therefore named
 * in the log, and on a stream the connection is closed once everything before it is
 * answered: after an unknown word the next request cannot be found, and a client that
 * waits for a result which does not exist had better learn it at once.  A datagram that
 * cannot be answered stays without an answer.  The option on-error imitates servers that
 * answer such a question all the same.
 *
 * A request of the dialect lenprefix has no N: its numbers are all that came.  In a stream,
 * which may be cut anywhere, it ends where the client pauses, or shuts its side. */
#include "proto/service.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/calc.h>

struct calc_config {
	uint8_t order;   /* of enum sonde_calc_order */
	uint8_t dialect; /* of enum sonde_calc_dialect */
	uint8_t policy;  /* of enum sonde_calc_policy */
};

static const char *const order_names[] = {"le", "be", "auto", NULL};
static const char *const policy_names[] = {"close", "zero", "wrap", "saturate", NULL};

static int find(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -EINVAL;
}

static int set_order(void *config, const char *value)
{
	struct calc_config *calc = config;

	int order = find(order_names, value);

	if (order < 0)
		return order;
	calc->order = (uint8_t)order;
	return 0;
}

static int set_policy(void *config, const char *value)
{
	struct calc_config *calc = config;
	int policy = find(policy_names, value);

	if (policy < 0)
		return policy;
	calc->policy = (uint8_t)policy;
	return 0;
}

static int set_dialect(void *config, const char *value)
{
	struct calc_config *calc = config;

	for (size_t i = 0; sonde_calc_dialect_name(i); i++) {
		if (strcmp(sonde_calc_dialect_name(i), value) == 0) {
			calc->dialect = (uint8_t)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* The ID is opaque; for the log it is read in the order that was agreed on. */
static uint32_t id_number(const uint8_t id[4], enum sonde_calc_order order)
{
	uint32_t value;

	memcpy(&value, id, sizeof(value));
	return order == SONDE_CALC_BIG ? be32toh(value) : le32toh(value);
}

/* What cannot be parsed. */
static void refuse_request(struct service_turn *turn, const uint8_t *request, size_t n,
			   enum sonde_calc_order order, ssize_t error)
{
	if (error == -EMSGSIZE) {
		turn->refused = true;
		snprintf(turn->reason, sizeof(turn->reason),
			 "ID %u: more than %d numbers", id_number(request, order),
			 SONDE_CALC_NUMBERS);
		return;
	}
	/* Not more than could have been a word; it ends at a NUL like any text. */
	int word_bytes = n - 4 < 7 ? (int)(n - 4) : 7;

	turn->refused = true;
	snprintf(turn->reason, sizeof(turn->reason), "ID %u: unknown operation \"%.*s\"",
		 id_number(request, order), word_bytes, (const char *)request + 4);
}

/* What is answered all the same is told with its answer.  Of several in one turn the first
 * is told. */
static void explain_result(struct service_turn *turn,
			   const struct sonde_calc_request *request, int error,
			   int32_t result)
{
	const struct calc_config *config = turn->config;
	size_t used;

	turn->refused = config->policy == SONDE_CALC_CLOSE;
	if (turn->reason[0])
		return;
	if (error == -EDOM)
		snprintf(turn->reason, sizeof(turn->reason),
			 "ID %u: %s of no numbers does not exist",
			 id_number(request->id, request->order),
			 sonde_calc_word(request->operation));
	else
		snprintf(turn->reason, sizeof(turn->reason),
			 "ID %u: %s of %u numbers does not fit into 32 bits",
			 id_number(request->id, request->order),
			 sonde_calc_word(request->operation), request->count);
	used = strlen(turn->reason);
	if (!turn->refused)
		snprintf(turn->reason + used, sizeof(turn->reason) - used,
			 "; answered %" PRId32 " (on-error=%s)", result,
			 policy_names[config->policy]);
}

/* Computes and writes the reply, for which there is room.  False: there is none. */
static bool reply(struct service_turn *turn, const struct sonde_calc_request *request)
{
	const struct calc_config *config = turn->config;
	int32_t result = 0;

	int r = sonde_calc_compute_with(request, config->policy, &result);
	if (r < 0) {
		explain_result(turn, request, r, result);
		if (config->policy == SONDE_CALC_CLOSE)
			return false;
	}
	sonde_calc_format_reply(request->id, result, request->order,
				turn->output + turn->given);
	turn->given += SONDE_CALC_REPLY_BYTES;
	turn->answered++;
	return true;
}

static ssize_t parse(const struct calc_config *config, const uint8_t *bytes, size_t n,
		     struct sonde_calc_request *ret)
{
	if (n == 0)
		return 0;
	return sonde_calc_parse_as(bytes, n, config->dialect, config->order, ret);
}

static enum service_wish feed(struct service_turn *turn)
{
	const struct calc_config *config = turn->config;
	struct sonde_calc_request request;

	for (;;) {
		const uint8_t *at = turn->input + turn->taken;
		size_t left = turn->input_bytes - turn->taken;
		ssize_t n = parse(config, at, left, &request);
		if (n < 0) {
			/* Whatever the policy: nothing behind it can be found. */
			turn->refused = false;
			refuse_request(turn, at, left, config->order, n);
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
		if (config->dialect == SONDE_CALC_LENPREFIX && !turn->input_ended &&
		    !turn->input_paused) {
			turn->awaits_pause = true;
			return SERVICE_NEEDS_INPUT;
		}
		if (turn->output_capacity - turn->given < SONDE_CALC_REPLY_BYTES)
			return SERVICE_NEEDS_ROOM;
		turn->taken += (size_t)n;
		if (!reply(turn, &request))
			return SERVICE_CLOSES;
	}
}

/* A reply of 0 to a request that names no operation, as some servers give one. */
static bool reply_zero(struct service_turn *turn)
{
	size_t used = strlen(turn->reason);

	turn->refused = false;
	snprintf(turn->reason + used, sizeof(turn->reason) - used,
		 "; answered 0 (on-error=zero)");
	sonde_calc_format_reply(turn->input, 0, SONDE_CALC_LITTLE, turn->output);
	turn->given = SONDE_CALC_REPLY_BYTES;
	turn->answered = 1;
	return true;
}

/* A datagram is one request: a cut one cannot be mended, and bytes behind one are no
 * request of this protocol. */
static bool answer(struct service_turn *turn)
{
	const struct calc_config *config = turn->config;
	struct sonde_calc_request request;

	ssize_t n = parse(config, turn->input, turn->input_bytes, &request);
	if (n < 0) {
		refuse_request(turn, turn->input, turn->input_bytes, config->order, n);
		return config->policy == SONDE_CALC_ZERO &&
		       turn->input_bytes >= SONDE_CALC_REPLY_BYTES && reply_zero(turn);
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
				 id_number(request.id, request.order),
				 turn->input_bytes - (size_t)n);
		return false;
	}
	return reply(turn, &request);
}

static const struct service_option options[] = {
	{"dialect", "sheet|fixed7|fixed8|fixed10|fixed64|three|one|lenprefix",
	 set_dialect, false},
	{"order", "le|be|auto", set_order, false},
	{"on-error", "close|zero|wrap|saturate", set_policy, false},
	{NULL, NULL, NULL, false},
};

const struct service service_calc = {
	.name = "calc",
	.summary = "the calculation protocol: sum, product, minimum, maximum",
	.port = SONDE_CALC_PORT,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.config_bytes = sizeof(struct calc_config),
	.request_bytes = SONDE_CALC_DIALECT_BYTES,
	.has_answers = true,
	.options = options,
	.feed = feed,
	.answer = answer,
};
