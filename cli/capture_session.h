/* A capture that goes on: what it takes from, where to, until when. */
#ifndef CLI_CAPTURE_SESSION_H
#define CLI_CAPTURE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/capture.h>
#include <sonde/error.h>

#include "capture_out.h"
#include "capture_programs.h"
#include "capture_view.h"
#include "output.h"

enum {
	CAPTURE_INTERFACES_MOST = 64,
	CAPTURE_FILTER_CHARS = 1 << 16,
};

struct capture_session {
	struct output *output;
	struct capture_out out;
	struct capture_view *view; /* NULL: no list */
	struct sonde_capture *capture;
	struct capture_programs programs;
	char filter[CAPTURE_FILTER_CHARS];
	const char *interfaces[CAPTURE_INTERFACES_MOST];
	size_t interface_count;
	uint64_t ring_bytes;
	int signal_fd;
	int64_t end_at_ns, settled_at_ns; /* CLOCK_MONOTONIC; 0 never */
	uint64_t packets, packets_most;   /* 0 no limit */
	bool shows_count;                 /* on a terminal */
	int64_t counted_at_ns;
	uint32_t rest_ns; /* 0: it never rests */
};

/* Takes packets until it is told to end, or there is enough.  0 or a negative errno. */
int capture_session_run(struct capture_session *session, struct sonde_error *err);

#endif
