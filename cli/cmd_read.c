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

/* ---- the list of fields ---- */

static const char *type_words(const struct sonde_field_info *info, char *text,
			      size_t size)
{
	static const char *const words[] = {
		[SONDE_FIELD_PROTOCOL] = "protocol",
		[SONDE_FIELD_BOOL] = "flag",
		[SONDE_FIELD_TIME] = "date and time",
		[SONDE_FIELD_DURATION] = "duration",
		[SONDE_FIELD_IPV4] = "IPv4 address",
		[SONDE_FIELD_IPV6] = "IPv6 address",
		[SONDE_FIELD_ETHERNET] = "Ethernet address",
		[SONDE_FIELD_BYTES] = "bytes",
		[SONDE_FIELD_TEXT] = "text",
		[SONDE_FIELD_NOTE] = "note",
	};

	if (info->type != SONDE_FIELD_UINT && info->type != SONDE_FIELD_INT)
		return words[info->type];
	snprintf(text, size, "%s, %u bits",
		 info->type == SONDE_FIELD_UINT ? "unsigned" : "signed", info->bits);
	return text;
}

static int compare_names(const void *a, const void *b)
{
	uint16_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return strcmp(sonde_field_info(left)->name, sonde_field_info(right)->name);
}

static int list_fields(const struct arguments *arguments, struct output *output)
{
	const char *prefix = arguments->operand_count > 0 ? arguments->operands[0] : "";
	size_t count = sonde_field_count(), listed = 0;
	uint16_t *numbers = calloc(count, sizeof(*numbers));
	struct sonde_error err;
	char text[32];

	if (!numbers) {
		sonde_error_set(&err, SONDE_ERROR_TROUBLE, -ENOMEM, "read", "--fields",
				NULL);
		return message_error(&err);
	}
	for (size_t i = 0; i < count; i++)
		numbers[i] = (uint16_t)i;
	qsort(numbers, count, sizeof(*numbers), compare_names);
	if (output->has_json)
		output_json_start(output, 0);
	for (size_t i = 0; i < count; i++) {
		const struct sonde_field_info *info = sonde_field_info(numbers[i]);
		const char *type = type_words(info, text, sizeof(text));

		/* One that is in two tables is one field to who filters. */
		if (strncmp(info->name, prefix, strlen(prefix)) != 0 ||
		    (i > 0 && compare_names(&numbers[i], &numbers[i - 1]) == 0))
			continue;
		listed++;
		if (!output->has_json) {
			output_print(output, "%-36s %-20s %s\n", info->name, type,
				     info->title);
			continue;
		}
		struct sonde_json *json = output_event_begin(output, "field");
		sonde_json_add_string(json, "name", info->name);
		sonde_json_add_string(json, "type", type);
		sonde_json_add_string(json, "title", info->title);
		output_event_end(output);
	}
	free(numbers);
	if (listed > 0)
		return STATUS_DONE;
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "read --fields", prefix,
			"no field begins with it");
	return message_error(&err);
}

/* ---- what is to be shown ---- */

static int add_column(struct packet_view *view, const char *option, const char *name,
		      size_t n)
{
	struct packet_column *column = &view->columns[view->column_count];
	const char *nearest;
	struct sonde_error err;
	char subject[160];
	int field;

	if (view->column_count == PACKET_COLUMNS)
		return message_usage("read", "more than %d columns", PACKET_COLUMNS);
	for (uint8_t i = 0; packet_column_words[i] && option[2] == 'c'; i++) {
		if (strlen(packet_column_words[i]) == n &&
		    memcmp(packet_column_words[i], name, n) == 0) {
			column->kind = i;
			view->column_count++;
			return STATUS_DONE;
		}
	}
	field = sonde_field_find(name, n);
	if (field >= 0) {
		column->kind = PACKET_COLUMN_FIELD;
		column->field = (uint16_t)field;
		view->has_chosen = true;
		view->column_count++;
		return STATUS_DONE;
	}
	snprintf(subject, sizeof(subject), "%s %.*s", option, (int)n, name);
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "read", subject, "no such %s",
			option[2] == 'c' ? "column or field" : "field");
	nearest = sonde_field_nearest(name, n);
	if (nearest)
		sonde_error_hint(&err, "did you mean %s?", nearest);
	else
		sonde_error_hint(&err, "sonde read --fields lists them");
	return message_error(&err);
}

static int choose_columns(struct packet_view *view, const struct arguments *arguments)
{
	const char *names = arguments_text(arguments, "columns", NULL);
	const char *field;
	int status = STATUS_DONE;

	for (size_t i = 0; (field = arguments_nth(arguments, "field", i)); i++) {
		status = add_column(view, "--field", field, strlen(field));
		if (status != STATUS_DONE)
			return status;
	}
	while (names && status == STATUS_DONE) {
		size_t n = strcspn(names, ",");
		status = add_column(view, "--columns", names, n);
		names = names[n] ? names + n + 1 : NULL;
	}
	for (uint8_t i = 0; view->column_count == 0 && i < PACKET_COLUMN_FIELD; i++)
		view->columns[i].kind = i;
	return status;
}

/* One main view; --hex goes with the list, the tree or alone with JSON. */
static int check_views(const struct arguments *arguments)
{
	static const char *const views[] = {"tree", "field", "stats", "write", "columns"};
	static const char *const lines[] = {"stats", "write", "field"};
	struct sonde_error err;

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		for (size_t k = i + 1; k < sizeof(views) / sizeof(views[0]); k++) {
			if (arguments_refuse_both(arguments, "read", views[i], views[k],
						  &err) < 0)
				return message_error(&err);
		}
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (arguments_refuse_both(arguments, "read", lines[i], "hex", &err) < 0)
			return message_error(&err);
	}
	if (arguments_refuse_both(arguments, "read", "write", "time", &err) < 0 ||
	    arguments_refuse_both(arguments, "read", "stats", "time", &err) < 0)
		return message_error(&err);
	return STATUS_DONE;
}

static int choose_view(struct packet_view *view, const struct arguments *arguments,
		       struct output *output)
{
	bool is_counted = arguments_has(arguments, "stats");
	int status = check_views(arguments);

	if (status != STATUS_DONE)
		return status;
	lines_init(&view->lines, output);
	packet_time_init(&view->time,
			 (enum packet_time_format)arguments_number(arguments, "time", 0));
	view->has_tree = arguments_has(arguments, "tree");
	view->has_fields = arguments_has(arguments, "field");
	view->has_bytes = arguments_has(arguments, "hex");
	view->has_list = !view->has_tree && !view->has_fields && !is_counted &&
			 !arguments_has(arguments, "write") &&
			 (!view->has_bytes || arguments_has(arguments, "columns"));
	status = choose_columns(view, arguments);
	if (status == STATUS_DONE && view->column_count == 0)
		view->column_count = PACKET_COLUMN_FIELD;
	return status;
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
	if (r < 0)
		return fail_memory();
	if (r > 0)
		status = take(reading, frame, &dissection);
	packet_time_pass(&reading->view->time, frame, r > 0);
	return status;
}

static int read_frames(struct reading *reading)
{
	struct sonde_frame frame;
	struct sonde_error err;
	int status = STATUS_DONE, r = 1;

	while (status == STATUS_DONE && !is_stopped &&
	       !output_is_broken(reading->output) &&
	       (r = sonde_capture_reader_next(reading->reader, &frame, &err)) > 0) {
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
		return list_fields(arguments, output);
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
	status = choose_view(reading.view, arguments, output);
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
