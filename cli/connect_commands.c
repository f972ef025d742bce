/* open, local, close, end, tls, base64, quit, help. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/json.h>
#include <sonde/text.h>

#include "connect_commands.h"
#include "message.h"

struct context {
	struct sonde_session *session;
	const struct sonde_target *target;
	const struct sonde_tls_options *tls;
	struct commands_result *result;
};

static void open_peer(const struct context *context, const char *words)
{
	struct sonde_target target = *context->target;
	struct sonde_error err;
	char host[300], port[64], rest[2];

	if (!words[0]) {
		message_say("open: name a peer, as in: open localhost 50000");
		return;
	}
	int count = sscanf(words, "%299s %63s %1s", host, port, rest);
	if (count > 2) {
		message_say("open: HOST PORT, or HOST:PORT");
		return;
	}
	/* A lone word that has no port in it. */
	if (count == 1 && target.transport <= SONDE_TRANSPORT_UDP && !strchr(host, ':')) {
		message_say("open: HOST PORT, or HOST:PORT, as in: open localhost 50000");
		return;
	}
	if (sonde_session_is_open(context->session)) {
		message_say("open: there is a connection already");
		message_hint("close ends it");
		return;
	}
	target.host = host;
	target.port = count == 2 ? port : NULL;
	if (sonde_session_open(context->session, &target, &err) < 0)
		message_error(&err);
}

static void tell_local(const struct context *context, const char *words)
{
	struct sonde_session_place place;

	(void)words;
	sonde_session_get_place(context->session, &place);
	if (!sonde_session_is_open(context->session)) {
		printf("no connection\n");
		return;
	}
	printf("local %s, peer %s, %s%s\n", place.local[0] ? place.local : "without name",
	       place.peer, sonde_transport_name(place.transport),
	       place.is_tls ? ", TLS" : "");
	printf("address by %s, port by %s\n",
	       place.gave_address ? "--bind" : "the kernel",
	       place.gave_port ? "--bind" : "the kernel");
	struct sonde_session_totals totals;
	sonde_session_get_totals(context->session, &totals);
	printf("%" PRIu64 " bytes sent, %" PRIu64 " received\n", totals.sent,
	       totals.received);
}

static void close_peer(const struct context *context, const char *words)
{
	(void)words;
	if (!sonde_session_is_open(context->session)) {
		printf("no connection\n");
		return;
	}
	sonde_session_close(context->session, "we closed it");
	printf("closed\n");
}

static void end_sending(const struct context *context, const char *words)
{
	struct sonde_error err;

	(void)words;
	if (sonde_session_end(context->session, &err) < 0)
		message_error(&err);
}

static void start_tls(const struct context *context, const char *words)
{
	struct sonde_error err;

	(void)words;
	if (sonde_session_start_tls(context->session, context->tls,
				    context->target->timeout_ns, &err) < 0)
		message_error(&err);
}

/* Also into the next line, where the Enter key sends it: AUTH LOGIN wants it so. */
static void encode(const struct context *context, const char *words)
{
	struct sonde_json json;

	context->result->is_secret = true;
	sonde_json_init(&json);
	sonde_json_base64(&json, words, strlen(words));
	if (sonde_json_error(&json) == 0 && json.used >= 2) {
		int n = (int)(json.used - 2); /* without the quotation marks */
		printf("%.*s\n", n, json.chars + 1);
		if (sonde_session_is_open(context->session))
			snprintf(context->result->type, sizeof(context->result->type),
				 "%.*s", n, json.chars + 1);
	}
	sonde_json_done(&json);
}

static void quit(const struct context *context, const char *words)
{
	(void)words;
	context->result->quits = true;
}

static void help(const struct context *context, const char *words);

static const struct talk_command {
	const char *name, *words, *help;
	void (*run)(const struct context *context, const char *words);
} table[] = {
	{"open", "HOST PORT", "connect to another peer", open_peer},
	{"local", "", "tell the local address, and the peer's", tell_local},
	{"close", "", "close the connection", close_peer},
	{"end", "", "close our half; ^D on an empty line does it, too", end_sending},
	{"tls", "", "speak TLS from now on", start_tls},
	{"base64", "TEXT", "encode TEXT, and put it into the line", encode},
	{"quit", "", "end sonde", quit},
	{"help", "", "this list", help},
};

enum { COMMANDS = sizeof(table) / sizeof(table[0]) };

static void help(const struct context *context, const char *words)
{
	(void)context;
	(void)words;
	for (size_t i = 0; i < COMMANDS; i++)
		printf("%-6s %-10s %s\n", table[i].name, table[i].words, table[i].help);
	printf("An empty line goes back to the peer.\n");
}

static void refuse(const char *name)
{
	const char *names[COMMANDS];

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = table[i].name;
	const char *nearest = sonde_text_nearest(name, names, COMMANDS);
	message_say("%s: no such command here", name);
	if (nearest)
		message_hint("did you mean %s?", nearest);
	else
		message_hint("help shows the commands");
}

void commands_run(struct sonde_session *session, const struct sonde_target *target,
		  const struct sonde_tls_options *tls, const char *line,
		  struct commands_result *ret)
{
	struct context context = {session, target, tls, ret};
	char name[32];

	*ret = (struct commands_result){0};
	line += strspn(line, " \t");
	size_t n = strcspn(line, " \t");
	if (n == 0)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)n, line);
	const char *words = line + n + strspn(line + n, " \t");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(table[i].name, name) == 0) {
			table[i].run(&context, words);
			return;
		}
	}
	refuse(name);
}
