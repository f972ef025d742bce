/* What happens to a server, a line for each event, as text or as NDJSON: where it listens,
 * and unless -q is given each thing that a client does.
 *
 * Lines are written out before the server waits again, so that a reader of a pipe has all
 * of them, and a busy server does not make a system call for each. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "serve_counters.h"
#include "serve_log.h"

static const char *const event_names[] = {
	[SONDE_SERVE_LISTENING] = "listening", [SONDE_SERVE_ACCEPTED] = "accepted",
	[SONDE_SERVE_DROPPED] = "dropped",     [SONDE_SERVE_RECEIVED] = "received",
	[SONDE_SERVE_ANSWERED] = "answered",   [SONDE_SERVE_REFUSED] = "refused",
	[SONDE_SERVE_CLOSED] = "closed",       [SONDE_SERVE_TROUBLE] = "trouble",
};

static const char *proto_name(const struct sonde_serve_event *event)
{
	return event->udp ? "udp" : "tcp";
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static bool has_bytes(const struct sonde_serve_event *event)
{
	return event->kind == SONDE_SERVE_RECEIVED ||
	       event->kind == SONDE_SERVE_ANSWERED || event->kind == SONDE_SERVE_DROPPED;
}

/* --- as text */

/* " (18 bytes received, 8 sent, 1 request answered, 1.20 ms)" */
static void add_totals(struct sonde_text *line, const struct sonde_serve_event *event)
{
	sonde_text_add(line, " (%" PRIu64 " byte%s received, %" PRIu64 " sent, ",
		       event->received, plural(event->received), event->sent);
	sonde_text_add(line, "%" PRIu64 " request%s answered, ", event->answered,
		       plural(event->answered));
	sonde_text_add_duration(line, event->lasted_ns);
	sonde_text_add(line, ")");
}

/* "calc 127.0.0.1:40112/tcp #1: received 18 bytes" */
static void print_event(const struct serve_log *served,
			const struct sonde_serve_event *event)
{
	struct output *output = served->output;
	char address[SONDE_ADDRESS_CHARS], storage[512];
	struct sonde_text line;

	sonde_text_init(&line, storage, sizeof(storage));
	if (event->kind == SONDE_SERVE_LISTENING) {
		/* 0.0.0.0 and [::] rather than * for both: they are two sockets. */
		bool brackets = event->address.family == SONDE_FAMILY_INET6;
		sonde_address_format_host(&event->address, address);
		output_print(output, "listening on %s%s%s:%u/%s%s%s%s\n",
			     brackets ? "[" : "", address, brackets ? "]" : "",
			     event->address.port, proto_name(event),
			     served->names_services ? " (" : "",
			     served->names_services ? event->service : "",
			     served->names_services ? ")" : "");
		return;
	}
	sonde_text_add(&line, "%s", event->service);
	if (event->peer.family != SONDE_FAMILY_NONE) {
		sonde_address_format(&event->peer, address);
		sonde_text_add(&line, " %s", address);
	}
	sonde_text_add(&line, "/%s", proto_name(event));
	if (event->client > 0)
		sonde_text_add(&line, " #%" PRIu64, event->client);
	sonde_text_add(&line, ": %s", event_names[event->kind]);
	if (event->kind == SONDE_SERVE_ANSWERED)
		sonde_text_add(&line, " %" PRIu32 " request%s,", event->requests,
			       plural(event->requests));
	if (has_bytes(event))
		sonde_text_add(&line, " %zu byte%s", event->bytes, plural(event->bytes));
	if (event->reason) {
		sonde_text_add(&line, ": ");
		sonde_text_add_escaped(&line, event->reason, strlen(event->reason));
	}
	if (event->kind == SONDE_SERVE_CLOSED)
		add_totals(&line, event);
	output_print(output, "%s\n", storage);
}

/* --- as NDJSON */

static void write_event(struct output *output, const struct sonde_serve_event *event)
{
	struct sonde_json *json = output_event_begin(output, event_names[event->kind]);

	output_event_time(output, "at_ns", event->at_ns);
	sonde_json_add_string(json, "service", event->service);
	sonde_json_add_string(json, "proto", proto_name(event));
	if (event->kind == SONDE_SERVE_LISTENING)
		output_event_address(output, &event->address);
	if (event->client > 0)
		sonde_json_add_int(json, "client", (int64_t)event->client);
	if (event->peer.family != SONDE_FAMILY_NONE) {
		sonde_json_key(json, "peer");
		sonde_json_object_begin(json);
		output_event_address(output, &event->peer);
		sonde_json_object_end(json);
	}
	if (event->kind == SONDE_SERVE_ANSWERED)
		sonde_json_add_int(json, "requests", event->requests);
	if (has_bytes(event))
		sonde_json_add_int(json, "bytes", (int64_t)event->bytes);
	if (event->kind == SONDE_SERVE_CLOSED) {
		sonde_json_add_int(json, "received", (int64_t)event->received);
		sonde_json_add_int(json, "sent", (int64_t)event->sent);
		sonde_json_add_int(json, "answered", (int64_t)event->answered);
		sonde_json_add_int(json, "lasted_ns", event->lasted_ns);
	}
	if (event->kind == SONDE_SERVE_TROUBLE)
		sonde_json_add_int(json, "times", (int64_t)event->times);
	if (event->reason)
		output_event_text(output, event->reason, strlen(event->reason));
	output_event_end(output);
}

/* --- */

static void tell(struct serve_log *served, const struct sonde_serve_event *event)
{
	if (served->output->has_json)
		write_event(served->output, event);
	else
		print_event(served, event);
}

/* A server of which a part cannot be bound listens nowhere, and must not say that it does. */
static void hold(struct serve_log *served, const struct sonde_serve_event *event)
{
	struct sonde_serve_event *bound =
		realloc(served->bound, (served->bound_count + 1) * sizeof(*bound));

	if (!bound) {
		served->has_lost = true;
		return;
	}
	served->bound = bound;
	bound[served->bound_count++] = *event;
}

int serve_log_begin(struct serve_log *served)
{
	if (served->has_lost)
		return -ENOMEM;
	served->has_begun = true;
	for (size_t i = 0; i < served->bound_count; i++)
		tell(served, &served->bound[i]);
	output_flush(served->output);
	return 0;
}

void serve_log_done(struct serve_log *served)
{
	free(served->bound);
	served->bound = NULL;
}

void serve_log_observe(void *context, const struct sonde_serve_event *event)
{
	struct serve_log *served = context;
	struct output *output = served->output;

	if (event->kind == SONDE_SERVE_IDLE) {
		output_flush(output);
		/* As if told to end: nobody will see what is served from now on. */
		if (output_is_broken(output) && !served->is_ending) {
			served->is_ending = true;
			/* To the process: a worker may be the one that writes. */
			kill(getpid(), SIGTERM);
		}
		return;
	}
	if (event->kind == SONDE_SERVE_ASKED) {
		serve_counters_print(served->server, output, "counters", event->at_ns);
		output_flush(output);
		return;
	}
	if (event->kind == SONDE_SERVE_LISTENING) {
		served->has_udp |= event->udp;
		served->has_tcp |= !event->udp;
		served->has_low_port |= event->asked_port > 0 && event->asked_port < 1024;
		served->beyond_loopback |= !sonde_address_is_loopback(&event->address);
		if (!served->has_begun) {
			hold(served, event);
			return;
		}
	}
	tell(served, event);
}
