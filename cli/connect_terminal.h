/* sonde connect at a terminal: lines are edited, what comes is shown between them, and
 * after ^] sonde itself is told what to do. */
#ifndef CLI_CONNECT_TERMINAL_H
#define CLI_CONNECT_TERMINAL_H

#include <stdbool.h>

#include <sonde/connect.h>

#include "output.h"

struct terminal;

struct terminal_options {
	struct output *output;
	struct sonde_session *session;
	struct sonde_target *target; /* the command line's: what `open` inherits */
	const struct sonde_tls_options *tls;
	int signal_fd;
	bool lines_end_nowhere; /* --no-newline */
	/* --telnet: where the server has the keys it has the screen, too; a server that
	 * began to negotiate unasked has what it sends escaped. */
	bool passes_all;
};

/* NULL without memory, or where the terminal is none that can be used so. */
struct terminal *terminal_new(const struct terminal_options *options);
void terminal_free(struct terminal *terminal);
/* For the observer: what was received, and a line of words.  The line that is being typed
 * stays whole. */
void terminal_receive(struct terminal *terminal, const void *bytes, size_t n);
void terminal_say(struct terminal *terminal, const char *words);
/* Until quit, or the peer's end where a peer was named.  The exit status. */
int terminal_run(struct terminal *terminal);

#endif
