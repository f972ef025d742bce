/* A session in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "message.h"
#include "talk_words.h"

/* Where the kernel takes the ports from that nobody chose. */
static bool read_port_range(unsigned ret[2])
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	bool is_read;

	if (!file)
		return false;
	is_read = fscanf(file, "%u %u", &ret[0], &ret[1]) == 2;
	fclose(file);
	return is_read;
}

static bool is_ip(const struct sonde_session_event *event)
{
	return event->transport == SONDE_TRANSPORT_TCP ||
	       event->transport == SONDE_TRANSPORT_UDP;
}

static void add_range(struct sonde_text *line)
{
	unsigned range[2];

	if (read_port_range(range))
		sonde_text_add(line, " %u to %u", range[0], range[1]);
}

/* Before the connect: who will give what. */
static void add_bound(struct sonde_text *line, const struct sonde_session_event *event)
{
	if (event->gave_address && event->gave_port)
		sonde_text_add(line,
			       "local address before the connect: %s, as --bind "
			       "wants it",
			       event->local);
	else if (event->gave_address)
		sonde_text_add(line,
			       "local address before the connect: %s; --bind chose the "
			       "address, the kernel the port",
			       event->local);
	else if (event->gave_port)
		sonde_text_add(line,
			       "local address before the connect: %s; --bind chose the "
			       "port, the kernel will choose the address",
			       event->local);
	else
		sonde_text_add(line, "local address before the connect: none; the kernel "
				     "will choose it");
}

static void add_giver(struct sonde_text *line, const struct sonde_session_event *event)
{
	if (!is_ip(event))
		return;
	sonde_text_add(line, "; ");
	if (event->gave_address && event->gave_port) {
		sonde_text_add(line, "--bind chose address and port");
		return;
	}
	if (event->gave_address)
		sonde_text_add(line, "--bind chose the address");
	else
		sonde_text_add(line, "the kernel chose the address, by the route to the "
				     "peer");
	if (event->gave_port) {
		sonde_text_add(line, ", and --bind the port");
		return;
	}
	sonde_text_add(line, event->gave_address ? ", the kernel the port, from"
						 : ", and the port, from");
	add_range(line);
}

static void add_tls(struct sonde_text *line, const struct sonde_tls_details *tls)
{
	static const char *const trusts[] = {
		[SONDE_TLS_NOT_ASKED] = "the peer showed no certificate",
		[SONDE_TLS_UNCHECKED] = "not checked (--insecure)",
		[SONDE_TLS_PINNED] = "it is the pinned one",
		[SONDE_TLS_CHAIN] = "signed by who is trusted, and for this name",
	};

	sonde_text_add(line, "%s, %s", tls->version, tls->cipher);
	if (tls->alpn[0])
		sonde_text_add(line, ", %s", tls->alpn);
	if (tls->subject[0] || tls->fingerprint[0])
		sonde_text_add(line, "; certificate of %s, issued by %s, until %s, %s",
			       tls->subject, tls->issuer, tls->not_after,
			       tls->fingerprint);
	sonde_text_add(line, "; %s", trusts[tls->trust]);
	if (tls->objection[0])
		sonde_text_add(line, ": %s", tls->objection);
}

static void add_closed(struct sonde_text *line, const struct sonde_session_event *event)
{
	sonde_text_add(line, "closed after ");
	sonde_text_add_duration(line, event->took_ns);
	sonde_text_add(line, ": %s", event->text);
}

void talk_words_format(const struct sonde_session_event *event, char *ret,
		       size_t capacity)
{
	char peer[SONDE_ENDPOINT_TRANSPORT_CHARS];
	struct sonde_text line;

	sonde_transport_format(event->transport, event->peer, peer, sizeof(peer));

	sonde_text_init(&line, ret, capacity);
	switch (event->kind) {
	case SONDE_SESSION_RESOLVING:
		sonde_text_add(&line, "looking up %s", event->text);
		break;
	case SONDE_SESSION_RESOLVED:
		sonde_text_add(&line, "%zu address%s: %s (", event->count,
			       event->count == 1 ? "" : "es", event->text);
		sonde_text_add_duration(&line, event->took_ns);
		sonde_text_add(&line, ")");
		break;
	case SONDE_SESSION_BOUND:
		add_bound(&line, event);
		break;
	case SONDE_SESSION_CONNECTING:
		sonde_text_add(&line, "connecting to %s", peer);
		break;
	case SONDE_SESSION_FAILED:
		if (event->count == 0) /* the error says it */
			break;
		sonde_text_add(&line, "%s: %s; trying the next address", peer,
			       event->text);
		break;
	case SONDE_SESSION_CONNECTED:
		sonde_text_add(&line, "connected to %s from %s (", peer,
			       event->local[0] ? event->local : "a socket without name");
		sonde_text_add_duration(&line, event->took_ns);
		sonde_text_add(&line, ")");
		add_giver(&line, event);
		break;
	case SONDE_SESSION_TLS:
		add_tls(&line, event->tls);
		break;
	case SONDE_SESSION_SENT:
	case SONDE_SESSION_RECEIVED:
	case SONDE_SESSION_STEP:
		break;
	case SONDE_SESSION_SENT_END:
		sonde_text_add(&line, "our half is closed: nothing more is sent (%s)",
			       event->text);
		break;
	case SONDE_SESSION_PEER_END:
		sonde_text_add(&line, "the peer closed its half: nothing more comes (%s)",
			       event->text);
		break;
	case SONDE_SESSION_CLOSED:
		add_closed(&line, event);
		break;
	case SONDE_SESSION_TELNET:
		sonde_text_add(&line, "telnet: %s", event->text);
		break;
	case SONDE_SESSION_NOTE:
		sonde_text_add(&line, "%s", event->text);
		break;
	}
}

/* --- NDJSON */

static const char *const event_names[] = {
	[SONDE_SESSION_RESOLVING] = "resolving",
	[SONDE_SESSION_RESOLVED] = "resolved",
	[SONDE_SESSION_BOUND] = "bound",
	[SONDE_SESSION_CONNECTING] = "connecting",
	[SONDE_SESSION_FAILED] = "failed",
	[SONDE_SESSION_CONNECTED] = "connected",
	[SONDE_SESSION_TLS] = "tls",
	[SONDE_SESSION_SENT] = "data",
	[SONDE_SESSION_RECEIVED] = "data",
	[SONDE_SESSION_SENT_END] = "end",
	[SONDE_SESSION_PEER_END] = "end",
	[SONDE_SESSION_CLOSED] = "closed",
	[SONDE_SESSION_TELNET] = "telnet",
	[SONDE_SESSION_NOTE] = "note",
	[SONDE_SESSION_STEP] = "step",
};

static void add_json_tls(struct sonde_json *json, const struct sonde_tls_details *tls)
{
	static const char *const trusts[] = {
		[SONDE_TLS_NOT_ASKED] = "none",
		[SONDE_TLS_UNCHECKED] = "unchecked",
		[SONDE_TLS_PINNED] = "pinned",
		[SONDE_TLS_CHAIN] = "chain",
	};

	sonde_json_add_string(json, "version", tls->version);
	sonde_json_add_string(json, "cipher", tls->cipher);
	if (tls->alpn[0])
		sonde_json_add_string(json, "alpn", tls->alpn);
	sonde_json_add_string(json, "trust", trusts[tls->trust]);
	if (tls->fingerprint[0]) {
		sonde_json_add_string(json, "subject", tls->subject);
		sonde_json_add_string(json, "issuer", tls->issuer);
		sonde_json_add_string(json, "not_after", tls->not_after);
		sonde_json_add_string(json, "fingerprint", tls->fingerprint);
	}
	if (tls->objection[0])
		sonde_json_add_string(json, "objection", tls->objection);
}

void talk_json_data(struct output *output, int64_t at_ns, const char *direction,
		    uint64_t client, const void *bytes, size_t n)
{
	struct sonde_json *json = output_event_begin(output, "data");

	output_event_time(output, "at_ns", at_ns);
	if (client > 0)
		sonde_json_add_int(json, "client", (int64_t)client);
	sonde_json_add_string(json, "direction", direction);
	sonde_json_add_int(json, "bytes", (int64_t)n);
	sonde_json_key(json, "base64");
	sonde_json_base64(json, bytes, n);
	output_event_end(output);
}

void talk_json_write(struct output *output, const struct sonde_session_event *event)
{
	bool is_sent = event->kind == SONDE_SESSION_SENT ||
		       event->kind == SONDE_SESSION_SENT_END;

	if (event->kind == SONDE_SESSION_SENT || event->kind == SONDE_SESSION_RECEIVED) {
		talk_json_data(output, event->at_ns, is_sent ? "sent" : "received", 0,
			       event->bytes, event->count);
		return;
	}
	struct sonde_json *json = output_event_begin(output, event_names[event->kind]);
	output_event_time(output, "at_ns", event->at_ns);
	if (event->kind == SONDE_SESSION_SENT_END ||
	    event->kind == SONDE_SESSION_PEER_END)
		sonde_json_add_string(json, "direction", is_sent ? "sent" : "received");
	if (event->kind == SONDE_SESSION_BOUND || event->kind == SONDE_SESSION_CONNECTED)
		output_event_endpoint(output, "local", &event->local_address,
				      event->local);
	if (event->kind == SONDE_SESSION_CONNECTING ||
	    event->kind == SONDE_SESSION_FAILED || event->kind == SONDE_SESSION_CONNECTED)
		output_event_endpoint(output, "peer", &event->peer_address, event->peer);
	if (event->kind == SONDE_SESSION_CONNECTED)
		sonde_json_add_string(json, "proto",
				      sonde_transport_name(event->transport));
	if (event->took_ns > 0)
		sonde_json_add_int(json, "took_ns", event->took_ns);
	if (event->kind == SONDE_SESSION_TLS)
		add_json_tls(json, event->tls);
	if (event->kind == SONDE_SESSION_CLOSED || event->kind == SONDE_SESSION_STEP)
		sonde_json_add_bool(json, "ok", event->by_user);
	if (event->kind == SONDE_SESSION_STEP)
		sonde_json_add_int(json, "line", event->line);
	if (event->text)
		output_event_text(output, event->text, strlen(event->text));
	output_event_end(output);
}

void talk_stats_print(struct output *output, const struct sonde_session_totals *totals)
{
	double seconds = (double)totals->lasted_ns / 1e9;
	double rate =
		seconds > 0 ? (double)(totals->sent + totals->received) / seconds : 0;
	struct sonde_text text;
	char storage[48];

	if (output->has_json) {
		struct sonde_json *json = output_event_begin(output, "summary");
		sonde_json_add_int(json, "sent", (int64_t)totals->sent);
		sonde_json_add_int(json, "received", (int64_t)totals->received);
		sonde_json_add_int(json, "lasted_ns", totals->lasted_ns);
		sonde_json_add_bool(json, "peer_ended_first", totals->peer_ended_first);
		output_event_end(output);
		return;
	}
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_duration(&text, totals->lasted_ns);
	message_say("%" PRIu64 " byte%s sent, %" PRIu64 " received in %s, %.2f MB/s",
		    totals->sent, totals->sent == 1 ? "" : "s", totals->received, storage,
		    rate / 1e6);
}
