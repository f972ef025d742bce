/* Where a capture's packets go: a file, one file after the other, a pipe. */
#ifndef CLI_CAPTURE_OUT_H
#define CLI_CAPTURE_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/capture.h>
#include <sonde/capture_file.h>
#include <sonde/error.h>

struct capture_keeper;

enum { CAPTURE_OUT_COUNTED = 64 }; /* interfaces that have counts in a file */

struct capture_out {
	const char *path;   /* NULL: none; "-" standard output */
	const char *filter; /* noted in the file */
	uint64_t rotate_bytes;
	int64_t rotate_ns;
	unsigned rotate_keep;
	/* --- */
	struct capture_keeper *keeper;
	struct sonde_capture_writer *writer;
	size_t described;     /* interfaces that the file has */
	int64_t started_ns;   /* of this file; CLOCK_REALTIME */
	int64_t rotate_at_ns; /* CLOCK_MONOTONIC; 0 never */
	unsigned long files;
	/* By interface, when this file began. */
	uint64_t dropped_of[CAPTURE_OUT_COUNTED], packets_before[CAPTURE_OUT_COUNTED];
};

/* Opens the (first) file, and what the next ones need.  0 or a negative errno. */
/* Starts who opens the files of a rotation: before there is a capture. */
int capture_out_prepare(struct capture_out *out, struct sonde_error *err);
int capture_out_open(struct capture_out *out, struct sonde_error *err);
/* From here on frames are of this capture. */
int capture_out_begin(struct capture_out *out, struct sonde_capture *capture,
		      struct sonde_error *err);
int capture_out_add(struct capture_out *out, struct sonde_capture *capture,
		    const struct sonde_frame *frame, struct sonde_error *err);
/* Writes what was gathered, and goes on to the next file where it is time. */
int capture_out_flush(struct capture_out *out, struct sonde_capture *capture,
		      int64_t monotonic_ns, struct sonde_error *err);
/* Writes the counts and closes; capture may be NULL: nothing has begun. */
int capture_out_close(struct capture_out *out, struct sonde_capture *capture,
		      struct sonde_error *err);

#endif
