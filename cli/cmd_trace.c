/* sonde trace: run programs, show which statement sent which packet.
 *
 * The order of things: files to write are opened, or tried, before anything runs, so that
 * a wrong path costs nothing; then the programs run, with their own standard input, output and
 * error; when all have ended come capture file, ladder, tables and notes.
 *
 * Signals.  What a terminal sends (Ctrl-C) goes to its whole foreground group, so the
 * programs have it already; what somebody sends to sonde alone is passed on.  The first
 * one lets the programs end in their own way, a second one ends them at once.  Either
 * way what was seen until then is shown. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/trace.h>

#include "cmd.h"
#include "message.h"
#include "render.h"
#include "same_file.h"
#include "scratch_file.h"
#include "show.h"
#include "trace_foreign.h"

/* As env(1) has them. */
enum trace_status {
	TRACE_OWN_TROUBLE = 125,
	TRACE_NOT_EXECUTABLE = 126,
	TRACE_NOT_FOUND = 127,
	TRACE_SIGNALLED = 128, /* and the signal's number */
};

enum { PATIENCE_S = 1, WITH_MOST = 64 };

static const struct option options[] = {
	{.name = "with",
	 .type = OPTION_TEXT,
	 .argument = "CMD",
	 .help = "start this shell command line first, and trace it too; may be given "
		 "more than once, each starts when the one before it waits for a peer",
	 .repeats = true},
	{.name = "isolate",
	 .help = "run in a user and network namespace of their own: packets are captured "
		 "without privilege, and nothing but the programs is in them"},
	{.name = "output",
	 .letter = 'o',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "write the ladder, or the JSON, to FILE"},
	{.name = "write",
	 .letter = 'w',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "write packets and calls to FILE as pcapng, for Wireshark"},
	SHOW_OPTIONS,
	{.name = "no-lines",
	 .help = "read no source lines: calls and packets alone, and each call costs "
		 "less"},
	{.name = "pin",
	 .help = "run the tracer and the programs on one processor: threads take "
		 "turns, and nothing happens at the same time"},
	{.name = NULL},
};

/* What a wait listens to beside the programs: signals, and a timer after the first. */
struct watch {
	int signals, timer, both; /* file descriptors */
	unsigned signal_count;
	sigset_t before; /* the mask that sonde was started with, for the programs */
};

static int fail_errno(struct sonde_error *err, const char *operation)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, operation, "", NULL);
}

static int watch_open(struct watch *watch, struct sonde_error *err)
{
	struct epoll_event event = {.events = EPOLLIN};
	sigset_t set, blocked;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	/* A program that signals its whole group means itself and its own, not sonde. */
	blocked = set;
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGALRM);
	sigaddset(&blocked, SIGVTALRM);
	sigaddset(&blocked, SIGPROF);
	sigaddset(&blocked, SIGPOLL);
	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
		sigaddset(&blocked, signal);
	if (sigprocmask(SIG_BLOCK, &blocked, &watch->before) < 0)
		return fail_errno(err, "watch signals");
	watch->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	watch->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	watch->both = epoll_create1(EPOLL_CLOEXEC);
	if (watch->signals < 0 || watch->timer < 0 || watch->both < 0 ||
	    epoll_ctl(watch->both, EPOLL_CTL_ADD, watch->signals, &event) < 0 ||
	    epoll_ctl(watch->both, EPOLL_CTL_ADD, watch->timer, &event) < 0)
		return fail_errno(err, "watch signals");
	return 0;
}

static void watch_close(struct watch *watch)
{
	if (watch->both >= 0)
		close(watch->both);
	if (watch->timer >= 0)
		close(watch->timer);
	if (watch->signals >= 0)
		close(watch->signals);
}

static void handle_signal(struct watch *watch, struct sonde_trace *trace,
			  const struct signalfd_siginfo *info, struct output *output)
{
	const struct itimerspec soon = {.it_value = {.tv_sec = PATIENCE_S}};
	int signal = (int)info->ssi_signo;

	if (++watch->signal_count > 1) {
		message_note(output, "second signal: the programs are ended now");
		sonde_trace_stop(trace);
		return;
	}
	message_detail(output, "SIG%s: waiting for the programs to end",
		       sigabbrev_np(signal));
	/* The terminal has told the programs itself. */
	if (info->ssi_code != SI_KERNEL)
		sonde_trace_signal(trace, signal);
	timerfd_settime(watch->timer, 0, &soon, NULL);
}

static void watch_handle(struct watch *watch, struct sonde_trace *trace,
			 struct output *output)
{
	struct signalfd_siginfo info;
	uint64_t expired;

	while (read(watch->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		handle_signal(watch, trace, &info, output);
	if (read(watch->timer, &expired, sizeof(expired)) == (ssize_t)sizeof(expired)) {
		message_note(output, "the programs still run after the signal");
		if (output->verbosity >= 0)
			message_hint("send it once more, and they are ended at once");
	}
}

/* Returns 0 when the programs have ended, or the error of a tracer that failed; what was
 * recorded can be shown then, too. */
static int record(struct sonde_trace *trace, struct watch *watch, struct output *output,
		  struct sonde_error *err)
{
	int r;

	while ((r = sonde_trace_wait(trace, watch->both, err)) > 0)
		watch_handle(watch, trace, output);
	return r;
}

static int no_memory(struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "show", "the trace",
			       NULL);
}

/* A pipe has been read by now. */
static bool is_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Everything that follows the end of the programs. */
static int show(struct sonde_trace *trace, const struct arguments *arguments,
		const char *capture, struct output *output, struct sonde_error *err)
{
	const struct sonde_recording *recording = sonde_trace_recording(trace);
	bool is_kept = capture && arguments_has(arguments, "write");
	const struct sonde_findings_options wanted = {
		.show_secrets = arguments_has(arguments, "show-secrets")};
	struct sonde_timeline timeline;
	struct sonde_findings findings;
	struct shown what = {0};
	int r, saved = 0;

	if (sonde_timeline_build(recording, &timeline) < 0)
		return no_memory(err);
	if (sonde_findings_build_with(&timeline, &wanted, &findings) < 0) {
		sonde_timeline_done(&timeline);
		return no_memory(err);
	}
	/* Before the output: the JSON names the frames of the file. */
	if (capture)
		saved = sonde_trace_save(trace, &timeline, err);

	/* A blank line ends what the programs printed. */
	if (output->file == stdout && !output->has_json)
		output_print(output, "\n");
	what.timeline = &timeline;
	what.findings = &findings;
	what.capture = capture;
	r = show_all(output, &what, arguments, err);
	output_flush(output);
	render_notes(output, recording);
	if (is_kept && saved == 0 && is_file(capture))
		message_note(output,
			     "packets and calls are in %s; open it with: "
			     "wireshark %s",
			     capture, capture);
	sonde_findings_done(&findings);
	sonde_timeline_done(&timeline);
	if (saved < 0)
		return saved;
	return r;
}

/* The main program's, as a shell would tell it. */
static int exit_status(struct sonde_trace *trace, const struct output *output)
{
	const struct sonde_recording *recording = sonde_trace_recording(trace);
	int status = sonde_trace_status(trace);
	const char *name = "the program";

	if (status < 0)
		return TRACE_OWN_TROUBLE;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (recording->main_program &&
	    recording->programs[recording->main_program - 1].name)
		name = recording->programs[recording->main_program - 1].name;
	message_note(output, "%s was ended by SIG%s", name,
		     sigabbrev_np(WTERMSIG(status)));
	return TRACE_SIGNALLED + WTERMSIG(status);
}

static int own_trouble(const struct sonde_error *err)
{
	message_error(err);
	return TRACE_OWN_TROUBLE;
}

/* Of a start or a wait that failed. */
static int failure_status(int code, const struct sonde_error *err)
{
	int status = own_trouble(err);

	if (code == SONDE_TRACE_NOT_FOUND)
		return TRACE_NOT_FOUND;
	if (code == SONDE_TRACE_NOT_EXECUTABLE)
		return TRACE_NOT_EXECUTABLE;
	return status;
}

/* A file, or none yet. */
static bool can_be_read_back(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

static int check_usage(const struct command *command, const struct arguments *arguments,
		       struct sonde_error *err)
{
	const char *capture = arguments_text(arguments, "write", NULL);
	const struct named_file files[] = {
		{"-o", arguments_text(arguments, "output", NULL)},
		{"-w", capture},
		{"--svg", arguments_text(arguments, "svg", NULL)},
		{"--html", arguments_text(arguments, "html", NULL)},
	};

	if (arguments->operand_count == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, command->name, "",
				"the program to run is missing");
		sonde_error_hint(err, "sonde trace -- python3 client.py");
		return -EINVAL;
	}
	if (arguments_count(arguments, "with") > WITH_MOST)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, command->name,
				       "--with", "more than %d", WITH_MOST);
	if (refuse_same_files(command->name, files, sizeof(files) / sizeof(files[0]),
			      err) < 0)
		return -EINVAL;
	if (arguments_has(arguments, "html") && capture && !can_be_read_back(capture))
		return sonde_error_set(
			err, SONDE_ERROR_USAGE, -EINVAL, command->name, capture,
			"--html reads again what -w wrote: it has to be a file");
	return show_check(command, arguments, err);
}

static int start(const struct arguments *arguments, const struct output *output,
		 const struct watch *watch, const char *capture, struct sonde_trace **ret,
		 struct sonde_error *err)
{
	const char *with[WITH_MOST];
	struct sonde_trace_options how = {
		.arguments = arguments->operands,
		.with = with,
		.path = getenv("PATH"),
		.isolate = arguments_has(arguments, "isolate"),
		.capture_path = capture,
		.pin = arguments_has(arguments, "pin"),
		.no_lines = arguments_has(arguments, "no-lines"),
		.stdout_to_stderr = output->has_json && output->file == stdout,
		.signal_mask = &watch->before,
	};

	while (how.with_count < arguments_count(arguments, "with")) {
		with[how.with_count] = arguments_nth(arguments, "with", how.with_count);
		how.with_count++;
	}
	if (how.stdout_to_stderr)
		message_note(output, "the programs' standard output goes to standard "
				     "error: the JSON is on standard output");
	return sonde_trace_start(&how, ret, err);
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct watch watch = {.signals = -1, .timer = -1, .both = -1};
	const char *capture = arguments_text(arguments, "write", NULL);
	struct scratch_file scratch = {0};
	struct sonde_trace *trace = NULL;
	struct sonde_error err;
	int status, r;

	if (check_usage(command, arguments, &err) < 0) {
		status = message_error(&err);
		return status == STATUS_USAGE ? status : TRACE_OWN_TROUBLE;
	}
	if (show_probe(arguments, &err) < 0)
		return own_trouble(&err);
	if (arguments_has(arguments, "output")) {
		const char *path = arguments_text(arguments, "output", NULL);

		r = output_open(output, path);
		if (r < 0) {
			sonde_error_set(&err, SONDE_ERROR_TROUBLE, r, "open", path, NULL);
			return own_trouble(&err);
		}
	}
	if (watch_open(&watch, &err) < 0) {
		status = own_trouble(&err);
		goto out;
	}
	/* The page holds the capture, whether it is kept beside it or not. */
	if (arguments_has(arguments, "html") && !capture) {
		if (scratch_file_make(&scratch, "run.pcapng", &err) < 0) {
			status = own_trouble(&err);
			goto out;
		}
		capture = scratch.path;
	}
	r = start(arguments, output, &watch, capture, &trace, &err);
	if (r < 0) {
		status = failure_status(r, &err);
		goto out;
	}
	/* Not earlier: the programs have inherited what sonde was given. */
	signal(SIGPIPE, SIG_IGN);

	r = record(trace, &watch, output, &err);
	if (r < 0)
		status = failure_status(r, &err);
	else
		status = exit_status(trace, output);
	if (r == SONDE_TRACE_NOT_FOUND || r == SONDE_TRACE_NOT_EXECUTABLE)
		goto out; /* there is nothing to show */
	if (show(trace, arguments, capture, output, &err) < 0)
		status = own_trouble(&err);
	if (output_finish(output, &err) < 0)
		status = own_trouble(&err);
out:
	sonde_trace_free(trace);
	scratch_file_remove(&scratch);
	watch_close(&watch);
	return status;
}

const struct command command_trace = {
	.name = "trace",
	.summary = "Run programs and show which statement sent which packet",
	.usage = "[--with CMD]... [--isolate] [-o FILE] [-w FILE] [--html FILE] "
		 "[--svg FILE] "
		 "[--text|--json|--markdown] [--full] [--no-lines] [--pin] [--] CMD "
		 "[ARG]...",
	.description =
		"Runs CMD, records its socket calls with their source lines and its "
		"packets, and joins the two: a ladder for each connection, then a table "
		"of the statements that sent each packet, and one of the packets that "
		"completed each blocking statement.\n"
		"\n"
		"  sonde trace --isolate --with \"sonde serve calc\" -- python3 "
		"client.py\n"
		"\n"
		"The exit status is CMD's (128 and the signal's number where one ended "
		"it), 125 where sonde itself failed, 126 or 127 where CMD cannot be run "
		"or found.",
	.options = options,
	.flags = COMMAND_STOPS_AT_OPERAND | COMMAND_OWN_SIGNALS,
	.foreign = trace_foreign_options,
	.foreign_of = TRACE_FOREIGN_OF,
	.run = run,
};
