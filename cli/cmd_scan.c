/* sonde scan: which ports of which hosts answer, and how sure that is. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <sonde/scan.h>
#include <sonde/text.h>

#include "clock.h"
#include "cmd.h"
#include "message.h"
#include "scan_explain.h"
#include "scan_nmap.h"
#include "scan_ping.h"
#include "scan_progress.h"
#include "scan_targets.h"
#include "scan_usage.h"
#include "scan_view.h"

enum { DESCRIPTORS_WANTED = 8192 };

static const char *const formats[] = {"text", "xml", "grep", NULL};
static const char *const pings[] = {"auto", "n", "no", "only", NULL};

static const struct option options[] = {
	{.name = "ports",
	 .letter = 'p',
	 .type = OPTION_TEXT,
	 .argument = "PORTS",
	 .help = "scan these: 22,80,1000-2000, names, or - for all; without it those of "
		 "/etc/services and of the labs",
	 .repeats = true},
	{.name = "syn",
	 .help = "TCP by raw packets, without completing connections (CAP_NET_RAW); the "
		 "default where it is permitted"},
	{.name = "connect", .help = "TCP by connect(); needs no privilege"},
	{.name = "udp", .help = "UDP; needs no privilege"},
	{.name = "open", .help = "show open ports only"},
	{.name = "reason",
	 .help = "show which packet says so, the round trip, and what the states mean "
		 "to a program"},
	{.name = "banner",
	 .help = "connect to each open port and show what it says; ask the silent ones "
		 "until they tell what they are"},
	{.name = "say",
	 .type = OPTION_TEXT,
	 .argument = "TEXT",
	 .help = "send TEXT to each open port and show the answer; as a line, unless "
		 "TEXT has escapes like \\r \\n \\x00 in it"},
	{.name = "exclude",
	 .type = OPTION_TEXT,
	 .argument = "TARGET",
	 .help = "leave out, the same forms as TARGET",
	 .repeats = true},
	{.name = "targets",
	 .letter = 'i',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "targets from a file, separated by blanks or lines; # begins a comment; "
		 "- is standard input",
	 .repeats = true},
	{.name = "ping",
	 .letter = 'P',
	 .type = OPTION_CHOICE,
	 .argument = "HOW",
	 .help = "look first which hosts are up: auto (without it), n or no (-Pn: take "
		 "all to be up), only (scan no ports)",
	 .choices = pings},
	{.name = "explain",
	 .type = OPTION_INT,
	 .argument = "PORT",
	 .help = "trace how this port and a closed one answer, over TCP and UDP, and "
		 "show their packets as a ladder",
	 .least = 1,
	 .most = 65535},
	{.name = "udp-ping",
	 .help = "send numbered datagrams to one UDP port (-p, without it 7, echo) and "
		 "show each round trip, the loss and a summary"},
	{.name = "count",
	 .letter = 'c',
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "with --udp-ping: so many datagrams; without it 10; 0 until SIGINT",
	 .least = 0,
	 .most = 1000000000},
	{.name = "interval",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "with --udp-ping: one each so long; without it 1s"},
	{.name = "max-rate",
	 .type = OPTION_INT,
	 .argument = "R",
	 .help = "never send more than R probes a second",
	 .least = 1,
	 .most = 10000000},
	{.name = "blind-rate",
	 .type = OPTION_INT,
	 .argument = "R",
	 .help = "send R probes a second while nothing answers; without it 5000",
	 .least = 1,
	 .most = 10000000},
	{.name = "timeout",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "wait no longer for one answer; without it as long as the network "
		 "needs, at most 3s"},
	{.name = "max-tries",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "ask a silent port N times; without it until the chance of a miss is "
		 "below 1 %",
	 .least = 1,
	 .most = 14},
	{.name = "source-pool",
	 .type = OPTION_TEXT,
	 .argument = "TARGET",
	 .help = "with --udp: send from these addresses of this machine in turn, each of "
		 "which gets its own share of the errors that a host gives",
	 .repeats = true},
	{.name = "format",
	 .type = OPTION_CHOICE,
	 .argument = "FORMAT",
	 .help = "text (without it), xml (as nmap's) or grep (a line a host)",
	 .choices = formats},
	{.name = "output",
	 .letter = 'o',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "write the result to FILE"},
	{.name = "yes-i-may",
	 .help = "scan public addresses without asking whether you may"},
	{.name = NULL},
};

/* What the observer does with each event. */
struct seen {
	struct output *output;
	struct scan_view view;
	struct scan_skips skips;
	struct scan_progress progress;
	bool is_ending; /* because nobody reads */
};

static void observe(void *context, const struct sonde_scan_event *event)
{
	struct seen *seen = context;

	if (event->kind == SONDE_SCAN_PROGRESS) {
		scan_progress_show(&seen->progress, event);
		output_flush(seen->output);
	} else if (event->kind == SONDE_SCAN_NOTE) {
		scan_progress_clear(&seen->progress);
		message_note(seen->output, "%s", event->text);
	}
	if (seen->output->has_json) {
		/* Both may be the same terminal. */
		if (event->kind != SONDE_SCAN_PROGRESS)
			scan_progress_clear(&seen->progress);
		render_scan_json(seen->output, event);
	} else {
		scan_view_add(&seen->view, event);
	}
	if (output_is_broken(seen->output) && !seen->is_ending) {
		seen->is_ending = true;
		kill(getpid(), SIGTERM);
	}
}

/* SIGINT and SIGTERM become readable; those that were ignored stay ignored. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* As many as this user may have, up to what a scan can use. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur =
		limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int choose_method(const struct arguments *arguments, enum sonde_scan_method *ret,
			 struct sonde_error *err)
{
	static const char *const names[] = {"syn", "connect", "udp"};

	for (size_t i = 0; i < 3; i++)
		for (size_t k = i + 1; k < 3; k++)
			if (arguments_refuse_both(arguments, "scan", names[i], names[k],
						  err) < 0)
				return -EINVAL;
	if (arguments_has(arguments, "udp"))
		*ret = SONDE_SCAN_UDP;
	else if (arguments_has(arguments, "connect"))
		*ret = SONDE_SCAN_CONNECT;
	else
		*ret = sonde_scan_can_syn() ? SONDE_SCAN_SYN : SONDE_SCAN_CONNECT;
	if (*ret != SONDE_SCAN_SYN && arguments_has(arguments, "syn")) {
		sonde_error_set(err, SONDE_ERROR_PERMISSION, -EPERM, "scan", "--syn",
				"raw packets need CAP_NET_RAW");
		sonde_error_hint(err, "run it as root, or use --connect, which needs no "
				      "privilege");
		return -EPERM;
	}
	return 0;
}

/* --- the result */

static void join_words(const struct arguments *arguments, char *storage, size_t capacity)
{
	struct sonde_text text;

	sonde_text_init(&text, storage, capacity);
	sonde_text_add(&text, "sonde scan");
	for (size_t i = 0; i < arguments->value_count; i++) {
		const struct option_value *value = &arguments->values[i];

		sonde_text_add(&text, " --%s", value->option->name);
		if (value->text)
			sonde_text_add(&text, " %s", value->text);
	}
	for (size_t i = 0; i < arguments->operand_count; i++)
		sonde_text_add(&text, " %s", arguments->operands[i]);
}

static void show(struct seen *seen, const struct arguments *arguments,
		 struct scan_frame *frame)
{
	struct output *output = seen->output;
	scan_progress_clear(&seen->progress);
	frame->ended_ns = clock_now_ns(CLOCK_REALTIME);
	if (output->has_json) {
		render_scan_json_summary(output, frame);
		return;
	}
	scan_view_sort(&seen->view);
	switch ((enum scan_format)arguments_number(arguments, "format",
						   SCAN_FORMAT_TEXT)) {
	case SCAN_FORMAT_XML:
		render_scan_xml(output, &seen->view, frame);
		break;
	case SCAN_FORMAT_GREP:
		render_scan_grep(output, &seen->view, frame);
		break;
	case SCAN_FORMAT_TEXT:
	default:
		render_scan_text(output, &seen->view, frame);
		break;
	}
}

static int scan_and_show(const struct arguments *arguments, struct seen *seen,
			 struct sonde_scan_options *how, struct sonde_error *err)
{
	struct scan_frame frame = {
		.method = how->method,
		.started_ns = clock_now_ns(CLOCK_REALTIME),
		.has_reasons = arguments_has(arguments, "reason"),
		.only_open = how->only_open,
		.only_ping = how->only_ping,
		.skips = &seen->skips,
	};
	const char *path = arguments_text(arguments, "output", "-");
	struct sonde_scan *scan = NULL;
	char words[1024];
	int signal_fd = -1;
	int r = sonde_scan_new(how, &scan, err);

	if (r == 0)
		r = scan_targets_add(scan, arguments, &seen->skips, err);
	if (r > 0)
		goto out;
	if (r == 0)
		r = scan_targets_permit(scan, arguments, err);
	if (r == 0 && strcmp(path, "-") != 0 && output_open(seen->output, path) < 0)
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "open", path, NULL);
	if (r == 0) {
		if (seen->output->has_json) {
			output_json_start(seen->output, frame.started_ns);
			render_scan_json_skips(seen->output, &seen->skips);
		}
		signal_fd = open_signals();
		r = sonde_scan_run(scan, signal_fd, err);
	}
	if (r >= 0) {
		join_words(arguments, words, sizeof(words));
		frame.arguments = words;
		frame.summary = sonde_scan_summary(scan);
		frame.port_count = sonde_scan_ports(scan, &frame.ports);
		show(seen, arguments, &frame);
	}
out:
	if (signal_fd >= 0)
		close(signal_fd);
	sonde_scan_free(scan);
	return r;
}

static int ping(const struct command *command, const struct arguments *arguments,
		struct output *output)
{
	struct sonde_error err;
	int signal_fd, status;

	if (scan_usage_refuse_others(command, arguments, "udp-ping", &err) < 0)
		return message_error(&err);
	if (arguments_number(arguments, "interval", 1) == 0)
		return message_usage(command->name, "--interval 0s: it has to be more");
	signal_fd = open_signals();
	status = scan_ping_run(arguments, output, signal_fd);
	if (signal_fd >= 0)
		close(signal_fd);
	return status;
}

/* What is public is asked about here, once for both of its scans. */
static int explain(const struct command *command, const struct arguments *arguments,
		   struct output *output)
{
	struct sonde_scan_options how = {.method = SONDE_SCAN_CONNECT};
	struct sonde_scan *scan = NULL;
	struct sonde_error err;
	int r = scan_usage_refuse_others(command, arguments, "explain", &err);

	if (r == 0)
		r = sonde_scan_new(&how, &scan, &err);
	if (r == 0)
		r = sonde_scan_add_ports(scan, "1", &err);
	for (size_t i = 0; r == 0 && i < arguments->operand_count; i++)
		r = sonde_scan_add_target(scan, arguments->operands[i], &err);
	if (r == 0 && arguments->operand_count > 0)
		r = scan_targets_permit(scan, arguments, &err);
	sonde_scan_free(scan);
	return r < 0 ? message_error(&err) : scan_explain_run(arguments, output);
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct seen seen = {.output = output};
	struct sonde_scan_options how = {
		.max_rate = (double)arguments_number(arguments, "max-rate", 0),
		.blind_rate = (double)arguments_number(arguments, "blind-rate", 0),
		.timeout_ns = arguments_number(arguments, "timeout", 0),
		.max_tries = (unsigned)arguments_number(arguments, "max-tries", 0),
		.only_open = arguments_has(arguments, "open"),
		.talk = arguments_has(arguments, "banner"),
		.observer = observe,
		.context = &seen,
	};
	long long how_ping = arguments_number(arguments, "ping", SCAN_PING_AUTO);
	const char *say = arguments_text(arguments, "say", NULL);
	char *words = NULL;
	struct sonde_error err;
	int status;

	if (arguments_has(arguments, "udp-ping"))
		return ping(command, arguments, output);
	if (arguments_has(arguments, "explain"))
		return explain(command, arguments, output);
	status = scan_usage_check(command, arguments, &err);
	if (status != STATUS_DONE)
		return status;
	if (choose_method(arguments, &how.method, &err) < 0)
		return message_error(&err);
	if (say) {
		how.say = words = scan_words_read(say, &how.say_bytes);
		if (!words)
			return message_usage(
				command->name,
				"--say: the escapes are \\n \\r \\t \\0 \\\\ "
				"and \\xNN");
	}
	how.skip_ping = how_ping == SCAN_PING_N || how_ping == SCAN_PING_NO;
	how.only_ping = how_ping == SCAN_PING_ONLY;
	raise_descriptor_limit();
	scan_progress_init(&seen.progress, output);
	int r = scan_and_show(arguments, &seen, &how, &err);
	scan_progress_clear(&seen.progress);
	if (r >= 0 && seen.view.has_no_memory)
		r = sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "keep",
				    "the results", NULL);
	status = r < 0 ? message_error(&err) : STATUS_DONE;
	if (r >= 0 && seen.skips.count > 0)
		status = STATUS_NETWORK;
	scan_view_done(&seen.view);
	scan_skips_done(&seen.skips);
	free(words);
	return status;
}

const struct command command_scan = {
	.name = "scan",
	.summary = "Find the open ports of hosts, and say how sure that is",
	.usage = "[OPTION]... TARGET...\n--udp-ping [-p PORT] [-c N] [--interval D] "
		 "HOST\n--explain PORT HOST",
	.description =
		"TARGET is a name, an address, a network (192.0.2.0/24) or a range "
		"(192.0.2.1-20). A port is open, closed (RST came back), filtered "
		"(nothing came back) or unreachable (ICMP said so); of UDP also "
		"open|filtered, where nothing came back.\n"
		"Silent ports are asked again until the chance that one was missed is "
		"below 1 %; the last line says how large it is.",
	.options = options,
	.foreign = scan_nmap_options,
	.foreign_of = "nmap",
	.run = run,
};
