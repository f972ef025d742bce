/* sonde connect: talks to a peer, from a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <sonde/connect.h>

#include "clock.h"
#include "cmd.h"
#include "connect_modes.h"
#include "connect_terminal.h"
#include "message.h"
#include "talk_fds.h"
#include "talk_options.h"
#include "talk_words.h"

static const struct option options[] = {
	{.name = "udp",
	 .letter = 'u',
	 .help = "UDP instead of TCP; with --unix, datagrams instead of a stream"},
	TALK_OPTION_UNIX,
	TALK_OPTION_IPV4,
	TALK_OPTION_IPV6,
	{.name = "bind",
	 .type = OPTION_TEXT,
	 .argument = "HOST:PORT",
	 .help = "local address, port, or both: 127.0.0.2:50001, 127.0.0.2, :50001; of a "
		 "Unix socket its path"},
	{.name = "timeout",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "give up to connect after this time; 0s is never, which is the default"},
	{.name = "idle-timeout",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "end when nothing comes or goes for so long; 0s is never"},
	TALK_OPTION_CRLF,
	{.name = "tls",
	 .help = "TLS: the name is asked for (SNI), and its certificate checked"},
	{.name = "tls-name",
	 .type = OPTION_TEXT,
	 .argument = "NAME",
	 .help = "with TLS: ask for this name and check the certificate for it"},
	{.name = "ca-file",
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "with TLS: trust whom these certificates (PEM) trust, and nobody else"},
	{.name = "pin",
	 .type = OPTION_TEXT,
	 .argument = "FINGERPRINT",
	 .help = "with TLS: trust the certificate with this SHA-256, whoever signed it"},
	{.name = "cert",
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "with TLS: our own certificate (PEM), for servers that ask for one"},
	TALK_OPTION_KEY,
	TALK_OPTION_ALPN,
	{.name = "insecure", .help = "with TLS: take any certificate"},
	{.name = "telnet",
	 .letter = 't',
	 .help = "speak telnet (RFC 854); at a terminal it is found out"},
	{.name = "no-newline",
	 .help = "at a terminal and with --ask: send lines without an end of line"},
	{.name = "ask",
	 .help = "read a line, send it, print the answer, and so on until an empty line "
		 "or "
		 "quit"},
	{.name = "script",
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "hold the dialogue of the file, and print the transcript"},
	{.name = "exec",
	 .type = OPTION_TEXT,
	 .argument = "CMD",
	 .help = "connect a program's (sh -c CMD) standard input and output to the peer"},
	{.name = "stats", .help = "say at the end how many bytes went and came"},
	{.name = NULL},
};

/* What users of nc, ncat and socat type. */
static const struct foreign_option foreign[] = {
	{"-l", "sonde listen PORT waits for a peer"},
	{"-z", "sonde scan -p PORT HOST tells whether a port is open"},
	{"-w", "--timeout 5s is for the connect, --idle-timeout 5s for silence"},
	{"-i", "--idle-timeout 5s ends it when nothing comes or goes"},
	{"-N", "the end of standard input is always passed on: leave it out"},
	{"-n", "addresses are never looked up: leave it out"},
	{"-p", "--bind :PORT chooses the local port"},
	{"-s", "--bind HOST chooses the local address"},
	{"-c", "--exec CMD runs a shell command with the peer"},
	{"-e", "--exec CMD runs a shell command with the peer"},
	{"--sh-exec", "--exec CMD runs a shell command with the peer"},
	{"--ssl", "--tls speaks TLS"},
	{"--ssl-verify", "--tls checks the certificate, unless --insecure is given"},
	{NULL, NULL},
};

#define ANSWER_NS (5 * INT64_C(1000000000)) /* that --ask waits for one */

enum { ROWS = 24 }; /* of a window that does not say */

struct talk {
	struct output *output;
	const struct arguments *arguments;
	const char *name;          /* of the command */
	struct terminal *terminal; /* NULL: in a pipe */
	struct ask *ask;           /* NULL: without --ask */
	bool has_script;
};

static void observe(void *context, const struct sonde_session_event *event)
{
	struct talk *talk = context;
	struct output *output = talk->output;
	char words[1024];

	if (output->has_json) {
		if (event->kind == SONDE_SESSION_RECEIVED && talk->ask)
			ask_receive(talk->ask, event->bytes, event->count);
		talk_json_write(output, event);
		output_flush(output);
		if (output_is_broken(output))
			talk_fds_stop();
		return;
	}
	if (talk->has_script && output->verbosity >= 0 &&
	    (event->kind == SONDE_SESSION_SENT || event->kind == SONDE_SESSION_RECEIVED ||
	     event->kind == SONDE_SESSION_STEP))
		script_print(output, event);
	if (output_is_broken(output))
		talk_fds_stop();
	if (event->kind == SONDE_SESSION_RECEIVED && talk->ask)
		ask_receive(talk->ask, event->bytes, event->count);
	if (event->kind == SONDE_SESSION_RECEIVED && talk->terminal)
		terminal_receive(talk->terminal, event->bytes, event->count);
	if (event->kind == SONDE_SESSION_SENT || event->kind == SONDE_SESSION_RECEIVED)
		return;
	if (output->verbosity < 1 && event->kind != SONDE_SESSION_NOTE)
		return;
	talk_words_format(event, words, sizeof(words));
	if (words[0] && talk->terminal && output->verbosity >= 0)
		terminal_say(talk->terminal, words);
	else if (words[0])
		message_note(output, "%s", words);
}

static int fail_descriptors(int error, struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, error, "prepare",
			       "standard input and output", NULL);
}

/* As --ask wants it: the exit status. */
static int run_ask(struct talk *talk, struct sonde_session *session)
{
	struct ask ask = {
		.output = talk->output,
		.session = session,
		.answer_ns = arguments_number(talk->arguments, "idle-timeout", ANSWER_NS),
		.escapes = !talk->output->has_json && isatty(STDOUT_FILENO) == 1,
		.lines_end_nowhere = arguments_has(talk->arguments, "no-newline"),
		.signal_fd = talk_fds_open_signals(false),
	};

	talk->ask = &ask;
	int status = ask_run(&ask);
	talk->ask = NULL;
	if (ask.signal_fd >= 0)
		close(ask.signal_fd);
	return status;
}

/* A script, or a program in the place of a person. */
static int run_other(struct talk *talk, struct sonde_session *session,
		     const struct sonde_script *script,
		     const struct sonde_tls_options *tls, struct sonde_error *err)
{
	int signal_fd = talk_fds_open_signals(false);
	int r = script ? sonde_session_run_script(session, script, tls, signal_fd, err)
		       : sonde_session_run_exec(
				 session, arguments_text(talk->arguments, "exec", ""),
				 environ, signal_fd, err);

	if (signal_fd >= 0)
		close(signal_fd);
	return r;
}

static int run_pipe(struct talk *talk, struct sonde_session *session,
		    struct sonde_error *err)
{
	int signal_fd = talk_fds_open_signals(false);
	bool has_json = talk->output->has_json;
	struct sonde_pipe pipe = {
		.also_fd = signal_fd,
		.ends_with_peer = isatty(STDIN_FILENO) == 1,
		.escapes = !has_json && isatty(STDOUT_FILENO) == 1,
		.without_bytes = !has_json,
	};

	pipe.in_fd = talk_fds_take(STDIN_FILENO, O_RDONLY);
	pipe.out_fd = has_json ? -1 : talk_fds_take(STDOUT_FILENO, O_WRONLY);
	int r = signal_fd < 0 || (pipe.in_fd < 0 && errno != EBADF) ||
				(pipe.out_fd < 0 && !has_json && errno != EBADF)
			? fail_descriptors(-errno, err)
			: sonde_session_run_pipe(session, &pipe, err);
	if (signal_fd >= 0)
		close(signal_fd);
	return r;
}

/* Both ends of the program are a person's. */
static bool is_at_terminal(const struct talk *talk)
{
	if (arguments_has(talk->arguments, "ask") ||
	    arguments_has(talk->arguments, "script") ||
	    arguments_has(talk->arguments, "exec"))
		return false;
	return !talk->output->has_json && isatty(STDIN_FILENO) == 1 &&
	       isatty(STDOUT_FILENO) == 1;
}

/* The exit status; < 0: there is no terminal that can be used so. */
static int run_terminal(struct talk *talk, struct sonde_session *session,
			struct sonde_target *target, const struct sonde_tls_options *tls,
			bool opens)
{
	struct terminal_options terminal_options = {
		.output = talk->output,
		.session = session,
		.target = target,
		.tls = tls,
		.lines_end_nowhere = arguments_has(talk->arguments, "no-newline"),
		.passes_all = arguments_has(talk->arguments, "telnet"),
	};
	struct sonde_error err;

	if (opens && sonde_session_open(session, target, &err) < 0)
		return message_error(&err);
	/* A command that waits, like `open` and `tls`, is ended by the signals that end
	 * all; a window's new size is none of them. */
	int end_fd = talk_fds_open_signals(false);
	sonde_session_heed(session, end_fd);
	terminal_options.signal_fd = talk_fds_open_signals(true);
	talk->terminal = terminal_new(&terminal_options);
	if (!talk->terminal)
		return -1;
	if (opens)
		message_note(talk->output,
			     "connected; ^] for commands, ^D ends our half");
	else
		message_note(talk->output, "open HOST PORT connects; help shows more");
	int status = terminal_run(talk->terminal);
	terminal_free(talk->terminal);
	talk->terminal = NULL;
	sonde_session_heed(session, -1);
	close(terminal_options.signal_fd);
	close(end_fd);
	return status;
}

/* From the beginning, or by a step of a script, or by a command at the terminal. */
static bool may_speak_tls(const struct talk *talk)
{
	return arguments_has(talk->arguments, "tls") ||
	       arguments_has(talk->arguments, "script") || is_at_terminal(talk);
}

static int check_options(const struct talk *talk)
{
	static const struct talk_pair pairs[] = {
		{"insecure", "pin"},      {"insecure", "ca-file"},
		{"pin", "ca-file"},       {"telnet", "udp"},
		{"telnet", "crlf"},       {"ask", "script"},
		{"ask", "exec"},          {"ask", "telnet"},
		{"script", "exec"},       {"exec", "telnet"},
		{"script", "no-newline"}, {"exec", "no-newline"},
		{"no-newline", "crlf"},   {NULL, NULL},
	};

	if (arguments_has(talk->arguments, "udp") &&
	    arguments_has(talk->arguments, "timeout"))
		return message_usage(talk->name,
				     "--timeout is for the connect, and UDP has none: "
				     "--idle-timeout is for silence");
	return talk_options_check(talk->arguments, talk->name, pairs,
				  may_speak_tls(talk));
}

static int read_target(const struct talk *talk, struct sonde_target *ret)
{
	const struct arguments *arguments = talk->arguments;
	bool is_unix = arguments_has(arguments, "unix");
	size_t count = arguments->operand_count;

	if (count == 0 && !is_at_terminal(talk))
		return message_usage(talk->name, "%s",
				     is_unix ? "name a socket, as in: sonde connect "
					       "--unix /run/x.sock"
					     : "name a peer, as in: sonde connect "
					       "localhost 50000");
	if (count > (is_unix ? 1 : 2))
		return message_usage(talk->name, "%s: one peer is enough",
				     arguments->operands[count - 1]);
	ret->transport = talk_options_transport(arguments);
	ret->host = count > 0 ? arguments->operands[0] : "";
	ret->port = count > 1 ? arguments->operands[1] : NULL;
	ret->family = talk_options_family(arguments);
	ret->bind = arguments_text(arguments, "bind", NULL);
	ret->timeout_ns = arguments_number(arguments, "timeout", 0);
	return STATUS_DONE;
}

static void read_window(const struct output *output, struct sonde_session_options *ret)
{
	struct winsize size;

	ret->columns = (uint16_t)output->width;
	ret->rows = ROWS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		ret->columns = size.ws_col;
		ret->rows = size.ws_row;
	}
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct talk talk = {
		.output = output,
		.arguments = arguments,
		.name = command->name,
	};
	struct sonde_session_options session_options = {
		.idle_timeout_ns = arguments_number(arguments, "idle-timeout", 0),
		.crlf = arguments_has(arguments, "crlf"),
		.telnet = arguments_has(arguments, "telnet"),
		.observer = observe,
		.context = &talk,
	};
	struct sonde_tls_options tls = {0};
	struct sonde_target target = {
		.tls = arguments_has(arguments, "tls") ? &tls : NULL,
	};
	struct sonde_session *session = NULL;
	struct sonde_script *script = NULL;
	struct sonde_session_totals totals;
	struct sonde_error err;

	talk_options_read_tls(arguments, &tls);
	int status = check_options(&talk);
	if (status == STATUS_DONE)
		status = read_target(&talk, &target);
	if (status != STATUS_DONE)
		return status;
	if (arguments_has(arguments, "no-newline") && !arguments_has(arguments, "ask") &&
	    !is_at_terminal(&talk))
		return message_usage(command->name,
				     "--no-newline is for --ask and for a terminal");
	if (is_at_terminal(&talk)) {
		session_options.telnet_if_asked = !session_options.telnet;
		session_options.takes_echo = true;
		session_options.terminal_type =
			session_options.telnet ? getenv("TERM") : NULL;
		read_window(output, &session_options);
	}
	const char *script_path = arguments_text(arguments, "script", NULL);
	talk.has_script = script_path != NULL;
	if (script_path && script_load(script_path, &script, &err) < 0)
		return message_error(&err);
	if (tls.insecure)
		message_note(output,
			     "the peer's certificate is not checked (--insecure): "
			     "somebody on the way may read and change all");
	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	int r = sonde_session_new(&session_options, &session, &err);
	bool is_edited = r == 0 && is_at_terminal(&talk);
	if (is_edited)
		status = run_terminal(&talk, session, &target, &tls,
				      arguments->operand_count > 0);
	else if (r == 0)
		r = sonde_session_open(session, &target, &err);
	bool was_open = r == 0;
	bool is_asked = r == 0 && arguments_has(arguments, "ask");
	if (is_asked)
		status = run_ask(&talk, session);
	else if (r == 0 && (script || arguments_has(arguments, "exec")))
		r = run_other(&talk, session, script, &tls, &err);
	else if (r == 0 && !is_edited)
		r = run_pipe(&talk, session, &err);
	if (was_open && arguments_has(arguments, "stats")) {
		sonde_session_get_totals(session, &totals);
		talk_stats_print(output, &totals);
	}
	sonde_session_free(session);
	sonde_script_free(script);
	if (r < 0)
		return message_error(&err);
	if (output_is_broken(output)) /* main says so */
		return STATUS_DONE;
	return is_edited || is_asked ? status : r > 0 ? STATUS_NETWORK : STATUS_DONE;
}

const struct command command_connect = {
	.name = "connect",
	.summary = "Talk to a peer over TCP, UDP or a Unix socket",
	.usage = "HOST PORT\nHOST:PORT\n--unix PATH",
	.description =
		"What comes on standard input is sent, what is received goes to standard "
		"output, byte for byte. The end of standard input closes our half of the "
		"connection, and the peer's end closes standard output; it is over when "
		"both are.\n"
		"At a terminal a line is edited before it is sent; ^] asks for a command "
		"(open, local, close, end, tls, base64, quit, help), ^D closes our half, "
		"^C "
		"ends. Without a peer it begins with a command.\n"
		"All addresses of a name are tried. HOST may be left out for this "
		"machine: :50000.\n"
		"A script has a step a line: send \"TEXT\", line \"TEXT\", expect "
		"\"TEXT\", "
		"expect /REGEX/ within 5s, expect end, timeout 10s, tls, wait 1s, end, "
		"close; "
		"see sonde-connect(1).",
	.options = options,
	.foreign = foreign,
	.foreign_of = "nc, ncat or socat",
	.run = run,
};
