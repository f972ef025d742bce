/* The counters of sonde serve, as text and as NDJSON. */
#include "serve_counters.h"

#include <inttypes.h>
#include <stdbool.h>

#include <sonde/text.h>

static struct sonde_serve_counts sum(const struct sonde_server *server)
{
	struct sonde_serve_counts all = {.service = "all"}, at;

	for (size_t i = 0; sonde_server_read_counts(server, i, &at); i++) {
		all.clients += at.clients;
		all.left += at.left;
		all.turned_away += at.turned_away;
		all.datagrams += at.datagrams;
		all.received += at.received;
		all.sent += at.sent;
		all.answered += at.answered;
		all.refused += at.refused;
		all.dropped += at.dropped;
		all.unanswered += at.unanswered;
	}
	return all;
}

static bool has_work(const struct sonde_serve_counts *at)
{
	return at->clients > 0 || at->datagrams > 0 || at->unanswered > 0 ||
	       at->turned_away > 0;
}

/* --- as text */

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void add_rare(struct sonde_text *line, const struct sonde_serve_counts *at)
{
	if (at->turned_away > 0)
		sonde_text_add(line, ", %" PRIu64 " connection%s turned away",
			       at->turned_away, plural(at->turned_away));
	if (at->dropped > 0)
		sonde_text_add(line, ", %" PRIu64 " lost on purpose", at->dropped);
	if (at->unanswered > 0)
		sonde_text_add(line, ", %" PRIu64 " datagram%s without an answer",
			       at->unanswered, plural(at->unanswered));
}

/* "calc/tcp: 3 clients (1 still here), 54 bytes received, 24 sent, 3 requests answered, 0
 * refused" */
static void print_service(struct output *output, const struct sonde_serve_counts *at)
{
	char storage[320];
	struct sonde_text line;

	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%s/%s: ", at->service, at->udp ? "udp" : "tcp");
	if (at->udp)
		sonde_text_add(&line, "%" PRIu64 " datagram%s", at->datagrams,
			       plural(at->datagrams));
	else
		sonde_text_add(&line, "%" PRIu64 " client%s", at->clients,
			       plural(at->clients));
	if (at->clients > at->left)
		sonde_text_add(&line, " (%" PRIu64 " still here)",
			       at->clients - at->left);
	sonde_text_add(&line,
		       ", %" PRIu64 " byte%s received, %" PRIu64 " sent, %" PRIu64
		       " request%s answered, %" PRIu64 " refused",
		       at->received, plural(at->received), at->sent, at->answered,
		       plural(at->answered), at->refused);
	add_rare(&line, at);
	output_print(output, "%s\n", storage);
}

static void print_all(struct output *output, const struct sonde_serve_counts *all)
{
	char storage[320];
	struct sonde_text line;

	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line,
		       "served %" PRIu64 " client%s and %" PRIu64 " datagram%s: %" PRIu64
		       " request%s answered, %" PRIu64 " refused",
		       all->clients, plural(all->clients), all->datagrams,
		       plural(all->datagrams), all->answered, plural(all->answered),
		       all->refused);
	add_rare(&line, all);
	output_print(output, "%s\n", storage);
}

/* --- as NDJSON */

static void add_counts(struct sonde_json *json, const struct sonde_serve_counts *at)
{
	sonde_json_add_int(json, "clients", (int64_t)at->clients);
	sonde_json_add_int(json, "turned_away", (int64_t)at->turned_away);
	sonde_json_add_int(json, "connected", (int64_t)(at->clients - at->left));
	sonde_json_add_int(json, "datagrams", (int64_t)at->datagrams);
	sonde_json_add_int(json, "received", (int64_t)at->received);
	sonde_json_add_int(json, "sent", (int64_t)at->sent);
	sonde_json_add_int(json, "answered", (int64_t)at->answered);
	sonde_json_add_int(json, "refused", (int64_t)at->refused);
	sonde_json_add_int(json, "dropped", (int64_t)at->dropped);
	sonde_json_add_int(json, "unanswered", (int64_t)at->unanswered);
}

static void write_event(const struct sonde_server *server, struct output *output,
			const char *name, int64_t at_ns)
{
	struct sonde_serve_counts all = sum(server), at;
	struct sonde_json *json = output_event_begin(output, name);

	output_event_time(output, "at_ns", at_ns);
	add_counts(json, &all);
	sonde_json_key(json, "services");
	sonde_json_array_begin(json);
	for (size_t i = 0; sonde_server_read_counts(server, i, &at); i++) {
		if (!has_work(&at))
			continue;
		sonde_json_object_begin(json);
		sonde_json_add_string(json, "service", at.service);
		sonde_json_add_string(json, "proto", at.udp ? "udp" : "tcp");
		add_counts(json, &at);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
	output_event_end(output);
}

void serve_counters_print(const struct sonde_server *server, struct output *output,
			  const char *event, int64_t at_ns)
{
	struct sonde_serve_counts all = sum(server), at;

	if (output->has_json) {
		write_event(server, output, event, at_ns);
		return;
	}
	for (size_t i = 0; sonde_server_read_counts(server, i, &at); i++) {
		if (output->verbosity >= 0 && has_work(&at))
			print_service(output, &at);
	}
	print_all(output, &all);
}
