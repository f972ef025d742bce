/* sonde calc --bench. */
#include "calc_bench.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include <sonde/text.h>

#include "clock.h"
#include "command.h"
#include "message.h"
#include "stop_fd.h"

enum {
	SERVICE_CALC = 0,
	SERVICE_ECHO,
	ECHO_BYTES = 18, /* as many as a sum of two numbers */
	FOR_S = 5,
	TIMEOUT_S = 5,
	LOST_S = 1, /* a datagram's answer */
	NEVER_S = 3600,
};

const char *const calc_bench_services[] = {
	[SERVICE_CALC] = "calc",
	[SERVICE_ECHO] = "echo",
	NULL,
};

static const char *const own_options[] = {"service", "connections", "depth", "for",
					  "rate"};

const char *calc_bench_option(const struct arguments *arguments)
{
	for (size_t i = 0; i < sizeof(own_options) / sizeof(own_options[0]); i++) {
		if (arguments_has(arguments, own_options[i]))
			return own_options[i];
	}
	return NULL;
}

static int64_t seconds(int64_t count)
{
	return count * INT64_C(1000000000);
}

/* Each connection needs a descriptor; a program that asked for them may have as many as
 * it is allowed. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int fill_calc(struct sonde_load_options *load,
		     const struct sonde_calc_request *request,
		     const struct sonde_calc_ask *ask)
{
	int32_t result;
	int r = sonde_calc_compute(request, &result);

	_Static_assert(sizeof(load->request) >= SONDE_CALC_DIALECT_BYTES, "no room");
	if (r < 0)
		return message_usage("calc", "--bench: this question has no answer");
	if (ask->order == SONDE_CALC_AUTO)
		return message_usage("calc", "--bench: --order must be le or be");
	load->request_bytes =
		sonde_calc_format_as(request, ask->dialect, ask->order, load->request);
	sonde_calc_format_reply(request->id, result, ask->order, load->answer);
	load->answer_bytes = SONDE_CALC_REPLY_BYTES;
	return STATUS_DONE;
}

static void fill_echo(struct sonde_load_options *load)
{
	memset(load->request, 'e', ECHO_BYTES);
	memset(load->answer, 'e', ECHO_BYTES);
	load->request_bytes = ECHO_BYTES;
	load->answer_bytes = ECHO_BYTES;
}

/* --- what came of it */

static void add_duration(struct sonde_text *text, const char *label, int64_t ns)
{
	sonde_text_add(text, "%s", label);
	sonde_text_add_duration(text, ns);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Also what was not answered has one: its age. */
static bool has_latencies(const struct sonde_load_result *result)
{
	return result->answered + result->unanswered > 0;
}

static void print_stopped(struct output *output, const struct sonde_load_options *load,
			  const struct sonde_load_result *result)
{
	if (result->connected < load->connections)
		output_print(
			output,
			"stopped early: %u of %u %s%s were open, nothing is measured\n",
			result->connected, load->connections,
			load->udp ? "socket" : "connection", plural(load->connections));
	else if (result->counted_ns == 0)
		output_print(output, "stopped early: the first tenth of the time is not "
				     "counted, nothing is measured\n");
	else
		output_print(output, "stopped early: the time was not over\n");
}

static void print_text(struct output *output, const struct sonde_load_options *load,
		       const struct sonde_load_result *result, bool is_stopped)
{
	char storage[256], address[SONDE_ADDRESS_CHARS];
	struct sonde_text line;

	sonde_address_format(&result->address, address);
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%s/%s, %u %s%s, ", address, load->udp ? "udp" : "tcp",
		       load->connections, load->udp ? "socket" : "connection",
		       plural(load->connections));
	if (load->rate > 0)
		sonde_text_add(&line, "%.0f request%s a second (open loop)", load->rate,
			       load->rate == 1 ? "" : "s");
	else
		sonde_text_add(&line, "%u request%s at once on each (closed loop)",
			       load->depth, plural(load->depth));
	output_print(output, "%s\n", storage);

	if (is_stopped)
		print_stopped(output, load, result);
	if (result->counted_ns == 0)
		return;
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%" PRIu64 " answer%s in ", result->answered,
		       plural(result->answered));
	sonde_text_add_duration(&line, result->counted_ns);
	sonde_text_add(&line, ": %.0f a second", result->per_second);
	if (load->udp)
		sonde_text_add(&line, "; %" PRIu64 " lost", result->lost);
	if (result->unanswered > 0)
		sonde_text_add(&line, "; %" PRIu64 " unanswered at the end",
			       result->unanswered);
	output_print(output, "%s\n", storage);

	if (!has_latencies(result))
		return;
	sonde_text_init(&line, storage, sizeof(storage));
	add_duration(&line, "latency: p50 ", result->p50_ns);
	add_duration(&line, ", p99 ", result->p99_ns);
	add_duration(&line, ", p99.9 ", result->p999_ns);
	add_duration(&line, ", max ", result->max_ns);
	output_print(output, "%s\n", storage);
}

static void add_latency(struct sonde_json *json, const char *key,
			const struct sonde_load_result *result, int64_t ns)
{
	if (has_latencies(result))
		sonde_json_add_int(json, key, ns);
	else
		sonde_json_add_null(json, key);
}

static void print_json(struct output *output, const struct sonde_load_options *load,
		       const char *service, const struct sonde_load_result *result,
		       bool is_stopped)
{
	struct sonde_json *json = output_event_begin(output, "bench");

	output_event_time(output, "at_ns", clock_now_ns(CLOCK_REALTIME));
	sonde_json_add_string(json, "service", service);
	sonde_json_add_string(json, "proto", load->udp ? "udp" : "tcp");
	output_event_address(output, &result->address);
	sonde_json_add_int(json, "connections", load->connections);
	sonde_json_add_int(json, "depth", load->depth);
	sonde_json_add_int(json, "rate", (int64_t)load->rate);
	sonde_json_add_int(json, "answered", (int64_t)result->answered);
	sonde_json_add_int(json, "lost", (int64_t)result->lost);
	sonde_json_add_int(json, "unanswered", (int64_t)result->unanswered);
	sonde_json_add_int(json, "counted_ns", result->counted_ns);
	sonde_json_add_int(json, "per_second", (int64_t)(result->per_second + 0.5));
	add_latency(json, "p50_ns", result, result->p50_ns);
	add_latency(json, "p99_ns", result, result->p99_ns);
	add_latency(json, "p999_ns", result, result->p999_ns);
	add_latency(json, "max_ns", result, result->max_ns);
	sonde_json_add_bool(json, "complete", !is_stopped);
	output_event_end(output);
}

int calc_bench_check(const struct arguments *arguments)
{
	int64_t for_ns = arguments_number(arguments, "for", seconds(FOR_S));
	bool is_echo =
		arguments_number(arguments, "service", SERVICE_CALC) == SERVICE_ECHO;

	if (for_ns < INT64_C(1000000))
		return message_usage("calc", "--bench: --for must be 1ms at least");
	if (arguments_has(arguments, "id"))
		return message_usage("calc", "--bench: the requests are numbered, --id "
					     "has no meaning");
	if (is_echo && arguments->operand_count > 0)
		return message_usage("calc", "--service echo: nothing is calculated, an "
					     "operation has no meaning");
	if (is_echo &&
	    (arguments_has(arguments, "order") || arguments_has(arguments, "dialect")))
		return message_usage("calc",
				     "--service echo: bytes come back as they "
				     "are, --order and --dialect have no meaning");
	return STATUS_DONE;
}

/* A server that answers nothing is no result of zero. */
static int say_none(const struct sonde_load_result *result)
{
	struct sonde_error err;
	char address[SONDE_ADDRESS_CHARS];

	sonde_address_format(&result->address, address);
	sonde_error_set(&err, SONDE_ERROR_NETWORK, -ENODATA, "ask", address,
			"no answer came in the time that is counted");
	sonde_error_hint(&err, "the first tenth of the time is not: a longer --for, or a "
			       "higher --rate, asks more often");
	return message_error(&err);
}

int calc_bench_run(const struct arguments *arguments, struct output *output,
		   const struct sonde_calc_request *request,
		   const struct sonde_calc_ask *ask)
{
	long long service = arguments_number(arguments, "service", SERVICE_CALC);
	bool udp = ask->udp;
	struct sonde_load_options load = {
		.host = ask->host,
		.port = ask->port,
		.udp = udp,
		.connections = (unsigned)arguments_number(arguments, "connections", 1),
		.depth = (unsigned)arguments_number(arguments, "depth", 1),
		.rate = (double)arguments_number(arguments, "rate", 0),
		.for_ns = arguments_number(arguments, "for", seconds(FOR_S)),
		.timeout_ns = arguments_number(arguments, "timeout",
					       seconds(udp ? LOST_S : TIMEOUT_S)),
	};
	struct sonde_load_result result;
	struct sonde_error err;

	if (!ask->port)
		load.port = service == SERVICE_ECHO ? "7" : "50000";
	if (load.timeout_ns == 0)
		load.timeout_ns = seconds(NEVER_S);
	if (service == SERVICE_ECHO) {
		fill_echo(&load);
	} else {
		int status = fill_calc(&load, request, ask);
		if (status != STATUS_DONE)
			return status;
	}
	raise_descriptor_limit();
	int r = sonde_load_run(&load, stop_fd_open(), &result, &err);
	if (r < 0)
		return message_error(&err);
	if (output->has_json)
		print_json(output, &load, calc_bench_services[service], &result, r > 0);
	else
		print_text(output, &load, &result, r > 0);
	if (result.counted_ns == 0)
		return STATUS_DONE;
	return result.answered > 0 ? STATUS_DONE : say_none(&result);
}
