/* sonde serve: the lab's servers, until SIGINT, SIGTERM or the end of their time. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <sonde/cidr.h>
#include <sonde/sandbox.h>
#include <sonde/serve.h>
#include <sonde/text.h>

#include "clock.h"
#include "cmd.h"
#include "message.h"
#include "serve_counters.h"
#include "serve_log.h"

#define SPEC_SIGNS "@/:," /* what ends a service's name */

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
	size_t count = 1, chars = strcspn(spec, SPEC_SIGNS);
	char name[16];

	if (sonde_serve_service_count() >= SERVICES_MOST || chars >= sizeof(name))
		return;
	for (size_t i = 0; i < sonde_serve_service_count(); i++)
		words[count++] = sonde_serve_service_name(i);
	memcpy(name, spec, chars);
	name[chars] = '\0';
	if (sonde_text_nearest(name, words, count) == words[0])
		sonde_error_hint(err, "did you mean lab?");
}

static bool is_lab(const char *spec)
{
	return strncmp(spec, "lab", 3) == 0 && strcspn(spec, SPEC_SIGNS) == 3;
}

/* What follows lab holds for each service: a host, a transport, port 0. */
static int check_lab(const char *rest, struct sonde_error *err)
{
	const char *colon = strrchr(rest, ':');

	if (strchr(rest, ','))
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve", "lab",
				"it has no options: they are those of one service");
	else if (colon && !strchr(colon, ']') && strspn(colon + 1, "0") == 0)
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve", "lab",
				"each service has a port of its own");
	else
		return 0;
	sonde_error_hint(err, "lab, lab@HOST, lab@*, lab@:0, lab/tcp or lab/udp; "
			      "--port-base moves all the ports");
	return -EINVAL;
}

static int add_lab(struct sonde_server *server, const char *rest, struct sonde_error *err)
{
	char spec[256];
	int r = check_lab(rest, err);

	for (size_t i = 0; r == 0 && i < sonde_serve_service_count(); i++) {
		int n = snprintf(spec, sizeof(spec), "%s%s", sonde_serve_service_name(i),
				 rest);
		if (n < 0 || (size_t)n >= sizeof(spec))
			return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve",
					       "lab", "too long for a SPEC");
		r = sonde_server_add(server, spec, err);
	}
	return r;
}

static int add_services(struct sonde_server *server, const struct arguments *arguments,
			struct sonde_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < arguments->operand_count; i++) {
		const char *spec = arguments->operands[i];
		if (is_lab(spec)) {
			r = add_lab(server, spec + 3, err);
			continue;
		}
		r = sonde_server_add(server, spec, err);
		if (r < 0)
			hint_at_lab(spec, err);
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

/* A TCP connection loses nothing, and UDP has none: options of a transport that nobody
 * here has mean nothing. */
static int refuse_without_transport(const struct arguments *arguments, bool udp,
				    struct sonde_error *err)
{
	static const char *const options_of_udp[] = {"--drop", "--delay", NULL};
	static const char *const options_of_tcp[] = {"--max-clients", "--idle-timeout",
						     "--backlog", "--keepalive", NULL};
	const char *const *names = udp ? options_of_udp : options_of_tcp;

	while (*names && !arguments_has(arguments, *names + 2))
		names++;
	if (!*names)
		return 0;
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve", *names,
			"it is of %s, and no service here has %s", udp ? "UDP" : "TCP",
			udp ? "UDP" : "TCP");
	sonde_error_hint(err, "SERVICE or SERVICE/%s, as in echo/%s", udp ? "udp" : "tcp",
			 udp ? "udp" : "tcp");
	return -EINVAL;
}

/* Who wants 60000 and writes 10000 would get 50000. */
static int refuse_base_of_none(const struct arguments *arguments,
			       const struct serve_log *served, struct sonde_error *err)
{
	const char *base = arguments_text(arguments, "port-base", NULL);

	if (!base || arguments_number(arguments, "port-base", 0) == 0 ||
	    served->has_low_port)
		return 0;
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "serve --port-base", base,
			"it is added to ports under 1024, and no service here has one");
	sonde_error_hint(err, "SERVICE@:PORT chooses any port, as in calc@:60000");
	return -EINVAL;
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
static int refuse_unreachable(const struct serve_log *served,
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
	struct serve_log served = {.output = output};
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
		.observer = serve_log_observe,
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
	served.names_services =
		arguments->operand_count > 1 || is_lab(arguments->operands[0]);
	int signal_fd = open_signals();
	int r = signal_fd < 0 ? sonde_error_set(&err, SONDE_ERROR_TROUBLE, -errno,
						"wait for", "signals", NULL)
			      : sonde_server_new(&options_of_serve, &server, &err);
	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	served.server = server;
	if (r == 0)
		r = add_services(server, arguments, &err);
	if (r == 0 && options_of_serve.allow)
		r = refuse_unreachable(&served, &allow, &err);
	if (r == 0 && !served.has_udp)
		r = refuse_without_transport(arguments, true, &err);
	if (r == 0 && !served.has_tcp)
		r = refuse_without_transport(arguments, false, &err);
	if (r == 0)
		r = refuse_base_of_none(arguments, &served, &err);
	if (r == 0 && serve_log_begin(&served) < 0)
		r = sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "serve", "",
				    NULL);
	if (r == 0)
		r = sonde_server_start(server, &err);
	if (r == 0)
		r = enter_sandbox(output, &err);
	if (r == 0)
		r = serve(server, signal_fd, &err);
	if (server)
		sonde_server_stop(server);
	if (r == 0)
		serve_counters_print(server, output, "summary",
				     clock_now_ns(CLOCK_REALTIME));
	sonde_server_free(server);
	serve_log_done(&served);
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
		"lab@HOST, "
		"lab/tcp or lab/udp, which is every service.\n"
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
