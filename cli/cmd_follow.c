/* sonde follow: what the two ends of one conversation said to each other.
 *
 * Text and hex are laid out as tshark's -z follow does it; raw is the bytes themselves. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/capture_file.h>
#include <sonde/follow.h>
#include <sonde/text.h>

#include "cmd.h"
#include "lines.h"
#include "message.h"
#include "packet_foreign.h"

enum form { FORM_TEXT = 0, FORM_HEX, FORM_RAW };
enum chosen { CHOSEN_BOTH = 0, CHOSEN_A, CHOSEN_B };

enum { ROW_BYTES = 16, HALF_BYTES = 8, OFFSET_DIGITS = 8 };

static const char *const forms[] = {"text", "hex", "raw", NULL};
static const char *const choices[] = {"both", "a", "b", NULL};

static const struct option options[] = {
	{.name = "as",
	 .type = OPTION_CHOICE,
	 .argument = "FORM",
	 .help = "text (without it), hex, or raw: the bytes themselves, for a file or a "
		 "pipe",
	 .choices = forms},
	{.name = "from",
	 .type = OPTION_CHOICE,
	 .argument = "END",
	 .help = "what this end said, and not both: a, which sent the first packet, or b",
	 .choices = choices},
	{.name = "udp", .help = "STREAM is a number of udp.stream, not of tcp.stream"},
	{.name = NULL},
};

struct following {
	struct output *output;
	const char *path;
	bool is_udp;
	uint32_t stream;
	enum form form;
	enum chosen chosen;
	struct sonde_capture_reader *reader;
	struct sonde_dissector *dissector;
	struct sonde_follow *follow;
	struct lines *lines; /* owned: it is large */
	bool is_titled;      /* the ends were said */
	bool is_within_line, is_b;
	uint64_t bytes[2], missing[2];
};

static volatile sig_atomic_t is_stopped;

static void stop(int signal)
{
	(void)signal;
	is_stopped = 1;
}

static int fail(int error)
{
	struct sonde_error err;

	sonde_error_set(&err, SONDE_ERROR_TROUBLE, error, "follow", "", NULL);
	return message_error(&err);
}

/* ---- the title ---- */

static void add_end(struct output *output, const char *key,
		    const struct sonde_address *address)
{
	sonde_json_key(&output->json, key);
	sonde_json_object_begin(&output->json);
	output_event_address(output, address);
	sonde_json_object_end(&output->json);
}

static void format_filter(const struct following *following, char *text, size_t size)
{
	snprintf(text, size, "%s.stream eq %lu", following->is_udp ? "udp" : "tcp",
		 (unsigned long)following->stream);
}

/* Who talks, and the filter that shows the packets. */
static void tell_title(struct following *following)
{
	char a[SONDE_ADDRESS_CHARS], b[SONDE_ADDRESS_CHARS], filter[40];
	struct sonde_address ends[2];
	struct output *output = following->output;

	if (following->is_titled ||
	    !sonde_follow_ends(following->follow, &ends[0], &ends[1]))
		return;
	following->is_titled = true;
	format_filter(following, filter, sizeof(filter));
	if (output->has_json) {
		struct sonde_json *json = output_event_begin(output, "follow");
		sonde_json_add_string(json, "proto", following->is_udp ? "udp" : "tcp");
		sonde_json_add_int(json, "stream", following->stream);
		sonde_json_add_string(json, "filter", filter);
		add_end(output, "a", &ends[0]);
		add_end(output, "b", &ends[1]);
		output_event_end(output);
		return;
	}
	sonde_address_format(&ends[0], a);
	sonde_address_format(&ends[1], b);
	if (following->form == FORM_RAW) {
		message_note(output, "%s: %s (a) and %s (b)", filter, a, b);
		return;
	}
	lines_text(following->lines, filter);
	lines_text(following->lines, "\na: ");
	lines_text(following->lines, a);
	lines_text(following->lines, "\nb: ");
	lines_text(following->lines, b);
	lines_text(following->lines, "\n\n");
}

/* ---- pieces ---- */

static void put_ink(struct following *following, bool is_b)
{
	if (following->output->has_color)
		lines_text(following->lines, is_b ? "\033[33m" : "\033[36m");
}

static void put_plain(struct following *following)
{
	if (following->output->has_color)
		lines_text(following->lines, "\033[0m");
}

static void end_line(struct following *following)
{
	if (!following->is_within_line)
		return;
	put_plain(following);
	lines_char(following->lines, '\n');
	following->is_within_line = false;
}

static void begin_line(struct following *following, bool is_b)
{
	if (following->is_within_line)
		return;
	put_ink(following, is_b);
	lines_text(following->lines, is_b ? "< " : "> ");
	following->is_within_line = true;
	following->is_b = is_b;
}

/* A line of the text without its end; CR LF is one. */
static void add_line(struct following *following, bool is_b, const uint8_t *bytes,
		     size_t n, bool has_end)
{
	if (has_end && n > 0 && bytes[n - 1] == '\r')
		n--;
	begin_line(following, is_b);
	for (size_t i = 0; i < n;) {
		size_t part = 0;
		while (i + part < n && bytes[i + part] != '\t')
			part++;
		lines_escaped(following->lines, bytes + i, part);
		i += part;
		if (i < n) {
			lines_char(following->lines, '\t');
			i++;
		}
	}
	if (has_end)
		end_line(following);
}

static void add_text(struct following *following, const struct sonde_follow_piece *piece)
{
	const uint8_t *bytes = piece->bytes;
	size_t left = piece->size;

	if (following->is_within_line && following->is_b != piece->is_b)
		end_line(following);
	while (left > 0) {
		const uint8_t *end = memchr(bytes, '\n', left);
		size_t n = end ? (size_t)(end - bytes) : left;

		add_line(following, piece->is_b, bytes, n, end != NULL);
		n += end != NULL;
		bytes += n;
		left -= n;
	}
	/* A datagram ends where it ends. */
	if (following->is_udp)
		end_line(following);
}

static void add_row(struct lines *lines, const uint8_t *bytes, size_t n, uint64_t offset)
{
	char text[OFFSET_DIGITS + 9];
	int length = snprintf(text, sizeof(text), "%0*" PRIX64, OFFSET_DIGITS, offset);

	lines_add(lines, text, (size_t)length);
	lines_char(lines, ' ');
	for (size_t i = 0; i < ROW_BYTES; i++) {
		lines_spaces(lines, i == HALF_BYTES ? 2 : 1);
		if (i < n)
			lines_hex(lines, bytes[i], 2);
		else
			lines_spaces(lines, 2);
	}
	lines_spaces(lines, 2);
	for (size_t i = 0; i < n; i++) {
		if (i == HALF_BYTES)
			lines_char(lines, ' ');
		lines_char(lines,
			   bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '.');
	}
}

static void add_hex(struct following *following, const struct sonde_follow_piece *piece)
{
	uint64_t offset = following->bytes[piece->is_b];

	for (size_t at = 0; at < piece->size; at += ROW_BYTES) {
		size_t n = piece->size - at < ROW_BYTES ? piece->size - at : ROW_BYTES;

		put_ink(following, piece->is_b);
		if (piece->is_b)
			lines_char(following->lines, '\t');
		add_row(following->lines, piece->bytes + at, n, offset + at);
		put_plain(following);
		lines_char(following->lines, '\n');
	}
}

static void add_gap(struct following *following, const struct sonde_follow_piece *piece)
{
	end_line(following);
	put_ink(following, piece->is_b);
	lines_text(following->lines, piece->is_b ? "< [" : "> [");
	lines_number(following->lines, piece->missing);
	lines_text(following->lines, " bytes missing in the capture]");
	put_plain(following);
	lines_char(following->lines, '\n');
}

static void add_json(struct following *following, const struct sonde_follow_piece *piece)
{
	struct output *output = following->output;
	struct sonde_json *json =
		output_event_begin(output, piece->missing ? "gap" : "data");

	sonde_json_add_string(json, "from", piece->is_b ? "b" : "a");
	sonde_json_add_int(json, "frame", piece->frame);
	if (piece->at_ns != INT64_MIN)
		output_event_time(output, "at_ns", piece->at_ns);
	if (piece->missing) {
		sonde_json_add_int(json, "bytes", (int64_t)piece->missing);
	} else {
		sonde_json_add_int(json, "bytes", (int64_t)piece->size);
		output_event_text(output, piece->bytes, piece->size);
	}
	output_event_end(output);
}

static int take(void *context, const struct sonde_follow_piece *piece)
{
	struct following *following = context;

	tell_title(following);
	if (following->chosen == (piece->is_b ? CHOSEN_A : CHOSEN_B))
		return 0;
	if (following->output->has_json)
		add_json(following, piece);
	else if (piece->missing && following->form == FORM_RAW)
		message_say("follow %s: %llu bytes of %s are missing in the capture, "
			    "before frame %lu",
			    following->path, (unsigned long long)piece->missing,
			    piece->is_b ? "b" : "a", (unsigned long)piece->frame);
	else if (piece->missing)
		add_gap(following, piece);
	else if (following->form == FORM_RAW)
		lines_add(following->lines, (const char *)piece->bytes, piece->size);
	else if (following->form == FORM_HEX)
		add_hex(following, piece);
	else
		add_text(following, piece);
	following->bytes[piece->is_b] += piece->size;
	following->missing[piece->is_b] += piece->missing;
	return 0;
}

/* ---- the whole ---- */

static int tell_no_stream(const struct following *following)
{
	uint32_t count = sonde_follow_streams(following->follow);
	struct sonde_error err;
	char filter[40];

	format_filter(following, filter, sizeof(filter));
	sonde_error_set(&err, SONDE_ERROR_USAGE, -ENOENT, "follow", filter,
			"%s has no such stream", following->path);
	if (count > 0)
		sonde_error_hint(&err, "its %s streams are 0 to %lu",
				 following->is_udp ? "UDP" : "TCP",
				 (unsigned long)count - 1);
	else
		sonde_error_hint(&err,
				 "it has no %s at all; sonde read --stats streams "
				 "FILE lists what it has",
				 following->is_udp ? "UDP" : "TCP");
	return message_error(&err);
}

static int finish(struct following *following)
{
	struct output *output = following->output;
	struct sonde_capture_facts facts;
	int r = sonde_follow_end(following->follow);

	if (r < 0)
		return fail(r);
	tell_title(following);
	if (!following->is_titled)
		return tell_no_stream(following);
	end_line(following);
	if (output->has_json) {
		struct sonde_json *json = output_event_begin(output, "summary");
		sonde_json_add_int(json, "bytes_a", (int64_t)following->bytes[0]);
		sonde_json_add_int(json, "bytes_b", (int64_t)following->bytes[1]);
		sonde_json_add_int(json, "missing_a", (int64_t)following->missing[0]);
		sonde_json_add_int(json, "missing_b", (int64_t)following->missing[1]);
		output_event_end(output);
	} else {
		lines_write(following->lines);
	}
	output_flush(output);
	sonde_capture_reader_facts(following->reader, &facts);
	if (facts.is_cut)
		message_say("follow %s: the file ends within a packet, at byte %llu",
			    following->path, (unsigned long long)facts.cut_at);
	return STATUS_DONE;
}

static int follow_frames(struct following *following)
{
	struct sonde_dissection dissection;
	struct sonde_frame frame;
	struct sonde_error err;
	bool is_first = true;
	int r = 0, read;

	while (r == 0 && !is_stopped && !output_is_broken(following->output)) {
		read = sonde_capture_reader_next(following->reader, &frame, &err);
		if (read == -EINTR)
			continue;
		if (is_first && following->output->has_json)
			output_json_start(
				following->output,
				read > 0 && frame.at_ns != INT64_MIN ? frame.at_ns : 0);
		is_first = false;
		if (read == 0)
			return finish(following);
		if (read < 0) {
			finish(following);
			return message_error(&err);
		}
		r = sonde_dissect(following->dissector, &frame, &dissection);
		if (r == 0)
			r = sonde_follow_add(following->follow, &frame, &dissection);
	}
	return r < 0 ? fail(r) : finish(following);
}

static int start(struct following *following)
{
	struct sonde_error err;
	int r;

	if (sonde_capture_reader_open(following->path, &following->reader, &err) < 0)
		return message_error(&err);
	r = sonde_dissector_new(&following->dissector);
	if (r == 0)
		r = sonde_follow_new(!following->is_udp, following->stream, take,
				     following, &following->follow);
	if (r == 0)
		r = sonde_follow_want(following->follow, following->dissector);
	following->lines = malloc(sizeof(*following->lines));
	if (r < 0 || !following->lines)
		return fail(-ENOMEM);
	lines_init(following->lines, following->output);
	return STATUS_DONE;
}

static int parse(struct following *following, const struct arguments *arguments)
{
	long long number;

	if (arguments->operand_count < 2)
		return message_usage("follow",
				     "name a capture file and the number of a stream; "
				     "sonde read --stats streams FILE lists them");
	if (arguments->operand_count > 2)
		return message_usage("follow", "one stream of one file at a time");
	if (sonde_text_parse_int(arguments->operands[1], 0, UINT32_MAX, &number) < 0)
		return message_usage("follow",
				     "%s: a stream is a number, as in "
				     "tcp.stream eq 0",
				     arguments->operands[1]);
	following->path = arguments->operands[0];
	following->stream = (uint32_t)number;
	following->is_udp = arguments_has(arguments, "udp");
	following->form = (enum form)arguments_number(arguments, "as", FORM_TEXT);
	following->chosen = (enum chosen)arguments_number(arguments, "from", CHOSEN_BOTH);
	if (following->output->has_json && arguments_has(arguments, "as"))
		return message_usage("follow", "--json has text and bytes: --as has no "
					       "meaning beside it");
	if (following->form == FORM_RAW && isatty(STDOUT_FILENO) == 1)
		return message_usage("follow", "--as raw is for a file or a pipe, not "
					       "for a terminal");
	return STATUS_DONE;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
	struct following following = {.output = output};
	int status = parse(&following, arguments);

	(void)command;
	if (status == STATUS_DONE)
		status = start(&following);
	if (status == STATUS_DONE) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		status = follow_frames(&following);
	}
	sonde_follow_free(following.follow);
	sonde_dissector_free(following.dissector);
	sonde_capture_reader_close(following.reader);
	free(following.lines);
	return status;
}

const struct command command_follow = {
	.name = "follow",
	.summary = "Show what the two ends of a stream said",
	.usage = "[--udp] [--as FORM] [--from END] FILE STREAM",
	.description =
		"STREAM is the number that tcp.stream (or, with --udp, udp.stream) "
		"has in the capture FILE; - is standard input. Bytes that were sent "
		"more than once are shown once, gaps are marked.",
	.options = options,
	.foreign = follow_foreign_options,
	.foreign_of = PACKET_FOREIGN_OF,
	.run = run,
};
