/* sonde serve: the lab's servers, until SIGINT, SIGTERM or the end of their time.
 *
 * The library says what happens, here it is printed: where it listens, and unless -q is
 * given a line for each thing that a client does.  Lines are written out before the
 * server waits again, so that a reader of a pipe has all of them, and a busy server
 * does not make a system call for each. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <sonde/cidr.h>
#include <sonde/sandbox.h>
#include <sonde/serve.h>
#include <sonde/text.h>

#include "cmd.h"
#include "message.h"
#include "serve_counters.h"

enum { SERVICES_MOST = 64 }; /* and lab: names that a suggestion chooses from */

static const struct option options[] = {
	{.name = "for",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "end after this time; 0s is never"},
	{.name = "max-clients",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "serve so many TCP clients at once; the next ones wait until one leaves",
	 .least = 1,
	 .most = 1000000},
	{.name = "idle-timeout",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "close a TCP client that is silent for so long; 0s is never"},
	{.name = "backlog",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "connections that may wait to be accepted",
	 .least = 1,
	 .most = 65535},
	{.name = "workers",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "serve with so many threads, which share the limits; without it 1",
	 .least = 1,
	 .most = 64},
	{.name = "busy-poll",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "ask for so long whether something came before waiting for it: answers "
		 "leave sooner, a core is busy"},
	{.name = "keepalive",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "close a TCP client that vanished without a word after so long; without "
		 "it 90s; 4s to 12h"},
	{.name = "allow",
	 .type = OPTION_TEXT,
	 .argument = "NETWORK",
	 .help = "serve only clients of this network, as 192.0.2.0/24 or 2001:db8::/32; "
		 "may be repeated",
	 .repeats = true},
	{.name = "drop",
	 .type = OPTION_PROBABILITY,
	 .argument = "P",
	 .help = "lose each UDP request with this probability, as a bad network does: "
		 "10%"},
	{.name = "delay",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "send each UDP answer so much later"},
	{.name = "seed",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "lose the same requests in each run with this number; without it others",
	 .least = 1,
	 .most = INT64_MAX},
	{.name = "port-base",
	 .type = OPTION_INT,
	 .argument = "B",
	 .help = "add B to ports under 1024; without it 10000 where they are not "
		 "permitted, else 0",
	 .least = 0,
	 .most = 64512},
	{.name = NULL},
};

/* What the observer prints. */
struct service_log {
	struct output *output;
	struct sonde_server *server;
	bool has_udp;
	bool beyond_loopback; /* other machines may reach it */
	bool names_services;  /* where it listens is said for more than one */
	bool is_ending;       /* because nobody reads */
};

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
static void print_event(const struct service_log *served,
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

static bool is_utf8(const char *chars)
{
	size_t n = strlen(chars);
	unsigned code;

	for (size_t at = 0; at < n;) {
		size_t length = sonde_text_decode_utf8(chars + at, n - at, &code);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

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
	if (event->reason) {
		sonde_json_add_string(json, "text", event->reason);
		if (!is_utf8(event->reason)) {
			sonde_json_key(json, "base64");
			sonde_json_base64(json, event->reason, strlen(event->reason));
		}
	}
	output_event_end(output);
}

/* --- */

static void observe(void *context, const struct sonde_serve_event *event)
{
	struct service_log *served = context;
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
		served->beyond_loopback |= !sonde_address_is_loopback(&event->address);
	}
	if (output->has_json)
		write_event(output, event);
	else
		print_event(served, event);
}

static int64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* SIGUSR1 asks for the counters; the others end the server. */
static bool is_told_to_end(struct sonde_server *server, int signal_fd)
{
	struct signalfd_siginfo signal;

	while (read(signal_fd, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo != SIGUSR1)
			return true;
		sonde_server_ask_observer(server);
	}
	return false;
}

/* Until it is told to end, or its time is over.  0, or as sonde_server_run(). */
static int serve(struct sonde_server *server, int signal_fd, struct sonde_error *err)
{
	int r = 1;

	while (r > 0) {
		r = sonde_server_run(server, signal_fd, err);
		if (r > 0 && is_told_to_end(server, signal_fd))
			return 0;
	}
	return r;
}

/* SIGINT, SIGTERM and SIGUSR1 become readable; those that were ignored stay ignored. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* lab is a word of the command line, which the library does not know. */
static void hint_at_lab(const char *spec, struct sonde_error *err)
{
	const char *words[SERVICES_MOST] = {"lab"};
	size_t count = 1, chars = strcspn(spec, "@/:,");
	char name[16];

	if (sonde_serve_service_count() >= SERVICES_MOST || chars >= sizeof(name))
		return;
	for (size_t i = 0; i < sonde_serve_service_count(); i++)
		words[count++] = sonde_serve_service_name(i);
	memcpy(name, spec, chars);
	name[chars] = '\0';
	if (strcmp(name, "lab") == 0)
		sonde_error_hint(err, "lab stands alone: each service has a port of "
				      "its own");
	else if (sonde_text_nearest(name, words, count) == words[0])
		sonde_error_hint(err, "did you mean lab?");
}

static int add_services(struct sonde_server *server, const struct arguments *arguments,
			struct sonde_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < arguments->operand_count; i++) {
		const char *spec = arguments->operands[i];
		if (strcmp(spec, "lab") != 0) {
			r = sonde_server_add(server, spec, err);
			if (r < 0)
				hint_at_lab(spec, err);
			continue;
		}
		for (size_t k = 0; r == 0 && k < sonde_serve_service_count(); k++)
			r = sonde_server_add(server, sonde_serve_service_name(k), err);
	}
	return r;
}

/* All is bound and read.  What this machine cannot give up is said: with -v where it is
 * only root of a user namespace, which outside is an ordinary user. */
static int enter_sandbox(const struct output *output, struct sonde_error *err)
{
	struct sonde_sandbox sandbox;
	int r = sonde_sandbox_enter(SONDE_SANDBOX_SERVE, &sandbox, err);

	if (r < 0)
		return r;
	if (sandbox.is_nobody)
		message_detail(output, "sandbox: runs as nobody (65534) from here on");
	if (sandbox.why_root)
		message_detail(output, "sandbox: stays root: %s", sandbox.why_root);
	if (sandbox.is_filtered)
		message_detail(output, "sandbox: can open no file, start no program");
	else
		message_note(output, "sandbox: system calls are not filtered: %s",
			     sandbox.why_opened);
	return 0;
}

/* A TCP connection loses nothing: without UDP these options mean nothing. */
static int refuse_faults_of_tcp(const struct arguments *arguments,
				const struct service_log *served, struct sonde_error *err)
{
	static const char *const names[] = {"drop", "delay"};

	for (size_t i = 0; i < 2 && !served->has_udp; i++) {
		if (arguments_has(arguments, names[i]))
			return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
					       i == 0 ? "--drop" : "--delay",
					       "it is of UDP, and no service here has "
					       "UDP");
	}
	return 0;
}

static bool has_loopback(const struct sonde_cidr_set *set)
{
	static const char *const hosts[] = {"127.0.0.1", "::1"};
	struct sonde_address host;

	for (size_t i = 0; i < 2; i++) {
		if (sonde_address_parse_host(hosts[i], &host) == 0 &&
		    sonde_cidr_set_has(set, &host))
			return true;
	}
	for (size_t i = 0; i < set->count; i++) {
		if (sonde_address_is_loopback(&set->networks[i].network))
			return true;
	}
	return false;
}

/* Who is allowed could not come. */
static int refuse_unreachable(const struct service_log *served,
			      const struct sonde_cidr_set *allow, struct sonde_error *err)
{
	char network[SONDE_CIDR_CHARS];

	if (served->beyond_loopback || has_loopback(allow))
		return 0;
	sonde_cidr_format(&allow->networks[0], network);
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "allow", network,
			"nobody from there can come: the services listen on this "
			"machine's loopback alone");
	sonde_error_hint(err, "SERVICE@*:PORT listens on every interface, as in "
			      "calc@*:50000");
	return -EINVAL;
}

static const char *spec_word(size_t i)
{
	if (i == sonde_serve_service_count())
		return "lab";
	return i < sonde_serve_service_count() ? sonde_serve_service_name(i) : NULL;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct service_log served = {.output = output};
	struct sonde_serve_options options_of_serve = {
		.for_ns = arguments_number(arguments, "for", 0),
		.idle_timeout_ns = arguments_number(arguments, "idle-timeout", 0),
		.max_clients = (unsigned)arguments_number(arguments, "max-clients", 0),
		.backlog = (int)arguments_number(arguments, "backlog", 0),
		.workers = (unsigned)arguments_number(arguments, "workers", 1),
		.busy_poll_ns = arguments_number(arguments, "busy-poll", 0),
		.keepalive_ns = arguments_number(arguments, "keepalive", 0),
		.port_base = (int)arguments_number(arguments, "port-base", -1),
		.drop_parts = (uint32_t)arguments_number(arguments, "drop", 0),
		.delay_ns = arguments_number(arguments, "delay", 0),
		.seed = (uint64_t)arguments_number(arguments, "seed", 0),
		.quiet = output->verbosity < 0,
		.observer = observe,
		.context = &served,
	};
	struct sonde_server *server = NULL;
	struct sonde_cidr_set allow = {0};
	struct sonde_error err;

	if (arguments->operand_count == 0)
		return message_usage(command->name,
				     "name a service, as in: sonde serve calc echo");
	if (arguments_has(arguments, "seed") && !arguments_has(arguments, "drop"))
		return message_usage(command->name,
				     "--seed has a meaning with --drop only");
	if (arguments_has(arguments, "keepalive") && options_of_serve.keepalive_ns == 0)
		return message_usage(command->name,
				     "--keepalive 0s: vanished clients would stay; 4s at "
				     "least, 12h at most");
	for (size_t i = 0; i < arguments_count(arguments, "allow"); i++) {
		if (sonde_cidr_set_add(&allow, arguments_nth(arguments, "allow", i),
				       "allow", &err) < 0)
			return message_error(&err);
		options_of_serve.allow = &allow;
	}
	served.names_services = arguments->operand_count > 1 ||
				strcmp(arguments->operands[0], "lab") == 0;
	int signal_fd = open_signals();
	int r = signal_fd < 0 ? sonde_error_set(&err, SONDE_ERROR_TROUBLE, -errno,
						"wait for", "signals", NULL)
			      : sonde_server_new(&options_of_serve, &server, &err);
	if (output->has_json)
		output_json_start(output, realtime_ns());
	served.server = server;
	if (r == 0)
		r = add_services(server, arguments, &err);
	if (r == 0 && options_of_serve.allow)
		r = refuse_unreachable(&served, &allow, &err);
	if (r == 0)
		r = refuse_faults_of_tcp(arguments, &served, &err);
	if (r == 0)
		r = sonde_server_start(server, &err);
	if (r == 0)
		r = enter_sandbox(output, &err);
	if (r == 0)
		r = serve(server, signal_fd, &err);
	if (server)
		sonde_server_stop(server);
	if (r == 0)
		serve_counters_print(server, output, "summary", realtime_ns());
	sonde_server_free(server);
	if (signal_fd >= 0)
		close(signal_fd);
	return r < 0 ? message_error(&err) : STATUS_DONE;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "Run the lab's servers, TCP and UDP, for many clients",
	.usage = "SPEC...",
	.description =
		"SPEC is SERVICE[@[HOST]:PORT][/tcp|/udp][,OPTION=VALUE]... or lab, "
		"which is "
		"every service.\n"
		"calc, port 50000: the calculation protocol; options "
		"order=le|be|auto, dialect=sheet|fixed7|fixed8|fixed10|fixed64|three|one|"
		"lenprefix, on-error=close|zero|wrap|saturate\n"
		"chargen, port 19: characters without end\n"
		"daytime, port 13: date and time; option "
		"format=ctime|xinetd|windows|iso\n"
		"discard, port 9: throws away what it gets\n"
		"echo, port 7: sends back what it gets\n"
		"qotd, port 17: a quote; option file=NAME\n"
		"reverse, port 12002: sends back what it gets, last byte first\n"
		"rot13, port 12001: turns each letter by 13 places\n"
		"tell, port 12345: \"You told me: \" and what it gets; option "
		"prefix=TEXT\n"
		"time, port 37: the seconds since 1900, in 4 bytes\n"
		"upper, port 12000: sends back what it gets, in capitals\n"
		"calc, echo, reverse, rot13, tell and upper also take the option once: a "
		"TCP "
		"client is closed after its first answer.\n"
		"Without HOST it is this machine's loopback, IPv4 and IPv6; * is every "
		"interface. Port 0 is any free one, and without /tcp or /udp it is both, "
		"on "
		"the same number.\n"
		"SIGINT and SIGTERM end it: what was read is still answered.",
	.options = options,
	.flags = COMMAND_MANY_WORDS,
	.operand_word = spec_word,
	.run = run,
};
