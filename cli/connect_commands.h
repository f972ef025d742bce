/* What can be told to sonde after ^]. */
#ifndef CLI_CONNECT_COMMANDS_H
#define CLI_CONNECT_COMMANDS_H

#include <stdbool.h>

#include <sonde/connect.h>

struct commands_result {
	bool quits;
	bool is_secret;  /* not for the history */
	char type[1024]; /* to be typed into the next line; "" nothing */
};

/* Runs one line; what it prints goes to standard output.  An empty one does nothing. */
void commands_run(struct sonde_session *session, const struct sonde_target *target,
		  const struct sonde_tls_options *tls, const char *line,
		  struct commands_result *ret);

#endif
