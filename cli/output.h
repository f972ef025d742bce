/* The command's data: standard output or a file; as text or as NDJSON.
 *
 * Write errors stick: after the first one nothing more is written, a command that goes on
 * for long asks output_is_broken() now and then, and main reports it at the end.  A
 * reader that went away (EPIPE) is no error. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/json.h>

enum color_choice { COLOR_AUTO = 0, COLOR_ALWAYS, COLOR_NEVER };

struct output {
	FILE *file;
	const char *name; /* for error texts: "standard output" or a path; borrowed */
	enum color_choice color_choice;
	bool has_json;  /* --json */
	bool has_color; /* escape sequences are wanted */
	bool has_utf8;  /* the locale's; else ASCII only */
	bool is_terminal;
	int verbosity;  /* -v: 1 and more, -q: -1 */
	unsigned width; /* columns: the terminal's in 60..200, else 80 */
	int error;      /* the first errno of a write, EPIPE too; 0 */
	int64_t epoch_ns;
	struct sonde_json json; /* the event that is being written */
};

void output_init(struct output *output, enum color_choice color);
/* Writes to a new file instead; - is standard output, as it was.  0 or a negative errno. */
int output_open(struct output *output, const char *path);
/* Flushes and closes, the first time.  0, or the negative errno of the first write that
 * failed, with *err filled; that a reader went away (EPIPE) is no failure. */
int output_finish(struct output *output, struct sonde_error *err);

void output_print(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void output_bytes(struct output *output, const void *bytes, size_t n);
/* So that a reader sees it now. */
void output_flush(struct output *output);
/* Nothing that is written will arrive: a command that serves on should end. */
bool output_is_broken(const struct output *output);

/* The first line of NDJSON; every time after it is relative to the epoch. */
void output_json_start(struct output *output, int64_t epoch_ns);
/* Begins {"event":NAME; the caller adds fields, then output_event_end() writes the line.
 */
struct sonde_json *output_event_begin(struct output *output, const char *name);
void output_event_end(struct output *output);
/* "KEY": nanoseconds since the epoch of output_json_start(). */
void output_event_time(struct output *output, const char *key, int64_t at_ns);
/* "address":"127.0.0.1","port":50000, into the object that is open. */
void output_event_address(struct output *output, const struct sonde_address *address);
/* "KEY":{the same}; of a Unix socket {"path":TEXT}, and nothing where there is no text. */
void output_event_endpoint(struct output *output, const char *key,
			   const struct sonde_address *address, const char *text);
/* "text": the bytes; where they are no UTF-8, "base64", too. */
void output_event_text(struct output *output, const void *bytes, size_t n);

#endif
