/* sonde listen: waits for peers, and connects them with this program's input and output,
 * with each other, with a command, or with another address. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <sonde/listen.h>
#include <sonde/text.h>

#include "clock.h"
#include "cmd.h"
#include "listen_words.h"
#include "message.h"
#include "talk_fds.h"
#include "talk_options.h"
#include "talk_words.h"

static const struct option options[] = {
	{.name = "udp",
	 .letter = 'u',
	 .help = "UDP instead of TCP, with a session for each peer; with --unix, "
		 "datagrams"},
	TALK_OPTION_UNIX,
	TALK_OPTION_IPV4,
	TALK_OPTION_IPV6,
	{.name = "keep-open",
	 .letter = 'k',
	 .help = "many clients, at once and one after the other"},
	{.name = "max-clients",
	 .letter = 'm',
	 .type = OPTION_INT,
	 .argument = "N",
	 .least = 1,
	 .most = 1000000,
	 .help = "many clients, but so many at once; others wait until one has left"},
	{.name = "broker", .help = "what a client sends goes to all the others"},
	{.name = "chat",
	 .help = "so does each line, with the client's number, and who comes and goes"},
	{.name = "exec",
	 .letter = 'e',
	 .type = OPTION_TEXT,
	 .argument = "CMD",
	 .help = "a shell command for each client, which reads and writes its bytes"},
	{.name = "to",
	 .type = OPTION_TEXT,
	 .argument = "HOST:PORT",
	 .help = "relay each client to this address; a path is a Unix socket"},
	{.name = "allow",
	 .type = OPTION_TEXT,
	 .argument = "CIDR",
	 .repeats = true,
	 .help = "clients of these networks only: 192.0.2.0/24"},
	{.name = "deny",
	 .type = OPTION_TEXT,
	 .argument = "CIDR",
	 .repeats = true,
	 .help = "no clients of these networks, whatever --allow says"},
	{.name = "idle-timeout",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "close a client when nothing came or went for so long; 0s is never "
		 "(UDP: a minute)"},
	TALK_OPTION_CRLF,
	{.name = "tls",
	 .help = "TLS; without --cert the certificate is made for this run, and its "
		 "fingerprint said"},
	{.name = "tls-name",
	 .type = OPTION_TEXT,
	 .argument = "NAME",
	 .help = "with TLS: the name in the certificate that is made for this run"},
	{.name = "cert",
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "with TLS: the certificate (PEM), and those above it"},
	TALK_OPTION_KEY,
	{.name = "ca-file",
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "with TLS: clients must show a certificate that these (PEM) have "
		 "signed"},
	TALK_OPTION_ALPN,
	{.name = "stats", .help = "say at the end how many bytes came and went"},
	{.name = NULL},
};

/* What users of nc, ncat and socat type. */
static const struct foreign_option foreign[] = {
	{"-l", "it listens anyway: sonde listen PORT"},
	{"-p", "the port stands alone: sonde listen PORT"},
	{"-n", "addresses are never looked up: leave it out"},
	{"-N", "the end of standard input is always passed on: leave it out"},
	{"-w", "--idle-timeout 5s ends it when nothing comes or goes"},
	{"-i", "--idle-timeout 5s ends it when nothing comes or goes"},
	{"-c", "--exec CMD runs a shell command for each client"},
	{"--sh-exec", "--exec CMD runs a shell command for each client"},
	{"--ssl", "--tls speaks TLS"},
	{"--ssl-cert", "--cert FILE is the certificate"},
	{"--ssl-key", "--key FILE is its key"},
	{"--max-conns", "--max-clients N, or -m N"},
	{NULL, NULL},
};

#define REFUSAL_NS INT64_C(1000000000) /* between two that are shown */

struct listening {
	struct output *output;
	const struct arguments *arguments;
	const char *name;  /* of the command */
	char address[320]; /* where it listens */
	struct sonde_cidr_set allow, deny;
	struct sonde_tls_options tls;
	struct sonde_target to;
	struct sonde_listen_options options;
	int64_t quiet_until_ns; /* for refusals; CLOCK_REALTIME */
	uint64_t hushed;        /* refusals that were not shown */
};

static void say_hushed(struct listening *listening)
{
	if (listening->hushed > 0)
		message_note(listening->output, "%" PRIu64 " more %s refused",
			     listening->hushed, listening->hushed == 1 ? "was" : "were");
	listening->hushed = 0;
}

/* Strangers must not fill the screen: one a second is shown, and then how many were not. */
static bool is_refusal_due(struct listening *listening,
			   const struct sonde_listen_event *event)
{
	if (event->at_ns < listening->quiet_until_ns) {
		listening->hushed++;
		return false;
	}
	listening->quiet_until_ns = event->at_ns + REFUSAL_NS;
	say_hushed(listening);
	return true;
}

static void observe(void *context, const struct sonde_listen_event *event)
{
	struct listening *listening = context;
	struct output *output = listening->output;
	char words[1024];

	if (output->has_json) {
		listen_json_write(output, event);
		output_flush(output);
		if (output_is_broken(output))
			talk_fds_stop();
		return;
	}
	if (event->kind == SONDE_LISTEN_RECEIVED || event->kind == SONDE_LISTEN_SENT)
		return;
	if (output->verbosity < 1 && event->kind != SONDE_LISTEN_NOTE &&
	    event->kind != SONDE_LISTEN_LISTENING)
		return;
	if (event->kind == SONDE_LISTEN_REFUSED && !is_refusal_due(listening, event))
		return;
	listen_words_format(event, words, sizeof(words));
	message_note(output, "%s", words);
}

/* Who says how many at once wants more than one. */
static bool has_many(const struct arguments *arguments)
{
	return arguments_has(arguments, "keep-open") ||
	       arguments_has(arguments, "max-clients");
}

/* Options that have no meaning together, or without another one. */
static int check_options(const struct listening *listening)
{
	static const char *const uses[] = {"broker", "chat", "exec", "to"};
	static const struct talk_pair pairs[] = {
		{"unix", "allow"}, {"unix", "deny"}, {"cert", "tls-name"}, {NULL, NULL}};
	const struct arguments *arguments = listening->arguments;
	const char *name = listening->name;
	struct sonde_error err;
	int status = talk_options_check(arguments, name, pairs,
					arguments_has(arguments, "tls"));

	if (status != STATUS_DONE)
		return status;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (arguments_has(arguments, uses[i]) &&
		    arguments_refuse_both(arguments, name, uses[i], "crlf", &err) < 0)
			return message_error(&err);
		for (size_t k = i + 1; k < sizeof(uses) / sizeof(uses[0]); k++)
			if (arguments_refuse_both(arguments, name, uses[i], uses[k],
						  &err) < 0)
				return message_error(&err);
	}
	if (arguments_has(arguments, "crlf") && has_many(arguments))
		return message_usage(name, "--crlf is for one client: without "
					   "--keep-open and --max-clients");
	if (arguments->operand_count == 0)
		return message_usage(
			name, "%s",
			arguments_has(arguments, "unix")
				? "name a socket, as in: sonde listen --unix "
				  "/tmp/x.sock"
				: "name a port, as in: sonde listen 50000");
	if (arguments->operand_count > (arguments_has(arguments, "unix") ? 1 : 2))
		return message_usage(name, "%s: one address is enough",
				     arguments->operands[arguments->operand_count - 1]);
	return STATUS_DONE;
}

static int read_networks(const struct arguments *arguments, const char *option,
			 struct sonde_cidr_set *set, struct sonde_error *err)
{
	const char *text;

	for (size_t i = 0; (text = arguments_nth(arguments, option, i)); i++) {
		int r = sonde_cidr_set_add(set, text, option, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static enum sonde_listen_use read_use(const struct arguments *arguments)
{
	return arguments_has(arguments, "broker") ? SONDE_LISTEN_BROKER
	       : arguments_has(arguments, "chat") ? SONDE_LISTEN_CHAT
	       : arguments_has(arguments, "exec") ? SONDE_LISTEN_EXEC
	       : arguments_has(arguments, "to")   ? SONDE_LISTEN_RELAY
						  : SONDE_LISTEN_PIPE;
}

/* A path or "@NAME" is a Unix socket; everything else has a port. */
static void read_target(struct listening *listening)
{
	const char *to = arguments_text(listening->arguments, "to", NULL);
	bool is_path = to && (to[0] == '@' || strchr(to, '/'));

	listening->to = (struct sonde_target){
		.transport =
			is_path ? SONDE_TRANSPORT_UNIX : listening->options.transport,
		.host = to,
	};
	if (!is_path && listening->options.transport != SONDE_TRANSPORT_UDP)
		listening->to.transport = SONDE_TRANSPORT_TCP;
}

/* HOST PORT is HOST:PORT; an address of IPv6 gets its brackets. */
static int read_address(struct listening *listening, struct sonde_error *err)
{
	char **operands = listening->arguments->operands;
	const char *host = operands[0], *port = operands[1];
	bool needs_brackets = port && host[0] != '[' && strchr(host, ':');
	size_t size = sizeof(listening->address);
	int n = port ? snprintf(listening->address, size,
				needs_brackets ? "[%s]:%s" : "%s:%s", host, port)
		     : snprintf(listening->address, size, "%s", host);

	if ((size_t)n < size)
		return 0;
	return sonde_error_set(err, SONDE_ERROR_USAGE, -ENAMETOOLONG, "listen", host,
			       "too long");
}

static int read_options(struct listening *listening, struct sonde_error *err)
{
	const struct arguments *arguments = listening->arguments;
	struct sonde_listen_options *how = &listening->options;

	how->transport = talk_options_transport(arguments);
	how->address = listening->address;
	how->family = talk_options_family(arguments);
	how->use = read_use(arguments);
	how->command = arguments_text(arguments, "exec", NULL);
	how->environment = environ;
	read_target(listening);
	how->to = &listening->to;
	how->keep_open = has_many(arguments);
	how->max_clients = (unsigned)arguments_number(arguments, "max-clients", 0);
	how->idle_timeout_ns = arguments_number(arguments, "idle-timeout", 0);
	how->crlf = arguments_has(arguments, "crlf");
	how->wants_bytes = listening->output->has_json;
	how->observer = observe;
	how->context = listening;
	if (read_address(listening, err) < 0 ||
	    read_networks(arguments, "allow", &listening->allow, err) < 0 ||
	    read_networks(arguments, "deny", &listening->deny, err) < 0)
		return -EINVAL;
	how->allow = listening->allow.count ? &listening->allow : NULL;
	how->deny = listening->deny.count ? &listening->deny : NULL;
	talk_options_read_tls(arguments, &listening->tls);
	how->tls = arguments_has(arguments, "tls") ? &listening->tls : NULL;
	return 0;
}

/* A shell's background job that read the terminal would be stopped at the next key. */
static bool is_in_background(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group > 0 && group != getpgrp();
}

/* Only what is used is touched: a relay leaves standard input alone. */
static void take_pipe(struct listening *listening)
{
	struct sonde_listen_options *how = &listening->options;
	bool has_json = listening->output->has_json;

	how->in_fd = how->out_fd = -1;
	if (how->use > SONDE_LISTEN_CHAT)
		return;
	how->in_is_terminal = isatty(STDIN_FILENO) == 1;
	how->escapes = !has_json && isatty(STDOUT_FILENO) == 1;
	if (how->use == SONDE_LISTEN_PIPE || !is_in_background())
		how->in_fd = talk_fds_take(STDIN_FILENO, O_RDONLY);
	if (!has_json)
		how->out_fd = talk_fds_take(STDOUT_FILENO, O_WRONLY);
}

static void say_fingerprint(struct listening *listening,
			    const struct sonde_listener *listener)
{
	bool is_self_made = false;
	const char *fingerprint = sonde_listener_fingerprint(listener, &is_self_made);

	if (fingerprint[0])
		message_note(listening->output, "%s %s",
			     is_self_made
				     ? "the certificate was made for this run; pin it:"
				     : "the certificate is",
			     fingerprint);
}

static int listen_and_serve(struct listening *listening, struct sonde_error *err)
{
	int signal_fd = talk_fds_open_signals(false);
	struct sonde_listener *listener = NULL;
	struct sonde_listen_totals totals;
	int r;

	if (signal_fd < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "prepare",
				       "signals", NULL);
	r = sonde_listener_open(&listening->options, &listener, err);
	if (r == 0) {
		say_fingerprint(listening, listener);
		r = sonde_listener_run(listener, signal_fd, err);
		sonde_listener_get_totals(listener, &totals);
		/* Before the numbers: the clients that it closes have some, too. */
		sonde_listener_free(listener);
		say_hushed(listening);
		if (arguments_has(listening->arguments, "stats"))
			listen_stats_print(listening->output, &totals);
	}
	close(signal_fd);
	return r;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct listening listening = {
		.output = output,
		.arguments = arguments,
		.name = command->name,
	};
	struct sonde_error err;
	int status = check_options(&listening);
	int r;

	if (status != STATUS_DONE)
		return status;
	if (read_options(&listening, &err) < 0)
		return message_error(&err);
	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	take_pipe(&listening);
	r = listen_and_serve(&listening, &err);
	if (r < 0)
		return message_error(&err);
	/* Who serves until it is told to end has done so; and main says what could not be
	 * printed. */
	if (r > 0 && !output_is_broken(output) &&
	    listening.options.use == SONDE_LISTEN_PIPE && !listening.options.keep_open)
		return STATUS_NETWORK;
	return STATUS_DONE;
}

const struct command command_listen = {
	.name = "listen",
	.summary = "Wait for peers: a pipe, a chat, a command, a relay",
	.usage = "[HOST:]PORT\nHOST PORT\n--unix PATH",
	.description =
		"Waits for a client, sends it what comes on standard input, and writes "
		"what "
		"it sends to standard output, byte for byte, until both have ended. With "
		"--keep-open for many clients; or each client gets the others (--broker, "
		"--chat), a command of its own (--exec) or another address (--to).\n"
		"Without a host it listens on this machine's loopback alone; *:PORT is "
		"every interface.\n"
		"\n"
		"  sonde listen --keep-open --to localhost:8080 9090",
	.options = options,
	.foreign = foreign,
	.foreign_of = "nc, ncat or socat",
	.run = run,
};
