/* sonde capture: packets as they pass, into a file, a pipe, a list.
 *
 * In the order of what it may do: with the rights that it was started with it opens rings,
 * files and programs; then it gives up all of them, and only then looks at a packet. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <sonde/capture.h>
#include <sonde/text.h>

#include "capture_interfaces.h"
#include "capture_rights.h"
#include "capture_session.h"
#include "capture_words.h"
#include "clock.h"
#include "cmd.h"
#include "message.h"
#include "packet_foreign.h"

enum {
	/* A file's reader does not see a fiftieth of a second; waking up less often saves
	 * a third of the work.  The ring has room for a rest at 1.6 GB/s. */
	REST_NS = 10000000, /* with a ring of REST_RING bytes; with one twice as large: */
	LONG_REST_NS = 20000000,
	REST_RING = 16 << 20,
};

static const struct option options[] = {
	{.name = "interface",
	 .letter = 'i',
	 .type = OPTION_TEXT,
	 .argument = "IF",
	 .help = "capture on this interface (a name, or a number of -D), or on any; may "
		 "be given more than once; without it any",
	 .repeats = true},
	{.name = "list-interfaces", .letter = 'D', .help = "list the interfaces"},
	{.name = "write",
	 .letter = 'w',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "write a pcapng file; - is standard output"},
	{.name = "snaplen",
	 .letter = 's',
	 .type = OPTION_SIZE,
	 .argument = "SNAPLEN",
	 .help = "take so many bytes of each packet; 0, as without it, all",
	 .most = SONDE_CAPTURE_SNAP_MOST,
	 .advice = "0 takes all"},
	{.name = "no-promiscuous",
	 .letter = 'p',
	 .help = "leave out packets that are for other machines"},
	{.name = "count",
	 .letter = 'c',
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "end after so many packets",
	 .least = 1,
	 .most = INT64_MAX},
	{.name = "for",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "end after this time",
	 .least = 1},
	{.name = "ring",
	 .type = OPTION_SIZE,
	 .argument = "SIZE",
	 .help = "memory for packets that wait to be read, of each interface; without "
		 "it 32M",
	 .least = SONDE_CAPTURE_RING_LEAST,
	 .most = SONDE_CAPTURE_RING_MOST},
	{.name = "rotate-size",
	 .type = OPTION_SIZE,
	 .argument = "SIZE",
	 .help = "go on to the next file when this one is so large",
	 .least = 1,
	 .most = LLONG_MAX},
	{.name = "rotate-every",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "go on to the next file after so long",
	 .least = 1},
	{.name = "rotate-keep",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "keep the N newest files and remove the others",
	 .least = 1,
	 .most = 1000000},
	{.name = "isolate",
	 .help = "capture in a network namespace of its own, for programs of --with; "
		 "needs no privilege"},
	{.name = "with",
	 .type = OPTION_TEXT,
	 .argument = "CMD",
	 .help = "run this shell command while capturing, and end when it has ended; may "
		 "be given more than once",
	 .repeats = true},
	{.name = NULL},
};

static bool is_reader_gone(const struct capture_session *session, int error)
{
	return error == -EPIPE && session->out.path &&
	       strcmp(session->out.path, "-") == 0;
}

static int open_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int join_filter(struct capture_session *session, const struct arguments *arguments,
		       struct sonde_error *err)
{
	struct sonde_text text;

	sonde_text_init(&text, session->filter, sizeof(session->filter));
	for (size_t i = 0; i < arguments->operand_count; i++)
		sonde_text_add(&text, "%s%s", i ? " " : "", arguments->operands[i]);
	if (text.cut)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -E2BIG, "capture",
				       "the capture filter", "it is too long");
	return 0;
}

static const char *const *with_lines(const struct arguments *arguments,
				     const char *lines[CAPTURE_PROGRAMS_MOST],
				     size_t *ret_count)
{
	size_t count = arguments_count(arguments, "with");

	for (size_t i = 0; i < count && i < CAPTURE_PROGRAMS_MOST; i++)
		lines[i] = arguments_nth(arguments, "with", i);
	*ret_count = count;
	return lines;
}

static int open_capture(struct capture_session *session,
			const struct arguments *arguments, struct sonde_error *err)
{
	struct sonde_capture_options capture = {
		.interfaces = session->interfaces,
		.interface_count = session->interface_count,
		.filter = session->filter,
		.snap_bytes = (uint32_t)arguments_number(arguments, "snaplen", 0),
		.ring_bytes = session->ring_bytes,
		.is_promiscuous = !arguments_has(arguments, "no-promiscuous"),
	};
	const char *lines[CAPTURE_PROGRAMS_MOST];
	size_t line_count;
	int r = 0;

	with_lines(arguments, lines, &line_count);
	if (arguments_has(arguments, "isolate"))
		r = capture_rights_isolate(session->output, line_count > 0, err);
	if (r == 0)
		r = capture_out_prepare(&session->out, err);
	if (r == 0)
		r = sonde_capture_open(&capture, &session->capture, err);
	if (r == 0)
		r = capture_out_open(&session->out, err);
	if (r == 0)
		r = capture_out_begin(&session->out, session->capture, err);
	if (r == 0)
		r = capture_programs_start(&session->programs, lines, line_count,
					   session->view || session->output->has_json ||
						   (session->out.path &&
						    strcmp(session->out.path, "-") == 0),
					   err);
	if (r == 0)
		r = capture_rights_give_up(session->output, err);
	return r;
}

/* What the options say together that has no meaning. */
static int refuse(const struct command *command, const struct arguments *arguments,
		  const struct output *output)
{
	static const char *const rotating[] = {"rotate-size", "rotate-every"};
	const char *path = arguments_text(arguments, "write", NULL);
	bool rotates = false;

	if (arguments_count(arguments, "interface") > CAPTURE_INTERFACES_MOST)
		return message_usage(command->name, "more than %d interfaces",
				     CAPTURE_INTERFACES_MOST);
	if (arguments_count(arguments, "with") > CAPTURE_PROGRAMS_MOST)
		return message_usage(command->name, "more than %d programs",
				     CAPTURE_PROGRAMS_MOST);
	for (size_t i = 0; i < 2; i++) {
		if (!arguments_has(arguments, rotating[i]))
			continue;
		rotates = true;
		if (!path || strcmp(path, "-") == 0)
			return message_usage(command->name,
					     "--%s needs a file to write: -w FILE",
					     rotating[i]);
	}
	if (arguments_has(arguments, "rotate-keep") && !rotates)
		return message_usage(command->name, "--rotate-keep has a meaning with "
						    "--rotate-size or --rotate-every");
	if (path && strcmp(path, "-") == 0 && output->has_json)
		return message_usage(command->name,
				     "-w - and --json both write standard output");
	if (path && strcmp(path, "-") == 0 && isatty(STDOUT_FILENO))
		return message_usage(command->name,
				     "-w - writes bytes, and standard output is a "
				     "terminal: give it a file or a pipe");
	return STATUS_DONE;
}

static void read_options(struct capture_session *session,
			 const struct arguments *arguments)
{
	const char *path = arguments_text(arguments, "write", NULL);
	int64_t for_ns = arguments_number(arguments, "for", 0);

	session->interface_count = arguments_count(arguments, "interface");
	for (size_t i = 0; i < session->interface_count; i++)
		session->interfaces[i] = arguments_nth(arguments, "interface", i);
	session->ring_bytes =
		(uint64_t)arguments_number(arguments, "ring", SONDE_CAPTURE_RING_BYTES);
	session->packets_most = (uint64_t)arguments_number(arguments, "count", 0);
	if (for_ns)
		session->end_at_ns = for_ns > INT64_MAX / 2
					     ? INT64_MAX
					     : clock_now_ns(CLOCK_MONOTONIC) + for_ns;
	session->out = (struct capture_out){
		.path = path,
		.filter = session->filter[0] ? session->filter : NULL,
		.rotate_bytes = (uint64_t)arguments_number(arguments, "rotate-size", 0),
		.rotate_ns = arguments_number(arguments, "rotate-every", 0),
		.rotate_keep = (unsigned)arguments_number(arguments, "rotate-keep", 0),
	};
}

static int run_session(struct capture_session *session, const struct arguments *arguments,
		       struct sonde_error *err)
{
	bool is_pipe = session->out.path && strcmp(session->out.path, "-") == 0;
	int r = 0, closed;

	if (!session->out.path || (session->output->verbosity > 0 && !is_pipe))
		r = capture_view_new(session->output, &session->view, err);
	if (r == 0)
		r = open_capture(session, arguments, err);
	if (r == 0) {
		session->shows_count = session->out.path && !session->view &&
				       session->output->verbosity >= 0 &&
				       isatty(STDERR_FILENO);
		if (session->out.path && !is_pipe && !session->view &&
		    session->ring_bytes >= REST_RING)
			session->rest_ns = session->ring_bytes >= 2 * REST_RING
						   ? LONG_REST_NS
						   : REST_NS;
		capture_words_begin(session);
		r = capture_session_run(session, err);
		if (r < 0 && is_reader_gone(session, r))
			r = 0;
		capture_words_clear_count(session);
	}
	closed = capture_out_close(&session->out, session->capture, r < 0 ? NULL : err);
	if (r == 0 && closed < 0 && !is_reader_gone(session, closed))
		r = closed;
	if (session->view)
		capture_view_flush(session->view);
	return r;
}

static int list(const struct command *command, const struct arguments *arguments,
		struct output *output)
{
	for (size_t i = 0; options[i].name; i++)
		if (strcmp(options[i].name, "list-interfaces") != 0 &&
		    arguments_has(arguments, options[i].name))
			return message_usage(
				command->name,
				"--list-interfaces captures nothing: --%s has "
				"no meaning with it",
				options[i].name);
	if (arguments->operand_count)
		return message_usage(command->name,
				     "--list-interfaces takes no capture filter: %s",
				     arguments->operands[0]);
	return capture_interfaces_list(output);
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct capture_session *session;
	struct sonde_error err;
	int r, status;

	if (arguments_has(arguments, "list-interfaces"))
		return list(command, arguments, output);
	status = refuse(command, arguments, output);
	if (status != STATUS_DONE)
		return status;
	session = calloc(1, sizeof(*session));
	if (!session) {
		sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "start", "capture",
				NULL);
		return message_error(&err);
	}
	session->output = output;
	session->signal_fd = open_signals();
	tzset(); /* while files can be opened */
	r = join_filter(session, arguments, &err);
	read_options(session, arguments);
	if (output->has_json)
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	if (r == 0)
		r = run_session(session, arguments, &err);
	if (session->capture && (r == 0 || session->packets))
		capture_words_summarize(session, "summary");
	status = r < 0 ? message_error(&err) : STATUS_DONE;
	capture_view_free(session->view);
	capture_programs_done(&session->programs);
	sonde_capture_close(session->capture);
	if (session->signal_fd >= 0)
		close(session->signal_fd);
	free(session);
	return status;
}

const struct command command_capture = {
	.name = "capture",
	.summary = "Capture packets into a file, a pipe or a list",
	.usage = "[CAPTURE-FILTER]",
	.description =
		"CAPTURE-FILTER is in the language of libpcap (pcap-filter(7)), as for "
		"tcpdump: tcp port 80 and host 192.0.2.1\n"
		"Without -w packets are listed, one a line; with -w FILE and -v they are "
		"both written and listed. Files are pcapng with nanoseconds.\n"
		"It needs the capability CAP_NET_RAW, and gives up all rights before it "
		"looks at a packet. SIGINT and SIGTERM end it, SIGUSR1 shows counts.",
	.options = options,
	.foreign = capture_foreign_options,
	.foreign_of = PACKET_FOREIGN_OF,
	.run = run,
};
