/* An open and a closed port, over TCP and UDP: found by a scan, then asked once more by
 * this very program under its own tracer, whose ladder shows the packets, with sentences
 * about what they mean. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/scan.h>
#include <sonde/text.h>
#include <sonde/trace.h>

#include "command.h"
#include "message.h"
#include "render.h"
#include "scan_explain.h"

enum { CLOSED_TRIED = 3 }; /* few: each costs an ICMP error, and those are limited */

#define SELF "/proc/self/exe"

struct found {
	const char *target;
	enum sonde_scan_method method;
	uint16_t port;
	enum sonde_scan_state state; /* of the port */
	uint16_t closed;             /* another one; 0 none was found */
};

static void observe(void *context, const struct sonde_scan_event *event)
{
	struct found *found = context;

	if (event->kind != SONDE_SCAN_PORT)
		return;
	if (event->address.port == found->port)
		found->state = event->state;
	else if (event->state == SONDE_SCAN_CLOSED)
		found->closed = event->address.port;
}

static int look(struct found *found, struct sonde_error *err)
{
	struct sonde_scan_options options = {.method = found->method,
					     .skip_ping = true,
					     .observer = observe,
					     .context = found};
	struct sonde_scan *scan = NULL;
	char ports[64];
	struct sonde_text text;
	unsigned tried = 0;
	int r = sonde_scan_new(&options, &scan, err);

	sonde_text_init(&text, ports, sizeof(ports));
	sonde_text_add(&text, "%u", found->port);
	for (unsigned port = 1; tried < CLOSED_TRIED; port++)
		if (port != found->port && ++tried)
			sonde_text_add(&text, ",%u", port);
	if (r == 0)
		r = sonde_scan_add_ports(scan, ports, err);
	if (r == 0)
		r = sonde_scan_add_target(scan, found->target, err);
	if (r == 0)
		r = sonde_scan_run(scan, -1, err);
	sonde_scan_free(scan);
	return r;
}

/* --- sentences */

static const char *meaning(enum sonde_scan_method method, enum sonde_scan_state state)
{
	bool udp = method == SONDE_SCAN_UDP;

	switch (state) {
	case SONDE_SCAN_OPEN:
		return udp ? "A datagram came back from that very port: a program reads "
			     "there and answers."
			   : "SYN was answered by SYN,ACK: somebody called listen() "
			     "there. "
			     "The kernel\ncompletes the connection before the program "
			     "calls accept(); RST ends it here.";
	case SONDE_SCAN_CLOSED:
		return udp ? "The host answered by an ICMP message, port unreachable: no "
			     "socket is bound\nthere. recvfrom() tells it as "
			     "ECONNREFUSED "
			     "(Windows: WSAECONNRESET 10054)."
			   : "SYN was answered by RST,ACK: nobody listens there. "
			     "connect() "
			     "fails with\nECONNREFUSED (Windows: WSAECONNREFUSED 10061).";
	case SONDE_SCAN_OPEN_FILTERED:
		return "Nothing came back: a program may read there and not answer, or a "
		       "firewall\ndropped the datagram. UDP itself does not tell these "
		       "two "
		       "apart.";
	case SONDE_SCAN_FILTERED:
		return "Nothing came back: a firewall drops the SYN, or the host is "
		       "gone. "
		       "connect()\nrepeats it and fails with ETIMEDOUT at last (Windows: "
		       "WSAETIMEDOUT 10060).";
	case SONDE_SCAN_UNREACHABLE:
		return "Somebody on the way said that this cannot be reached: connect() "
		       "fails with\nEHOSTUNREACH or ENETUNREACH (Windows: 10065 or "
		       "10051).";
	case SONDE_SCAN_UNKNOWN:
	default:
		return "It was not asked.";
	}
}

static void print_meaning(struct output *output, const struct found *found, uint16_t port,
			  enum sonde_scan_state state)
{
	output_print(output, "%u/%s is %s.\n", port,
		     found->method == SONDE_SCAN_UDP ? "udp" : "tcp",
		     sonde_scan_state_name(state));
	output_print(output, "%s\n", meaning(found->method, state));
}

/* --- the trace */

static int show(struct output *output, struct sonde_trace *trace)
{
	const struct sonde_recording *recording = sonde_trace_recording(trace);
	const struct render_options how = {0};
	struct sonde_timeline timeline;
	int r = sonde_timeline_build(recording, &timeline);

	if (r < 0)
		return r;
	if (timeline.stream_count > 0)
		r = render_ladders(output, &timeline, &how);
	else
		render_statements(output, &timeline, &how);
	output_flush(output);
	render_notes(output, recording);
	sonde_timeline_done(&timeline);
	return r;
}

static int trace(struct output *output, const struct found *found,
		 struct sonde_error *err)
{
	char ports[32], target[256], method[16];
	char self[] = SELF, scan[] = "scan", no_ping[] = "-Pn", p[] = "-p", to[] = "-o";
	char nowhere[] = "/dev/null", quiet[] = "-q", may[] = "--yes-i-may";
	char *words[] = {self, scan,    method, no_ping, quiet,  may,
			 to,   nowhere, p,      ports,   target, NULL};
	struct sonde_trace_options options = {.arguments = words};
	struct sonde_trace *traced = NULL;
	int r;

	snprintf(target, sizeof(target), "%s", found->target);
	snprintf(method, sizeof(method), "--%s",
		 found->method == SONDE_SCAN_UDP ? "udp" : "connect");
	if (found->closed)
		snprintf(ports, sizeof(ports), "%u,%u", found->port, found->closed);
	else
		snprintf(ports, sizeof(ports), "%u", found->port);
	r = sonde_trace_start(&options, &traced, err);
	if (r == 0)
		r = sonde_trace_wait(traced, -1, err);
	if (r == 0 && show(output, traced) < 0)
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "show",
				    "the trace", NULL);
	sonde_trace_free(traced);
	return r;
}

static int explain(struct output *output, struct found *found, struct sonde_error *err)
{
	bool udp = found->method == SONDE_SCAN_UDP;
	int r = look(found, err);

	if (r < 0)
		return r;
	output_print(output, "%s, port %u%s", udp ? "UDP" : "TCP", found->port,
		     found->closed ? "" : "\n\n");
	if (found->closed)
		output_print(output, ", and beside it port %u\n\n", found->closed);
	r = trace(output, found, err);
	if (r < 0)
		return r;
	output_print(output, "\n");
	print_meaning(output, found, found->port, found->state);
	if (found->closed)
		print_meaning(output, found, found->closed, SONDE_SCAN_CLOSED);
	output_print(output, "\n");
	return 0;
}

int scan_explain_run(const struct arguments *arguments, struct output *output)
{
	static const enum sonde_scan_method methods[] = {SONDE_SCAN_CONNECT,
							 SONDE_SCAN_UDP};
	struct sonde_error err;

	if (arguments->operand_count != 1)
		return message_usage("scan",
				     "--explain has one target, as in: sonde scan "
				     "--explain 22 localhost");
	for (size_t i = 0; i < 2; i++) {
		struct found found = {
			.target = arguments->operands[0],
			.method = methods[i],
			.port = (uint16_t)arguments_number(arguments, "explain", 0),
		};

		if (explain(output, &found, &err) < 0)
			return message_error(&err);
	}
	return STATUS_DONE;
}
