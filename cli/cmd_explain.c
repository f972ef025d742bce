/* sonde explain: what a capture file tells.
 *
 * A file of `sonde trace -w` has the calls, too: then it is the run again, as trace showed
 * it.  Of other captures it is what packets alone tell. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/recording_file.h>

#include "cmd.h"
#include "message.h"
#include "page_write.h"
#include "same_file.h"
#include "scratch_file.h"
#include "show.h"
#include "trace_foreign.h"

static const struct option options[] = {
	{.name = "stream",
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "explain this stream only; they count from 0"},
	SHOW_OPTIONS,
	{.name = "page",
	 .help = "write the page without a capture, to FILE or standard output: it shows "
		 "any capture that is dropped on it"},
	{.name = "output",
	 .letter = 'o',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "write what is printed to FILE instead"},
	{.name = NULL},
};

static int see(void *context, const struct sonde_frame *frame)
{
	return sonde_heard_add(context, frame);
}

static int no_memory(const char *path, struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "explain", path, NULL);
}

/* It has nothing to explain, so that it goes with no option but -o. */
static int check_page(const struct command *command, const struct arguments *arguments,
		      struct sonde_error *err)
{
	static const char *const others[] = {"stream", "text", "markdown",
					     "svg",    "html", "show-secrets",
					     "full",   "json", "output"};
	bool has_file = arguments->operand_count > 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i], "output") == 0 && !has_file)
			continue;
		if (arguments_refuse_both(arguments, command->name, "page", others[i],
					  err) < 0)
			return -EINVAL;
	}
	if (arguments->operand_count > 1)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, command->name,
				       arguments->operands[1], "one page at a time");
	if (!has_file && !arguments_has(arguments, "output") && isatty(STDOUT_FILENO)) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, command->name, "--page",
				"it is nothing to read on a terminal");
		sonde_error_hint(err, "sonde explain --page sonde.html");
		return -EINVAL;
	}
	if (page_check(command->name, err) < 0)
		return -EINVAL;
	/* Everywhere else FILE is what explain reads. */
	return has_file ? page_check_place(command->name, arguments->operands[0], err)
			: 0;
}

static int check_usage(const struct command *command, const struct arguments *arguments,
		       struct sonde_error *err)
{
	const char *capture = arguments->operand_count ? arguments->operands[0] : NULL;
	const struct named_file files[] = {
		{"the capture", capture && strcmp(capture, "-") != 0 ? capture : NULL},
		{"-o", arguments_text(arguments, "output", NULL)},
		{"--svg", arguments_text(arguments, "svg", NULL)},
		{"--html", arguments_text(arguments, "html", NULL)},
	};

	if (arguments_has(arguments, "page"))
		return check_page(command, arguments, err);
	if (arguments->operand_count != 1) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, command->name,
				arguments->operand_count ? arguments->operands[1] : "",
				arguments->operand_count ? "one file at a time"
							 : "the file is missing");
		sonde_error_hint(err, "sonde explain run.pcapng");
		return -EINVAL;
	}
	if (refuse_same_files(command->name, files, sizeof(files) / sizeof(files[0]),
			      err) < 0)
		return -EINVAL;
	return show_check(command, arguments, err);
}

/* Which stream is meant; 0: all. */
static int choose_stream(const struct arguments *arguments,
			 const struct sonde_timeline *timeline, uint32_t *ret,
			 struct sonde_error *err)
{
	long long number = arguments_number(arguments, "stream", -1);
	char name[32];

	*ret = 0;
	if (number < 0)
		return 0;
	if (number >= timeline->stream_count) {
		snprintf(name, sizeof(name), "%lld", number);
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "stream", name,
				"the file has %u", timeline->stream_count);
		if (timeline->stream_count)
			sonde_error_hint(err, "0 to %u", timeline->stream_count - 1);
		return -EINVAL;
	}
	*ret = (uint32_t)number + 1;
	return 0;
}

static int show_timeline(const struct arguments *arguments, struct output *output,
			 const char *path, const struct sonde_timeline *timeline,
			 const struct sonde_heard *heard, struct sonde_error *err)
{
	const char *name = arguments->operands[0];
	const struct sonde_findings_options wanted = {
		.show_secrets = arguments_has(arguments, "show-secrets")};
	struct sonde_account *accounts = NULL;
	struct sonde_findings findings = {0};
	struct shown what = {
		.timeline = timeline,
		.findings = &findings,
		.capture = path,
		.name = strcmp(name, "-") == 0 ? "capture.pcapng" : name,
	};
	int r = choose_stream(arguments, timeline, &what.stream, err);

	if (r < 0)
		return r;
	if (sonde_findings_build_with(timeline, &wanted, &findings) < 0)
		return no_memory(path, err);
	/* Calls tell more than packets, and trace has no such sentences. */
	if (!timeline->recording->call_count &&
	    sonde_accounts_build(timeline, heard, &accounts) < 0)
		r = no_memory(path, err);
	what.accounts = accounts;
	if (r >= 0)
		r = show_all(output, &what, arguments, err);
	output_flush(output);
	sonde_accounts_free(accounts);
	sonde_findings_done(&findings);
	return r;
}

static int explain(const struct arguments *arguments, struct output *output,
		   const char *path, struct sonde_heard *heard, struct sonde_error *err)
{
	const struct sonde_frame_witness witness = {.see = see, .context = heard};
	struct sonde_recording *recording;
	struct sonde_timeline timeline;
	int r = sonde_recording_load(path, &witness, &recording, err);

	if (r < 0)
		return r;
	if (sonde_timeline_build(recording, &timeline) < 0) {
		r = no_memory(path, err);
	} else {
		r = show_timeline(arguments, output, path, &timeline, heard, err);
		sonde_timeline_done(&timeline);
	}
	if (r >= 0)
		render_notes(output, recording);
	sonde_recording_free(recording);
	return r;
}

/* A page needs the bytes once more, which a pipe gives once. */
static bool is_read_once(const char *path)
{
	struct stat status;

	return strcmp(path, "-") == 0 ||
	       (stat(path, &status) == 0 && !S_ISREG(status.st_mode));
}

static int explain_file(const struct arguments *arguments, struct output *output,
			struct sonde_error *err)
{
	const char *path = arguments->operands[0], *name = path;
	struct scratch_file scratch = {0};
	struct sonde_heard *heard = NULL;
	int r = sonde_heard_new(&heard);

	if (r < 0)
		return no_memory(path, err);
	if (arguments_has(arguments, "show-secrets"))
		sonde_heard_show_secrets(heard);
	if (arguments_has(arguments, "html") && is_read_once(path)) {
		r = scratch_file_copy(&scratch, path, err);
		path = scratch.path;
	}
	if (r >= 0) {
		r = explain(arguments, output, path, heard, err);
		/* It is not to be known by the copy's name. */
		if (r < 0 && strcmp(err->subject, path) == 0)
			snprintf(err->subject, sizeof(err->subject), "%s",
				 strcmp(name, "-") == 0 ? "standard input" : name);
	}
	scratch_file_remove(&scratch);
	sonde_heard_free(heard);
	return r;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	bool is_page = arguments_has(arguments, "page");
	const char *path = arguments_text(arguments, "output", NULL);
	struct sonde_error err;
	int r = check_usage(command, arguments, &err);

	if (is_page && arguments->operand_count)
		path = arguments->operands[0];
	if (r >= 0 && path) {
		r = output_open(output, path);
		if (r < 0)
			sonde_error_set(&err, SONDE_ERROR_TROUBLE, r, "open", path, NULL);
	}
	if (r >= 0 && is_page)
		page_write_empty(output);
	else if (r >= 0)
		r = explain_file(arguments, output, &err);
	return r < 0 ? message_error(&err) : STATUS_DONE;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "Tell what a capture file shows, call by call or in words",
	.usage = "[--stream N] [--html FILE] [--svg FILE] "
		 "[--text|--json|--markdown] [--full] [-o FILE] FILE\n"
		 "--page [FILE]",
	.description =
		"Of a file that sonde trace -w wrote: ladder, tables and findings again, "
		"as trace showed them.  Of any other capture: a paragraph for each "
		"connection, its ladder, and the findings that need no calls.\n"
		"\n"
		"  sonde explain run.pcapng\n"
		"\n"
		"FILE is pcap or pcapng; - is the standard input.",
	.options = options,
	.foreign = explain_foreign_options,
	.foreign_of = EXPLAIN_FOREIGN_OF,
	.run = run,
};
