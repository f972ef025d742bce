/* The UDP pinger: a line for each datagram, and a summary as ping(8) has it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sonde/scan.h>
#include <sonde/text.h>

#include "clock.h"
#include "command.h"
#include "message.h"
#include "scan_ping.h"
#include "scan_view.h"

enum { COUNT = 10, TIMEOUT_S = 1 };

static void observe(void *context, const struct sonde_scan_event *event)
{
	struct output *output = context;
	char storage[160], address[SONDE_ADDRESS_CHARS];
	struct sonde_text line;

	if (output->has_json) {
		render_scan_json(output, event);
		output_flush(output);
		return;
	}
	sonde_address_format(&event->address, address);
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%s: sequence %" PRIu64 " ", address, event->sequence);
	if (event->rtt_ns >= 0) {
		sonde_text_add(&line, "answered after ");
		sonde_text_add_duration(&line, event->rtt_ns);
	} else if (event->reason == SONDE_SCAN_ICMP) {
		sonde_text_add(&line, "refused: %s", sonde_scan_reason_name(event));
	} else {
		sonde_text_add(&line, "lost: no answer in time");
	}
	output_print(output, "%s\n", storage);
	output_flush(output);
}

static void show(struct output *output, const struct sonde_udp_ping_result *result)
{
	uint64_t lost = result->sent - result->received;
	double loss = result->sent ? (double)lost / (double)result->sent : 0;
	char storage[256];
	struct sonde_text line;

	if (output->has_json) {
		struct sonde_json *json = output_event_begin(output, "summary");

		sonde_json_add_int(json, "sent", (int64_t)result->sent);
		sonde_json_add_int(json, "received", (int64_t)result->received);
		sonde_json_add_int(json, "duplicates", (int64_t)result->duplicates);
		sonde_json_add_int(json, "refused", (int64_t)result->refused);
		sonde_json_add_int(json, "not_sent", (int64_t)result->not_sent);
		sonde_json_add_double(json, "loss", loss);
		sonde_json_add_int(json, "least_ns", result->least_ns);
		sonde_json_add_int(json, "mean_ns", result->mean_ns);
		sonde_json_add_int(json, "most_ns", result->most_ns);
		sonde_json_add_int(json, "deviation_ns", result->deviation_ns);
		output_event_end(output);
		return;
	}
	output_print(output, "%" PRIu64 " sent, %" PRIu64 " answered, %.3g %% lost",
		     result->sent, result->received, loss * 100);
	if (result->duplicates)
		output_print(output, ", %" PRIu64 " answered twice", result->duplicates);
	if (result->not_sent)
		output_print(output, ", %" PRIu64 " could not leave this machine",
			     result->not_sent);
	output_print(output, "\n");
	if (!result->received)
		return;
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "round trip: least ");
	sonde_text_add_duration(&line, result->least_ns);
	sonde_text_add(&line, ", mean ");
	sonde_text_add_duration(&line, result->mean_ns);
	sonde_text_add(&line, ", most ");
	sonde_text_add_duration(&line, result->most_ns);
	sonde_text_add(&line, ", deviation ");
	sonde_text_add_duration(&line, result->deviation_ns);
	output_print(output, "%s\n", storage);
}

int scan_ping_run(const struct arguments *arguments, struct output *output, int signal_fd)
{
	struct sonde_udp_ping_options options = {
		.count = (unsigned)arguments_number(arguments, "count", COUNT),
		.interval_ns = arguments_number(arguments, "interval", 1000000000),
		.timeout_ns = arguments_number(arguments, "timeout",
					       TIMEOUT_S * INT64_C(1000000000)),
		.port = arguments_text(arguments, "ports", "7"),
		.observer = observe,
		.context = output,
	};
	struct sonde_udp_ping_result result;
	struct sonde_error err;
	int r;

	if (arguments->operand_count != 1)
		return message_usage("scan",
				     "--udp-ping has one target, as in: sonde scan "
				     "--udp-ping -p 12000 localhost");
	options.host = arguments->operands[0];
	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	r = sonde_udp_ping(&options, signal_fd, &result, &err);
	if (r < 0)
		return message_error(&err);
	show(output, &result);
	return result.received ? STATUS_DONE : STATUS_NETWORK;
}
