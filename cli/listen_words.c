/* A listener in words. */
#include "listen_words.h"

#include <inttypes.h>
#include <string.h>

#include <sonde/text.h>

#include "message.h"
#include "talk_words.h"

static void add_client(struct sonde_text *line, const struct sonde_listen_event *event)
{
	sonde_text_add(line, "client %" PRIu64, event->client);
	if (event->peer[0])
		sonde_text_add(line, " (%s)", event->peer);
	sonde_text_add(line, ": ");
}

static void add_bytes(struct sonde_text *line, uint64_t bytes, const char *what)
{
	sonde_text_add(line, "%" PRIu64 " byte%s %s", bytes, bytes == 1 ? "" : "s", what);
}

static void add_closed(struct sonde_text *line, const struct sonde_listen_event *event)
{
	sonde_text_add(line, "closed after ");
	sonde_text_add_duration(line, event->lasted_ns);
	sonde_text_add(line, ": ");
	sonde_text_add_escaped(line, event->text, strlen(event->text));
	sonde_text_add(line, "; ");
	add_bytes(line, event->received, "came");
	sonde_text_add(line, ", ");
	add_bytes(line, event->sent, "went");
}

void listen_words_format(const struct sonde_listen_event *event, char *ret,
			 size_t capacity)
{
	char local[SONDE_ENDPOINT_TRANSPORT_CHARS];
	struct sonde_text line;

	sonde_transport_format(event->transport, event->local, local, sizeof(local));

	sonde_text_init(&line, ret, capacity);
	if (event->client)
		add_client(&line, event);
	switch (event->kind) {
	case SONDE_LISTEN_LISTENING:
		sonde_text_add(&line, "listening on %s", local);
		break;
	case SONDE_LISTEN_ACCEPTED:
		sonde_text_add(&line, "accepted");
		if (event->local[0])
			sonde_text_add(&line, " at %s", local);
		break;
	case SONDE_LISTEN_REFUSED:
		sonde_text_add(&line, "%s is refused: %s", event->peer, event->text);
		break;
	case SONDE_LISTEN_SECURED:
		sonde_text_add(&line, "%s, %s", event->tls->version, event->tls->cipher);
		if (event->tls->alpn[0])
			sonde_text_add(&line, ", %s", event->tls->alpn);
		if (event->tls->subject[0])
			sonde_text_add(&line, "; certificate of %s, issued by %s",
				       event->tls->subject, event->tls->issuer);
		break;
	case SONDE_LISTEN_STARTED:
		sonde_text_add(&line, "its command is process %d", event->pid);
		break;
	case SONDE_LISTEN_RELAYED:
		sonde_text_add(&line, "relayed to %s", event->text);
		break;
	case SONDE_LISTEN_ENDED:
		sonde_text_add(&line, "it sends no more (%s)", event->text);
		break;
	case SONDE_LISTEN_SENT_END:
		sonde_text_add(&line, "nothing more is sent to it (%s)", event->text);
		break;
	case SONDE_LISTEN_CLOSED:
		add_closed(&line, event);
		break;
	case SONDE_LISTEN_NOTE:
		sonde_text_add(&line, "%s", event->text);
		break;
	case SONDE_LISTEN_RECEIVED:
	case SONDE_LISTEN_SENT:
		break;
	}
}

/* ---- NDJSON */

/* As the contract of all commands has it: flat. */
static void write_listening(struct output *output, const struct sonde_listen_event *event)
{
	struct sonde_json *json = output_event_begin(output, "listening");

	if (event->local_address.family == SONDE_FAMILY_INET ||
	    event->local_address.family == SONDE_FAMILY_INET6)
		output_event_address(output, &event->local_address);
	else
		sonde_json_add_string(json, "path", event->local);
	sonde_json_add_string(json, "proto", sonde_transport_name(event->transport));
	output_event_end(output);
}

static void add_details(struct sonde_json *json, const struct sonde_listen_event *event)
{
	switch (event->kind) {
	case SONDE_LISTEN_SECURED:
		sonde_json_add_string(json, "version", event->tls->version);
		sonde_json_add_string(json, "cipher", event->tls->cipher);
		break;
	case SONDE_LISTEN_ENDED:
	case SONDE_LISTEN_SENT_END:
		sonde_json_add_string(json, "direction",
				      event->kind == SONDE_LISTEN_SENT_END ? "sent"
									   : "received");
		break;
	case SONDE_LISTEN_STARTED:
		sonde_json_add_int(json, "pid", event->pid);
		break;
	case SONDE_LISTEN_CLOSED:
		sonde_json_add_bool(json, "ok", event->in_order);
		sonde_json_add_int(json, "received", (int64_t)event->received);
		sonde_json_add_int(json, "sent", (int64_t)event->sent);
		sonde_json_add_int(json, "lasted_ns", event->lasted_ns);
		break;
	default:
		break;
	}
}

void listen_json_write(struct output *output, const struct sonde_listen_event *event)
{
	static const char *const names[] = {
		[SONDE_LISTEN_ACCEPTED] = "accepted", [SONDE_LISTEN_REFUSED] = "refused",
		[SONDE_LISTEN_SECURED] = "tls",       [SONDE_LISTEN_STARTED] = "started",
		[SONDE_LISTEN_RELAYED] = "relayed",   [SONDE_LISTEN_ENDED] = "end",
		[SONDE_LISTEN_SENT_END] = "end",      [SONDE_LISTEN_CLOSED] = "closed",
		[SONDE_LISTEN_NOTE] = "note",
	};
	struct sonde_json *json;

	if (event->kind == SONDE_LISTEN_LISTENING) {
		write_listening(output, event);
		return;
	}
	if (event->kind == SONDE_LISTEN_RECEIVED || event->kind == SONDE_LISTEN_SENT) {
		talk_json_data(output, event->at_ns,
			       event->kind == SONDE_LISTEN_SENT ? "sent" : "received",
			       event->client, event->bytes, event->count);
		return;
	}
	json = output_event_begin(output, names[event->kind]);
	output_event_time(output, "at_ns", event->at_ns);
	if (event->client)
		sonde_json_add_int(json, "client", (int64_t)event->client);
	if (event->kind == SONDE_LISTEN_ACCEPTED)
		output_event_endpoint(output, "local", &event->local_address,
				      event->local);
	if (event->kind == SONDE_LISTEN_ACCEPTED || event->kind == SONDE_LISTEN_REFUSED)
		output_event_endpoint(output, "peer", &event->peer_address, event->peer);
	add_details(json, event);
	if (event->text)
		sonde_json_add_string(json, "text", event->text);
	output_event_end(output);
}

void listen_stats_print(struct output *output, const struct sonde_listen_totals *totals)
{
	struct sonde_text text;
	char storage[192];

	if (output->has_json) {
		struct sonde_json *json = output_event_begin(output, "summary");

		sonde_json_add_int(json, "clients", (int64_t)totals->clients);
		sonde_json_add_int(json, "refused", (int64_t)totals->refused);
		sonde_json_add_int(json, "received", (int64_t)totals->received);
		sonde_json_add_int(json, "sent", (int64_t)totals->sent);
		sonde_json_add_int(json, "lasted_ns", totals->lasted_ns);
		output_event_end(output);
		return;
	}
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "%" PRIu64 " client%s, %" PRIu64 " refused; ",
		       totals->clients, totals->clients == 1 ? "" : "s", totals->refused);
	add_bytes(&text, totals->received, "came");
	sonde_text_add(&text, ", ");
	add_bytes(&text, totals->sent, "went");
	if (totals->lasted_ns > 0) {
		sonde_text_add(&text, " in ");
		sonde_text_add_duration(&text, totals->lasted_ns);
		sonde_text_add(&text, ", %.2f MB/s",
			       (double)(totals->received + totals->sent) * 1e3 /
				       (double)totals->lasted_ns);
	}
	message_say("%s", storage);
}
