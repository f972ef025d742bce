/* sonde connect by questions and by a script. */
#ifndef CLI_CONNECT_MODES_H
#define CLI_CONNECT_MODES_H

#include <stdbool.h>

#include <sonde/connect.h>

#include "output.h"

/* --ask: the observer hands it what comes. */
struct ask {
	struct output *output;
	struct sonde_session *session;
	int64_t answer_ns; /* how long to wait for one */
	bool escapes;
	bool lines_end_nowhere;
	int signal_fd;
	/* Of the answer that is coming. */
	bool has_answer, is_line_end, is_told_to_end;
};

void ask_receive(struct ask *ask, const void *bytes, size_t n);
/* Until an empty line, `quit`, or the peer's end.  The exit status. */
int ask_run(struct ask *ask);

/* --script: reads the file (- is standard input). */
int script_load(const char *path, struct sonde_script **ret, struct sonde_error *err);
/* One event of the transcript: "> " what is sent, "< " what comes, "= " a step. */
void script_print(struct output *output, const struct sonde_session_event *event);

#endif
