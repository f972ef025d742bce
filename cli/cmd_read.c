/* sonde read: the packets of a capture file, as a list, in full, in chosen fields, in
 * numbers, or into another file.
 *
 * Frames go one by one through dissector, filter and view, in the order of the file, so
 * that a file of any size and a pipe need the same memory. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/capture_file.h>
#include <sonde/text.h>

#include "cmd.h"
#include "filter_open.h"
#include "message.h"
#include "packet_foreign.h"
#include "read_fields.h"
#include "read_view.h"
#include "render_packet.h"
#include "render_packet_stats.h"

static const struct option options[] = {
	{.name = "filter",
	 .letter = 'Y',
	 .type = OPTION_TEXT,
	 .argument = "FILTER",
	 .help = "only packets that this display filter lets through, as in: "
		 "tcp.stream eq 0 && tcp.len > 0; see sonde-filter(7)"},
	{.name = "count",
	 .letter = 'c',
	 .type = OPTION_INT,
	 .argument = "N",
	 .help = "stop after N packets that were let through",
	 .least = 1,
	 .most = UINT32_MAX},
	{.name = "time",
	 .letter = 't',
	 .type = OPTION_CHOICE,
	 .argument = "FORMAT",
	 .help = "time since the first packet (r, without it), the packet before (d), "
		 "the one shown before (dd); local time (a), with the date (ad); UTC "
		 "(u, ud); seconds since 1970 (e)",
	 .choices = packet_time_words},
	{.name = "columns",
	 .type = OPTION_TEXT,
	 .argument = "NAME,...",
	 .help = "show these columns: number, time, source, destination, protocol, "
		 "length, info, or any field"},
	{.name = "field",
	 .letter = 'e',
	 .type = OPTION_TEXT,
	 .argument = "FIELD",
	 .help = "show this field alone; given more than once: with tabs between them, "
		 "several values of one field with commas",
	 .repeats = true},
	{.name = "tree", .letter = 'V', .help = "show each packet in full"},
	{.name = "hex", .letter = 'x', .help = "show each packet's bytes, too"},
	{.name = "stats",
	 .type = OPTION_CHOICE,
	 .argument = "KIND",
	 .help = "instead of packets, show their conversations (conv), endpoints, "
		 "protocol hierarchy, or streams (throughput, round-trip time, "
		 "retransmissions); may be given more than once",
	 .repeats = true,
	 .choices = packet_stats_words},
	{.name = "write",
	 .letter = 'w',
	 .type = OPTION_FILE,
	 .argument = "FILE",
	 .help = "write the packets to FILE (- is standard output) as pcapng, with their "
		 "comments and calls, instead of showing them"},
	{.name = "decode-as",
	 .letter = 'd',
	 .type = OPTION_TEXT,
	 .argument = "RULE",
	 .help = "take what a port carries for a protocol, as in: tcp.port==5001,calc",
	 .repeats = true},
	{.name = "show-secrets", .help = "show passwords as they were sent, not masked"},
	{.name = "fields",
	 .help = "list all fields; with PROTOCOL, those that begin with it"},
	{.name = NULL},
};

static volatile sig_atomic_t is_stopped;

static void stop(int signal)
{
	(void)signal;
	is_stopped = 1;
}

/* A second one ends it at once. */
static void watch_signals(void)
{
	struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* ---- reading ---- */

struct reading {
	const struct arguments *arguments;
	struct output *output;
	const char *path;
	struct packet_view *view; /* owned: it is large */
	struct packet_stats *stats;
	struct sonde_capture_reader *reader;
	struct sonde_capture_writer *writer;
	struct sonde_dissector *dissector;
	struct sonde_filter *filter;
	uint64_t frames, passed, limit;
	bool is_live; /* lines are wanted as soon as they are there */
};

static int fail_memory(void)
{
	struct sonde_error err;

	sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "read", "", NULL);
	return message_error(&err);
}

static int prepare_dissector(struct reading *reading)
{
	const struct packet_view *view = reading->view;
	struct sonde_dissector *dissector;
	struct sonde_error err;
	const char *rule;
	uint32_t stream;
	bool is_tcp;
	int r = sonde_dissector_new(&reading->dissector);

	if (r < 0)
		return fail_memory();
	dissector = reading->dissector;
	for (size_t i = 0; (rule = arguments_nth(reading->arguments, "decode-as", i));
	     i++) {
		r = sonde_dissector_decode_as(dissector, rule, &err);
		if (r < 0)
			return message_error(&err);
	}
	if (arguments_has(reading->arguments, "show-secrets"))
		sonde_dissector_show_secrets(dissector);
	if (view->has_list || (reading->output->has_json && !reading->stats))
		sonde_dissector_want_columns(dissector);
	if (reading->output->has_color || reading->output->has_json)
		sonde_dissector_want_headers(dissector);
	if (view->has_tree)
		sonde_dissector_want_all(dissector);
	for (size_t i = 0; r == 0 && i < view->column_count; i++) {
		if (view->columns[i].kind == PACKET_COLUMN_FIELD)
			r = sonde_dissector_want(dissector, view->columns[i].field);
	}
	if (r == 0 && reading->filter)
		r = sonde_filter_want(reading->filter, dissector);
	if (reading->filter && sonde_filter_stream(reading->filter, &is_tcp, &stream))
		sonde_dissector_only_stream(dissector, is_tcp, stream);
	if (r == 0 && reading->stats)
		r = packet_stats_want(reading->stats, dissector);
	return r < 0 ? fail_memory() : STATUS_DONE;
}

/* Writing into the file that is being read would eat it. */
static int refuse_same_file(const struct reading *reading, const char *path)
{
	struct stat from, to;
	struct sonde_error err;
	int r = strcmp(reading->path, "-") == 0 ? fstat(STDIN_FILENO, &from)
						: stat(reading->path, &from);

	if (r < 0 || stat(path, &to) < 0 || !S_ISREG(to.st_mode) ||
	    from.st_dev != to.st_dev || from.st_ino != to.st_ino)
		return STATUS_DONE;
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "read --write", path,
			"it is the file that is read");
	sonde_error_hint(&err, "write to another file and move it afterwards");
	return message_error(&err);
}

static int open_writer(struct reading *reading)
{
	const char *path = arguments_text(reading->arguments, "write", NULL);
	struct sonde_error err;
	int status;

	if (!path)
		return STATUS_DONE;
	if (strcmp(path, "-") == 0 && isatty(STDOUT_FILENO) == 1)
		return message_usage("read", "a capture is no text for a terminal: "
					     "--write - wants a pipe or a file");
	if (strcmp(path, "-") == 0 && reading->output->has_json)
		return message_usage("read", "--json and --write - both want standard "
					     "output");
	status = refuse_same_file(reading, path);
	if (status != STATUS_DONE)
		return status;
	if (sonde_capture_writer_open(path, &reading->writer, &err) < 0)
		return message_error(&err);
	return STATUS_DONE;
}

static int start(struct reading *reading)
{
	struct sonde_error err;
	struct stat info;
	int status = filter_open(arguments_text(reading->arguments, "filter", NULL),
				 &reading->filter);

	if (status != STATUS_DONE)
		return status;
	status = prepare_dissector(reading);
	if (status != STATUS_DONE)
		return status;
	if (sonde_capture_reader_open(reading->path, &reading->reader, &err) < 0)
		return message_error(&err);
	reading->is_live = isatty(STDOUT_FILENO) == 1 ||
			   (strcmp(reading->path, "-") == 0 &&
			    fstat(STDIN_FILENO, &info) == 0 && !S_ISREG(info.st_mode));
	return open_writer(reading);
}

static int take(struct reading *reading, const struct sonde_frame *frame,
		const struct sonde_dissection *dissection)
{
	struct sonde_error err;
	int r;

	reading->passed++;
	if (reading->writer) {
		r = sonde_capture_writer_add(reading->writer, frame, &err);
		return r < 0 ? message_error(&err) : STATUS_DONE;
	}
	if (reading->stats) {
		r = packet_stats_add(reading->stats, frame, dissection);
		return r < 0 ? fail_memory() : STATUS_DONE;
	}
	render_packet(reading->view, frame, dissection);
	if (reading->is_live) {
		lines_write(&reading->view->lines);
		output_flush(reading->output);
	}
	return STATUS_DONE;
}

/* The first frame's time is what JSON counts from. */
static void begin_json(struct reading *reading, const struct sonde_frame *frame)
{
	if (reading->output->has_json && reading->frames == 0)
		output_json_start(reading->output,
				  frame && frame->at_ns != INT64_MIN ? frame->at_ns : 0);
}

/* Whether it passes is not known: nor would be what the list means. */
static int fail_filter(struct reading *reading, uint32_t frame)
{
	lines_write(&reading->view->lines);
	output_flush(reading->output);
	return filter_complain(reading->filter,
			       arguments_text(reading->arguments, "filter", ""), frame);
}

static int pass_frame(struct reading *reading, const struct sonde_frame *frame)
{
	struct sonde_dissection dissection;
	int status = STATUS_DONE, r = 1;

	begin_json(reading, frame);
	reading->frames++;
	packet_time_see(&reading->view->time, frame);
	if (sonde_dissect(reading->dissector, frame, &dissection) < 0)
		return fail_memory();
	if (dissection.is_passed_over)
		r = 0;
	else if (reading->filter)
		r = sonde_filter_match(reading->filter, &dissection);
	if (r == -ELOOP)
		return fail_filter(reading, frame->number);
	if (r < 0)
		return fail_memory();
	if (r > 0)
		status = take(reading, frame, &dissection);
	packet_time_pass(&reading->view->time, frame, r > 0);
	return status;
}

/* As sonde_capture_reader_next(); a signal to stop is an end. */
static int next_frame(struct reading *reading, struct sonde_frame *ret,
		      struct sonde_error *err)
{
	int r;

	do
		r = sonde_capture_reader_next(reading->reader, ret, err);
	while (r == -EINTR && !is_stopped);
	return r == -EINTR ? 0 : r;
}

static int read_frames(struct reading *reading)
{
	struct sonde_frame frame;
	struct sonde_error err;
	int status = STATUS_DONE, r = 1;

	while (status == STATUS_DONE && !is_stopped &&
	       !output_is_broken(reading->output) &&
	       (r = next_frame(reading, &frame, &err)) > 0) {
		status = pass_frame(reading, &frame);
		if (reading->limit && reading->passed == reading->limit)
			break;
	}
	begin_json(reading, NULL);
	if (status == STATUS_DONE && r < 0) {
		lines_write(&reading->view->lines);
		output_flush(reading->output);
		status = message_error(&err);
	}
	return status;
}

/* What the file could not give. */
static void tell_facts(const struct reading *reading)
{
	struct sonde_capture_facts facts;

	sonde_capture_reader_facts(reading->reader, &facts);
	if (facts.is_cut)
		message_say("read %s: the file ends within a packet, at byte %llu; all "
			    "whole ones before it were read",
			    reading->path, (unsigned long long)facts.cut_at);
	if (facts.has_dropped && facts.dropped > 0)
		message_note(reading->output,
			     "read %s: when it was captured, %llu packets were dropped "
			     "by the kernel",
			     reading->path, (unsigned long long)facts.dropped);
	if (facts.passed_over > 0)
		message_detail(reading->output,
			       "read %s: %llu blocks of other kinds were passed over",
			       reading->path, (unsigned long long)facts.passed_over);
}

static int finish(struct reading *reading, int status)
{
	struct sonde_error err;

	if (reading->writer && sonde_capture_writer_close(reading->writer, &err) < 0)
		status = message_error(&err);
	reading->writer = NULL;
	if (!reading->reader || status == STATUS_USAGE)
		return status;
	lines_write(&reading->view->lines);
	if (reading->stats && packet_stats_print(reading->stats, reading->output) < 0)
		status = fail_memory();
	if (reading->output->has_json) {
		struct sonde_json *json = output_event_begin(reading->output, "summary");
		sonde_json_add_int(json, "frames", (int64_t)reading->frames);
		sonde_json_add_int(json, "passed", (int64_t)reading->passed);
		output_event_end(reading->output);
	}
	output_flush(reading->output);
	tell_facts(reading);
	return status;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct reading reading = {.arguments = arguments, .output = output};
	int status;

	if (arguments_has(arguments, "fields")) {
		if (arguments->operand_count > 1 ||
		    arguments->value_count > 1u + output->has_json)
			return message_usage(
				command->name,
				"--fields takes a protocol and nothing else");
		return read_fields_list(arguments, output);
	}
	if (arguments->operand_count == 0)
		return message_usage(command->name, "name a capture file, or - for "
						    "standard input");
	if (arguments->operand_count > 1)
		return message_usage(command->name,
				     "one file at a time; a filter goes behind -Y");
	reading.path = arguments->operands[0];
	reading.limit = (uint64_t)arguments_number(arguments, "count", 0);
	reading.view = calloc(1, sizeof(*reading.view));
	if (!reading.view)
		return fail_memory();
	status = read_view_choose(reading.view, arguments, output);
	if (status == STATUS_DONE)
		status = packet_stats_open(arguments, &reading.stats);
	if (status == STATUS_DONE)
		status = start(&reading);
	if (status == STATUS_DONE) {
		watch_signals();
		status = read_frames(&reading);
	}
	status = finish(&reading, status);
	sonde_capture_reader_close(reading.reader);
	packet_stats_close(reading.stats);
	sonde_dissector_free(reading.dissector);
	sonde_filter_free(reading.filter);
	free(reading.view);
	return status;
}

const struct command command_read = {
	.name = "read",
	.summary = "Show the packets of a capture file",
	.usage = "[-Y FILTER] [OPTION]... FILE\n--fields [PROTOCOL]",
	.description =
		"FILE is pcap or pcapng; - is standard input. Without other options "
		"packets are listed as in Wireshark, with calls between them where sonde "
		"trace wrote the file. A file that was cut off is read up to its last "
		"whole packet, which is said.",
	.options = options,
	.foreign = read_foreign_options,
	.foreign_of = PACKET_FOREIGN_OF,
	.run = run,
};
