/* sonde capture: packets as they pass, into a file, a pipe, a list.
 *
 * In the order of what it may do: with the rights that it was started with it opens rings,
 * files and programs; then it gives up all of them, and only then looks at a packet. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <sonde/capture.h>
#include <sonde/sandbox.h>
#include <sonde/text.h>

#include "capture_out.h"
#include "capture_programs.h"
#include "capture_view.h"
#include "cmd.h"
#include "message.h"
#include "packet_foreign.h"

enum {
	INTERFACES_MOST = 64,
	FILTER_CHARS = 1 << 16,
	POLLED_MOST = INTERFACES_MOST + CAPTURE_PROGRAMS_MOST + 1,
	DRAIN_MS = 1000,
	COUNT_MS = 200,      /* between two counts on a terminal */
	SETTLE_MS = 100,     /* for the last packets of programs that have ended */
	TURN_PACKETS = 4096, /* then signals and times are looked at */
	/* A file's reader does not see a fiftieth of a second; waking up less often saves
	 * a third of the work.  The ring has room for a rest at 1.6 GB/s. */
	REST_NS = 10000000, /* with a ring of REST_RING bytes; with one twice as large: */
	LONG_REST_NS = 20000000,
	REST_PACKETS = 32, /* that came in one turn: less is no rush */
	REST_RING = 16 << 20,
	NOBODY = 65534,
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
	 .help = "take so many bytes of each packet; 0, as without it, all"},
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
	 .help = "end after this time"},
	{.name = "ring",
	 .type = OPTION_SIZE,
	 .argument = "SIZE",
	 .help = "memory for packets that wait to be read, of each interface; without "
		 "it 32M"},
	{.name = "rotate-size",
	 .type = OPTION_SIZE,
	 .argument = "SIZE",
	 .help = "go on to the next file when this one is so large"},
	{.name = "rotate-every",
	 .type = OPTION_DURATION,
	 .argument = "DURATION",
	 .help = "go on to the next file after so long"},
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

struct session {
	struct output *output;
	struct capture_out out;
	struct capture_view *view; /* NULL: no list */
	struct sonde_capture *capture;
	struct capture_programs programs;
	char filter[FILTER_CHARS];
	const char *interfaces[INTERFACES_MOST];
	size_t interface_count;
	uint64_t ring_bytes;
	int signal_fd;
	int64_t end_at_ns, settled_at_ns; /* CLOCK_MONOTONIC; 0 never */
	uint64_t packets, packets_most;   /* 0 no limit */
	bool shows_count;                 /* on a terminal */
	int64_t counted_at_ns;
	uint32_t rest_ns; /* 0: it never rests */
};

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* --- the list of interfaces */

static void add_state(struct sonde_text *line, const struct sonde_interface_info *info)
{
	sonde_text_add(line, "%s%s%s", info->flags & SONDE_INTERFACE_UP ? "up" : "down",
		       info->flags & SONDE_INTERFACE_UP &&
				       !(info->flags & SONDE_INTERFACE_RUNNING)
			       ? ", no link"
			       : "",
		       info->flags & SONDE_INTERFACE_LOOPBACK ? ", loopback" : "");
}

static void print_interface(struct output *output, size_t place,
			    const struct sonde_interface_info *info)
{
	char storage[512], address[SONDE_ADDRESS_CHARS];
	struct sonde_text line;

	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%zu. %-16s ", place, info->name);
	add_state(&line, info);
	for (size_t i = 0; i < info->address_count; i++) {
		sonde_address_format_host(&info->addresses[i], address);
		sonde_text_add(&line, "%s%s", i ? ", " : "; ", address);
	}
	output_print(output, "%s\n", storage);
}

static void write_interface(struct output *output, size_t place,
			    const struct sonde_interface_info *info)
{
	struct sonde_json *json = output_event_begin(output, "interface");
	char address[SONDE_ADDRESS_CHARS];

	sonde_json_add_int(json, "number", (int64_t)place);
	sonde_json_add_string(json, "name", info->name);
	sonde_json_add_bool(json, "up", info->flags & SONDE_INTERFACE_UP);
	sonde_json_add_bool(json, "running", info->flags & SONDE_INTERFACE_RUNNING);
	sonde_json_add_bool(json, "loopback", info->flags & SONDE_INTERFACE_LOOPBACK);
	sonde_json_key(json, "addresses");
	sonde_json_array_begin(json);
	for (size_t i = 0; i < info->address_count; i++) {
		sonde_address_format_host(&info->addresses[i], address);
		sonde_json_string(json, address);
	}
	sonde_json_array_end(json);
	output_event_end(output);
}

static int list_interfaces(struct output *output)
{
	struct sonde_interface_info *infos;
	struct sonde_error err;
	size_t count;

	if (sonde_interfaces_list(&infos, &count, &err) < 0)
		return message_error(&err);
	if (output->has_json)
		output_json_start(output, now_ns(CLOCK_REALTIME));
	for (size_t i = 0; i < count; i++) {
		if (output->has_json)
			write_interface(output, i + 1, &infos[i]);
		else
			print_interface(output, i + 1, &infos[i]);
	}
	if (!output->has_json)
		output_print(output, "   %-16s all of them, those to come included\n",
			     "any");
	free(infos);
	return STATUS_DONE;
}

/* --- what is said */

static void clear_count(struct session *session)
{
	if (session->shows_count && session->counted_at_ns)
		fputs("\r\033[K", stderr);
	session->counted_at_ns = 0;
}

static void show_count(struct session *session, int64_t at_ns)
{
	struct sonde_capture_counts counts;

	if (!session->shows_count || at_ns < session->counted_at_ns + COUNT_MS * 1000000)
		return;
	session->counted_at_ns = at_ns;
	sonde_capture_count(session->capture, &counts);
	fprintf(stderr, "\r%" PRIu64 " packet%s", session->packets,
		session->packets == 1 ? "" : "s");
	if (counts.dropped)
		fprintf(stderr, ", %" PRIu64 " dropped", counts.dropped);
	fputs("\033[K", stderr);
}

static void say_drops(const struct session *session, uint64_t dropped)
{
	message_say("%" PRIu64 " packet%s dropped by the kernel: the ring (%" PRIu64
		    " KiB) was full",
		    dropped, dropped == 1 ? " was" : "s were",
		    session->ring_bytes / 1024);
	message_hint("a larger --ring, a capture filter, a smaller --snaplen, or -w "
		     "without a list");
}

static void write_summary(struct session *session, const char *name,
			  const struct sonde_capture_counts *counts)
{
	struct sonde_json *json = output_event_begin(session->output, name);

	output_event_time(session->output, "at_ns", now_ns(CLOCK_REALTIME));
	sonde_json_add_int(json, "packets", (int64_t)session->packets);
	sonde_json_add_int(json, "received", (int64_t)counts->received);
	sonde_json_add_int(json, "dropped", (int64_t)counts->dropped);
	sonde_json_add_int(json, "files", (int64_t)session->out.files);
	output_event_end(session->output);
}

/* name: of the event, "summary" or "counters". */
static void summarize(struct session *session, const char *name)
{
	struct sonde_capture_counts counts;

	sonde_capture_count(session->capture, &counts);
	clear_count(session);
	if (session->output->has_json) {
		write_summary(session, name, &counts);
		output_flush(session->output);
	} else {
		message_note(session->output,
			     "%" PRIu64 " packet%s captured, %" PRIu64 " dropped",
			     session->packets, session->packets == 1 ? "" : "s",
			     counts.dropped);
	}
	if (counts.dropped)
		say_drops(session, counts.dropped);
}

static void say_begin(const struct session *session)
{
	size_t count = sonde_capture_interface_count(session->capture);
	char storage[512];
	struct sonde_text names;

	sonde_text_init(&names, storage, sizeof(storage));
	for (size_t i = 0; i < count; i++) {
		struct sonde_captured_interface interface;

		sonde_capture_interface(session->capture, i, &interface);
		sonde_text_add(&names, "%s%s", i ? ", " : "", interface.name);
	}
	if (session->output->has_json) {
		struct sonde_json *json =
			output_event_begin(session->output, "capturing");

		sonde_json_key(json, "interfaces");
		sonde_json_array_begin(json);
		for (size_t i = 0; i < count; i++) {
			struct sonde_captured_interface interface;

			sonde_capture_interface(session->capture, i, &interface);
			sonde_json_string(json, interface.name);
		}
		sonde_json_array_end(json);
		sonde_json_add_int(json, "ring_bytes", (int64_t)session->ring_bytes);
		output_event_end(session->output);
		output_flush(session->output);
	}
	message_note(session->output, "capturing on %s (ring of %" PRIu64 " KiB%s)",
		     storage, session->ring_bytes / 1024,
		     session->interface_count > 1 ? " each" : "");
}

/* --- packets */

static bool is_reader_gone(const struct session *session, int error)
{
	return error == -EPIPE && session->out.path &&
	       strcmp(session->out.path, "-") == 0;
}

/* Takes what is there.  1 enough is there, 0, or a negative errno. */
static int take(struct session *session, uint64_t *ret_taken, struct sonde_error *err)
{
	struct sonde_frame frame;
	uint64_t taken = 0;
	int r;

	while ((r = sonde_capture_next(session->capture, &frame, err)) > 0) {
		session->packets++;
		taken++;
		if (session->out.writer)
			r = capture_out_add(&session->out, session->capture, &frame, err);
		if (r >= 0 && session->view)
			r = capture_view_add(session->view, &frame, err);
		if (r < 0 || session->packets == session->packets_most)
			break;
		if (taken == TURN_PACKETS) {
			r = 0;
			break;
		}
	}
	*ret_taken = taken;
	if (r < 0)
		return r;
	return session->packets_most && session->packets == session->packets_most;
}

static bool is_told_to_end(struct session *session)
{
	struct signalfd_siginfo signal;

	while (read(session->signal_fd, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo != SIGUSR1)
			return true;
		summarize(session, "counters");
	}
	return false;
}

/* The earliest of the times that are set. */
static int wait_ms(const struct session *session, int64_t at_ns)
{
	const int64_t times[] = {
		session->end_at_ns,
		session->settled_at_ns,
		session->out.rotate_at_ns,
		session->shows_count ? at_ns + COUNT_MS * INT64_C(1000000) : 0,
	};
	int64_t most = -1;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t left = (times[i] - at_ns + 999999) / 1000000;

		if (times[i] && (most < 0 || left < most))
			most = left < 0 ? 0 : left;
	}
	return most > INT32_MAX ? INT32_MAX : (int)most;
}

static void wait_for_more(struct session *session, uint64_t taken, int64_t at_ns)
{
	struct timespec rest = {.tv_nsec = session->rest_ns};
	int64_t held_ns = sonde_capture_held(session->capture);
	struct pollfd polled[POLLED_MOST];
	int fds[INTERFACES_MOST];
	size_t count = 0, rings;

	if (taken == TURN_PACKETS)
		return;
	if (held_ns && (!session->rest_ns || taken < REST_PACKETS))
		rest.tv_nsec = held_ns;
	/* Then there is something, or the next turn finds nothing and waits for it. */
	if (held_ns || (session->rest_ns && taken >= REST_PACKETS)) {
		nanosleep(&rest, NULL);
		return;
	}
	rings = sonde_capture_fds(session->capture, fds, INTERFACES_MOST);
	polled[count++] = (struct pollfd){.fd = session->signal_fd, .events = POLLIN};
	for (size_t i = 0; i < rings; i++)
		polled[count++] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	for (size_t i = 0; i < session->programs.count; i++)
		polled[count++] =
			(struct pollfd){.fd = session->programs.fds[i], .events = POLLIN};
	poll(polled, count, wait_ms(session, at_ns));
}

/* True when the programs' last packets have had their time, too. */
static bool have_programs_ended(struct session *session, int64_t at_ns)
{
	if (!session->programs.count)
		return false;
	if (!session->settled_at_ns && capture_programs_have_ended(&session->programs))
		session->settled_at_ns = at_ns + SETTLE_MS * INT64_C(1000000);
	return session->settled_at_ns && at_ns >= session->settled_at_ns;
}

/* Until it is told to end, or there is enough.  0 or a negative errno. */
static int capture_all(struct session *session, struct sonde_error *err)
{
	uint64_t taken;
	int64_t at_ns;
	int r;

	for (;;) {
		r = take(session, &taken, err);
		at_ns = now_ns(CLOCK_MONOTONIC);
		if (r >= 0 && (taken || session->out.rotate_at_ns)) {
			int flushed = capture_out_flush(&session->out, session->capture,
							at_ns, err);
			r = flushed < 0 ? flushed : r;
		}
		if (session->view)
			capture_view_flush(session->view);
		if (r != 0)
			return r < 0 ? r : 0;
		if (output_is_broken(session->output) || is_told_to_end(session) ||
		    (session->end_at_ns && at_ns >= session->end_at_ns) ||
		    have_programs_ended(session, at_ns))
			break;
		show_count(session, at_ns);
		wait_for_more(session, taken, at_ns);
	}
	while (r == 0 && sonde_capture_drain(session->capture, DRAIN_MS) > 0)
		r = take(session, &taken, err);
	return r < 0 ? r : 0;
}

/* --- setting up */

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

static int join_filter(struct session *session, const struct arguments *arguments,
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

/* Whom sudo was called by; nobody where it was not. */
static void find_user(uid_t *ret_uid, gid_t *ret_gid)
{
	const char *uid_text = getenv("SUDO_UID"), *gid_text = getenv("SUDO_GID");
	long long uid, gid;

	*ret_uid = *ret_gid = NOBODY;
	if (geteuid() == 0 && getuid() != 0) {
		*ret_uid = getuid();
		*ret_gid = getgid();
	} else if (uid_text && gid_text &&
		   sonde_text_parse_int(uid_text, 1, INT32_MAX, &uid) == 0 &&
		   sonde_text_parse_int(gid_text, 1, INT32_MAX, &gid) == 0) {
		*ret_uid = (uid_t)uid;
		*ret_gid = (gid_t)gid;
	}
}

static int enter_sandbox(const struct session *session, struct sonde_error *err)
{
	const struct output *output = session->output;
	struct sonde_sandbox sandbox;
	uid_t uid;
	gid_t gid;
	int r;

	find_user(&uid, &gid);
	r = sonde_sandbox_enter_as(SONDE_SANDBOX_CAPTURE, uid, gid, &sandbox, err);
	if (r < 0)
		return r;
	if (sandbox.is_nobody)
		message_detail(output, "sandbox: runs as user %u from here on",
			       (unsigned)uid);
	if (sandbox.why_root)
		message_detail(output,
			       "sandbox: stays root, without its capabilities: %s",
			       sandbox.why_root);
	if (sandbox.is_filtered)
		message_detail(output, "sandbox: can open no file, start no program");
	else
		message_note(output, "sandbox: system calls are not filtered: %s",
			     sandbox.why_opened);
	return 0;
}

static int isolate(const struct session *session, bool has_programs,
		   struct sonde_error *err)
{
	bool is_root = geteuid() == 0;
	int r = sonde_capture_isolate(err);

	if (r == 0 && !has_programs)
		message_note(session->output,
			     "isolated: programs get in with nsenter -t %d %s-n COMMAND",
			     (int)getpid(), is_root ? "" : "-U --preserve-credentials ");
	return r;
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

static int open_capture(struct session *session, const struct arguments *arguments,
			struct sonde_error *err)
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
		r = isolate(session, line_count > 0, err);
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
		r = enter_sandbox(session, err);
	return r;
}

/* What the options say together that has no meaning. */
static int refuse(const struct command *command, const struct arguments *arguments,
		  const struct output *output)
{
	static const char *const rotating[] = {"rotate-size", "rotate-every"};
	const char *path = arguments_text(arguments, "write", NULL);
	bool rotates = false;

	if (arguments_count(arguments, "interface") > INTERFACES_MOST)
		return message_usage(command->name, "more than %d interfaces",
				     INTERFACES_MOST);
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
		if (arguments_number(arguments, rotating[i], 0) == 0)
			return message_usage(command->name, "--%s needs more than 0",
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

static void read_options(struct session *session, const struct arguments *arguments)
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
		session->end_at_ns = now_ns(CLOCK_MONOTONIC) + for_ns;
	session->out = (struct capture_out){
		.path = path,
		.filter = session->filter[0] ? session->filter : NULL,
		.rotate_bytes = (uint64_t)arguments_number(arguments, "rotate-size", 0),
		.rotate_ns = arguments_number(arguments, "rotate-every", 0),
		.rotate_keep = (unsigned)arguments_number(arguments, "rotate-keep", 0),
	};
}

static int run_session(struct session *session, const struct arguments *arguments,
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
		say_begin(session);
		r = capture_all(session, err);
		if (r < 0 && is_reader_gone(session, r))
			r = 0;
		clear_count(session);
	}
	closed = capture_out_close(&session->out, session->capture, r < 0 ? NULL : err);
	if (r == 0 && closed < 0 && !is_reader_gone(session, closed))
		r = closed;
	if (session->view)
		capture_view_flush(session->view);
	return r;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct session *session;
	struct sonde_error err;
	int r, status;

	if (arguments_has(arguments, "list-interfaces"))
		return list_interfaces(output);
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
		output_json_start(output, now_ns(CLOCK_REALTIME));
	if (r == 0)
		r = run_session(session, arguments, &err);
	if (session->capture && (r == 0 || session->packets))
		summarize(session, "summary");
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
