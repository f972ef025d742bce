/* A scan as NDJSON: a line for each result, when it is known. */
#include <string.h>

#include <sonde/text.h>

#include "scan_view.h"

static const char *proto_name(const struct sonde_scan_event *event)
{
	return event->udp ? "udp" : "tcp";
}

static void add_host(struct sonde_json *json, const char *key,
		     const struct sonde_address *address)
{
	char host[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	sonde_json_add_string(json, key, host);
}

static void add_trip(struct sonde_json *json, int64_t rtt_ns)
{
	if (rtt_ns >= 0)
		sonde_json_add_int(json, "rtt_us", (rtt_ns + 500) / 1000);
	else
		sonde_json_add_null(json, "rtt_us");
}

static void write_port(struct output *output, const struct sonde_scan_event *event)
{
	struct sonde_json *json = output_event_begin(output, "port");

	output_event_time(output, "at_ns", event->at_ns);
	add_host(json, "address", &event->address);
	sonde_json_add_string(json, "proto", proto_name(event));
	sonde_json_add_int(json, "port", event->address.port);
	sonde_json_add_string(json, "state", sonde_scan_state_name(event->state));
	sonde_json_add_string(json, "reason", sonde_scan_reason_name(event));
	if (event->reason == SONDE_SCAN_ICMP) {
		sonde_json_add_int(json, "icmp_type", event->icmp_type);
		sonde_json_add_int(json, "icmp_code", event->icmp_code);
		if (event->from.family != SONDE_FAMILY_NONE)
			add_host(json, "from", &event->from);
	}
	if (event->error_number)
		sonde_json_add_string(json, "errno",
				      sonde_error_name(event->error_number));
	add_trip(json, event->rtt_ns);
	if (event->ttl)
		sonde_json_add_int(json, "ttl", event->ttl);
	if (event->tries)
		sonde_json_add_int(json, "tries", event->tries);
	output_event_end(output);
}

static void write_host(struct output *output, const struct sonde_scan_event *event)
{
	struct sonde_json *json = output_event_begin(output, "host");

	output_event_time(output, "at_ns", event->at_ns);
	add_host(json, "address", &event->address);
	sonde_json_add_string(json, "state", event->is_up ? "up" : "down");
	sonde_json_add_string(json, "reason", sonde_scan_reason_name(event));
	add_trip(json, event->rtt_ns);
	output_event_end(output);
}

static void write_said(struct output *output, const struct sonde_scan_event *event)
{
	struct sonde_json *json = output_event_begin(output, "said");

	output_event_time(output, "at_ns", event->at_ns);
	add_host(json, "address", &event->address);
	sonde_json_add_string(json, "proto", proto_name(event));
	sonde_json_add_int(json, "port", event->address.port);
	sonde_json_add_string(json, "service", event->service);
	sonde_json_add_bool(json, "asked", event->was_asked);
	output_event_text(output, event->bytes, event->n);
	output_event_end(output);
}

void render_scan_json(struct output *output, const struct sonde_scan_event *event)
{
	struct sonde_json *json;

	switch (event->kind) {
	case SONDE_SCAN_HOST:
		write_host(output, event);
		break;
	case SONDE_SCAN_PORT:
		write_port(output, event);
		break;
	case SONDE_SCAN_SAID:
		write_said(output, event);
		break;
	case SONDE_SCAN_NOTE:
		json = output_event_begin(output, "note");
		output_event_time(output, "at_ns", event->at_ns);
		sonde_json_add_string(json, "text", event->text);
		output_event_end(output);
		break;
	case SONDE_SCAN_PONG:
		json = output_event_begin(output, "pong");
		output_event_time(output, "at_ns", event->at_ns);
		add_host(json, "address", &event->address);
		sonde_json_add_int(json, "port", event->address.port);
		sonde_json_add_int(json, "sequence", (int64_t)event->sequence);
		add_trip(json, event->rtt_ns);
		sonde_json_add_string(json, "reason", sonde_scan_reason_name(event));
		output_event_end(output);
		break;
	case SONDE_SCAN_PROGRESS:
	default:
		break;
	}
}

void render_scan_json_skips(struct output *output, const struct scan_skips *skips)
{
	for (size_t i = 0; i < skips->count; i++) {
		struct sonde_json *json = output_event_begin(output, "not_scanned");

		sonde_json_add_string(json, "target", skips->list[i].target);
		sonde_json_add_string(json, "reason", skips->list[i].reason);
		output_event_end(output);
	}
}

/* Negative: not known. */
static void add_fraction(struct sonde_json *json, const char *key, double value)
{
	if (value < 0)
		sonde_json_add_null(json, key);
	else
		sonde_json_add_double(json, key, value);
}

void render_scan_json_summary(struct output *output, const struct scan_frame *frame)
{
	const struct sonde_scan_summary *summary = frame->summary;
	struct sonde_json *json = output_event_begin(output, "summary");

	sonde_json_add_int(json, "hosts", (int64_t)summary->hosts);
	sonde_json_add_int(json, "hosts_up", (int64_t)summary->hosts_up);
	sonde_json_add_int(json, "hosts_not_known", (int64_t)summary->hosts_unknown);
	sonde_json_add_int(json, "targets_not_scanned",
			   frame->skips ? (int64_t)frame->skips->count : 0);
	sonde_json_add_int(json, "ports", (int64_t)summary->ports);
	for (unsigned state = SONDE_SCAN_OPEN; state < SONDE_SCAN_STATES; state++)
		sonde_json_add_int(json,
				   sonde_scan_state_name((enum sonde_scan_state)state),
				   (int64_t)summary->states[state]);
	sonde_json_add_int(json, "not_known",
			   (int64_t)summary->states[SONDE_SCAN_UNKNOWN]);
	sonde_json_add_int(json, "refused", (int64_t)summary->refused);
	sonde_json_add_int(json, "probes", (int64_t)summary->probes);
	sonde_json_add_int(json, "repeated", (int64_t)summary->repeated);
	sonde_json_add_int(json, "own_drops", (int64_t)summary->own_drops);
	sonde_json_add_int(json, "foreign", (int64_t)summary->foreign);
	add_fraction(json, "loss", summary->loss);
	add_fraction(json, "miss_probability", summary->miss_probability);
	sonde_json_add_bool(json, "complete", summary->is_complete);
	sonde_json_add_int(json, "took_ns", summary->took_ns);
	output_event_end(output);
}
