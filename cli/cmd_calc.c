/* sonde calc: puts a question to a calculation server. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sonde/calc.h>
#include <sonde/text.h>

#include "calc_bench.h"
#include "clock.h"
#include "cmd.h"
#include "message.h"

enum {
	ONE_READ_BYTES = 1024, /* what many servers take in at once */
	TIMEOUT_S = 5,
};

static const char *const orders[] = {"le", "be", "auto", NULL};
static const char *const dialects[] = {"sheet",   "fixed7",    "fixed8",
				       "fixed10", "fixed64",   "three",
				       "one",     "lenprefix", NULL};
static const char *const operations[] = {"sum", "product", "min", "max", NULL};

static const struct option options[] = {
	{.name = "to",
	 .type = OPTION_TEXT,
	 .argument = "HOST:PORT",
	 .help = "ask this server; without it localhost, and without PORT 50000"},
	{.name = "udp", .help = "ask over UDP"},
	{.name = "id",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "the question's ID, which the answer repeats; without it 1",
	 .least = 0,
	 .most = UINT32_MAX},
	{.name = "order",
	 .type = OPTION_CHOICE,
	 .argument = "ORDER",
	 .help = "byte order of ID, numbers and result: le (without it), be, or auto: "
		 "asks in one and then in the other until the result is right",
	 .choices = orders},
	{.name = "dialect",
	 .type = OPTION_CHOICE,
	 .argument = "DIALECT",
	 .help = "how the request is written; without it sheet",
	 .choices = dialects},
	{.name = "timeout",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "give up after this time; without it 5s; 0s is never"},
	{.name = "bench",
	 .help = "measure how many such questions the server answers, and how fast; "
		 "without OPERATION it is sum 1 2"},
	{.name = "service",
	 .type = OPTION_CHOICE,
	 .argument = "SERVICE",
	 .help = "with --bench: what to ask, calc (without it) or echo",
	 .choices = calc_bench_services},
	{.name = "connections",
	 .type = OPTION_INT,
	 .argument = "C",
	 .help = "with --bench: connections, or UDP sockets; without it 1",
	 .least = 1,
	 .most = SONDE_LOAD_CONNECTIONS},
	{.name = "depth",
	 .type = OPTION_INT,
	 .argument = "D",
	 .help = "with --bench: requests on their way at once, on each; without it 1",
	 .least = 1,
	 .most = SONDE_LOAD_DEPTH},
	{.name = "for",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "with --bench: how long; without it 5s, the first tenth of which is not "
		 "counted"},
	{.name = "rate",
	 .type = OPTION_INT,
	 .argument = "R",
	 .help = "with --bench: requests a second, whatever the server does (open loop); "
		 "without it each answer lets the next question go (closed loop)",
	 .least = 1,
	 .most = 100000000},
	{.name = NULL},
};

static int refuse_operation(const char *text)
{
	static const char *const words[] = {"sum",   "product", "min",     "max",
					    "Summe", "Produkt", "Minimum", "Maximum"};
	struct sonde_error err;
	const char *nearest = sonde_text_nearest(text, words, 8);

	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "calc", text,
			"no such operation");
	if (nearest)
		sonde_error_hint(&err, "did you mean %s?", nearest);
	else
		sonde_error_hint(&err, "sum, product, min or max");
	return message_error(&err);
}

static int refuse_number(const char *text, int error)
{
	struct sonde_error err;

	sonde_error_set(&err, SONDE_ERROR_USAGE, error, "calc", text,
			error == -ERANGE ? "it does not fit into 32 bits"
					 : "it is no whole number");
	sonde_error_hint(&err, "numbers are %" PRId32 " to %" PRId32, INT32_MIN,
			 INT32_MAX);
	return message_error(&err);
}

/* The operands as a request.  STATUS_DONE, or that of an error that was told. */
static int read_request(const struct command *command, const struct arguments *arguments,
			struct sonde_calc_request *ret)
{
	if (arguments->operand_count == 0 && arguments_has(arguments, "bench")) {
		*ret = (struct sonde_calc_request){.count = 2, .numbers = {1, 2}};
		return STATUS_DONE;
	}
	if (arguments->operand_count == 0)
		return message_usage(command->name,
				     "name an operation, as in: sonde calc sum 1 2");
	if (sonde_calc_parse_operation(arguments->operands[0], &ret->operation) < 0)
		return refuse_operation(arguments->operands[0]);
	size_t count = arguments->operand_count - 1;
	if (count > SONDE_CALC_NUMBERS)
		return message_usage(command->name,
				     "%zu numbers: the protocol has room for %d", count,
				     SONDE_CALC_NUMBERS);
	for (size_t i = 0; i < count; i++) {
		const char *text = arguments->operands[i + 1];
		long long number;
		int r = sonde_text_parse_int(text, INT32_MIN, INT32_MAX, &number);
		if (r < 0)
			return refuse_number(text, r);
		ret->numbers[i] = (int32_t)number;
	}
	ret->count = (uint8_t)count;
	return STATUS_DONE;
}

static void write_id(uint32_t id, enum sonde_calc_order order, uint8_t ret[4])
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned at = order == SONDE_CALC_BIG ? 3 - i : i;
		ret[at] = (uint8_t)(id >> 8 * i);
	}
}

/* HOST:PORT, [IPV6]:PORT, :PORT, "HOST PORT"; HOST and [IPV6] alone leave the port as it
 * is.  Cuts the text; what the parts mean is the library's business. */
static void split_address(char *text, const char **ret_host, const char **ret_port)
{
	char *bracket = *text == '[' ? strchr(text, ']') : NULL;
	char *rest = bracket ? bracket + 1 : text;
	char *separator = strrchr(rest, ' ');

	if (!separator)
		separator = strrchr(rest, ':');
	*ret_host = text;
	/* Two colons without brackets: an IPv6 address and no port. */
	if (!separator ||
	    (!bracket && strchr(rest, ':') != strrchr(rest, ':') && *separator == ':'))
		return;
	*separator = '\0';
	*ret_port = separator + 1;
}

static void print_result(struct output *output, const struct sonde_calc_request *request,
			 uint32_t id, int32_t result, int64_t took_ns)
{
	if (!output->has_json) {
		output_print(output, "%" PRId32 "\n", result);
		return;
	}
	struct sonde_json *json = output_event_begin(output, "result");
	output_event_time(output, "at_ns", clock_now_ns(CLOCK_REALTIME));
	sonde_json_add_string(json, "operation", sonde_calc_word(request->operation));
	sonde_json_add_int(json, "numbers", request->count);
	sonde_json_add_int(json, "id", id);
	sonde_json_add_int(json, "result", result);
	sonde_json_add_int(json, "took_ns", took_ns);
	output_event_end(output);
}

/* The numbers that fit where a server reads only once. */
static void warn_of_length(const struct output *output,
			   const struct sonde_calc_request *request,
			   const struct sonde_calc_ask *ask)
{
	uint8_t bytes[SONDE_CALC_DIALECT_BYTES];
	size_t length = sonde_calc_format_as(request, ask->dialect, ask->order, bytes);
	size_t header = length - 4 * (size_t)request->count;

	if (length > ONE_READ_BYTES)
		message_note(output,
			     "%u numbers: many servers read %d bytes at once, which is "
			     "%zu numbers",
			     request->count, ONE_READ_BYTES,
			     (ONE_READ_BYTES - header) / 4);
}

/* Whether the server's result is the exact one, as far as there is one. */
static bool is_right(const struct sonde_calc_request *request, int32_t result)
{
	int32_t exact;

	return sonde_calc_compute(request, &exact) < 0 || result == exact;
}

/* The result is printed all the same: it is what the server said. */
static int tell_wrong(const struct sonde_calc_request *request,
		      const struct sonde_calc_ask *ask)
{
	int32_t exact = 0;

	sonde_calc_compute(request, &exact);
	message_say("the server's result is wrong: the exact one is %" PRId32, exact);
	if (ask->order == SONDE_CALC_AUTO)
		message_hint("asked in both byte orders; does it speak another dialect "
			     "(--dialect)?");
	else
		message_hint("does it have another byte order (--order %s, or auto) or "
			     "speak another dialect (--dialect)?",
			     ask->order == SONDE_CALC_BIG ? "le" : "be");
	return STATUS_NETWORK;
}

/* Whether a server of the other byte order would have answered otherwise.  Bytes that are
 * turned round add up to the sum turned round, as long as nothing is carried.  Where the
 * other order has not failed yet, that server may also do as it likes where there is no
 * result. */
static bool tells_orders_apart(const struct sonde_calc_request *request,
			       const struct sonde_calc_ask *ask, int32_t result,
			       bool other_failed)
{
	enum sonde_calc_order other =
		ask->order == SONDE_CALC_BIG ? SONDE_CALC_LITTLE : SONDE_CALC_BIG;
	uint8_t bytes[SONDE_CALC_DIALECT_BYTES], reply[SONDE_CALC_REPLY_BYTES];
	size_t length = sonde_calc_format_as(request, ask->dialect, ask->order, bytes);
	struct sonde_calc_request heard;
	int32_t exact;

	if (sonde_calc_compute(request, &exact) < 0)
		return false; /* any result would do */
	if (sonde_calc_parse_as(bytes, length, ask->dialect, other, &heard) <= 0)
		return true; /* it would not have understood */
	if (sonde_calc_compute(&heard, &exact) < 0 && other_failed)
		return true;
	for (int policy = SONDE_CALC_ZERO; policy <= SONDE_CALC_SATURATE; policy++) {
		sonde_calc_compute_with(&heard, (enum sonde_calc_policy)policy, &exact);
		sonde_calc_format_reply(heard.id, exact, other, reply);
		if (sonde_calc_parse_reply(reply, ask->order) == result)
			return false;
	}
	return true;
}

static void tell_order(const struct output *output,
		       const struct sonde_calc_request *request,
		       const struct sonde_calc_ask *ask, int32_t result)
{
	/* Big-endian is asked for last. */
	if (tells_orders_apart(request, ask, result, ask->order == SONDE_CALC_BIG))
		message_detail(output, "it answers in %s-endian order",
			       ask->order == SONDE_CALC_BIG ? "big" : "little");
	else
		message_detail(output,
			       "this question does not tell the byte orders apart: a "
			       "server of either may answer so; product 6 7 does");
}

/* Little-endian, then big-endian, until the answer is the right one.  Where neither is,
 * what the first of them came to is what counts. */
static int ask_in_both_orders(const struct output *output, struct sonde_calc_ask *ask,
			      struct sonde_calc_request *request, uint32_t id,
			      int32_t *ret, struct sonde_error *err)
{
	struct sonde_error other_err;
	int32_t other;

	ask->order = SONDE_CALC_LITTLE;
	int r = sonde_calc_ask(ask, request, ret, err);
	if (r == 0 && is_right(request, *ret)) {
		tell_order(output, request, ask, *ret);
		return 0;
	}
	ask->order = SONDE_CALC_BIG;
	write_id(id, ask->order, request->id);
	int other_r = sonde_calc_ask(ask, request, &other, &other_err);
	if (other_r == 0 && is_right(request, other)) {
		tell_order(output, request, ask, other);
		*ret = other;
		return 0;
	}
	ask->order = SONDE_CALC_AUTO;
	return r;
}

static void tell_time(const struct output *output, int64_t took_ns)
{
	char storage[64];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_duration(&text, took_ns);
	message_detail(output, "answered within %s", storage);
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct sonde_calc_request request = {0};
	struct sonde_calc_ask ask = {
		.udp = arguments_has(arguments, "udp"),
		.order = (enum sonde_calc_order)arguments_number(arguments, "order",
								 SONDE_CALC_LITTLE),
		.dialect = (enum sonde_calc_dialect)arguments_number(arguments, "dialect",
								     SONDE_CALC_SHEET),
		.timeout_ns = arguments_number(arguments, "timeout",
					       TIMEOUT_S * INT64_C(1000000000)),
	};
	uint32_t id = (uint32_t)arguments_number(arguments, "id", 1);
	const char *to = arguments_text(arguments, "to", "");
	char address[512];
	struct sonde_error err;
	int32_t result;

	bool bench = arguments_has(arguments, "bench");
	const char *of_bench = calc_bench_option(arguments);
	if (!bench && of_bench)
		return message_usage(command->name,
				     "--%s has a meaning with --bench only", of_bench);
	int status = bench ? calc_bench_check(arguments) : STATUS_DONE;
	if (status == STATUS_DONE)
		status = read_request(command, arguments, &request);
	if (status != STATUS_DONE)
		return status;
	write_id(id, ask.order, request.id);
	if (strlen(to) >= sizeof(address))
		return message_usage(command->name, "--to: too long for an address");
	memcpy(address, to, strlen(to) + 1);
	split_address(address, &ask.host, &ask.port);
	warn_of_length(output, &request, &ask);

	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	if (bench)
		return calc_bench_run(arguments, output, &request, &ask);
	int64_t asked_ns = clock_now_ns(CLOCK_MONOTONIC);
	int r = ask.order == SONDE_CALC_AUTO
			? ask_in_both_orders(output, &ask, &request, id, &result, &err)
			: sonde_calc_ask(&ask, &request, &result, &err);
	if (r < 0)
		return message_error(&err);
	int64_t took_ns = clock_now_ns(CLOCK_MONOTONIC) - asked_ns;
	tell_time(output, took_ns);
	print_result(output, &request, id, result, took_ns);
	return is_right(&request, result) ? STATUS_DONE : tell_wrong(&request, &ask);
}

static const char *operation_word(size_t i)
{
	return i < 4 ? operations[i] : NULL;
}

const struct command command_calc = {
	.name = "calc",
	.summary = "Ask a calculation server for a result",
	.usage = "OPERATION [NUMBER...]\n--bench [OPERATION NUMBER...]",
	.description = "OPERATION is sum, product, min or max, or as on the wire Summe, "
		       "Produkt, Minimum or Maximum; up to 255 numbers of 32 bits. "
		       "Negative numbers need no --.\n"
		       "The result alone is printed.",
	.options = options,
	.flags = COMMAND_NEGATIVE_OPERANDS,
	.operand_word = operation_word,
	.run = run,
};
