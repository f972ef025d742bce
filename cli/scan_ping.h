/* sonde scan --udp-ping: numbered datagrams to one port. */
#ifndef CLI_SCAN_PING_H
#define CLI_SCAN_PING_H

#include "option.h"
#include "output.h"

/* Returns the exit status. */
int scan_ping_run(const struct arguments *arguments, struct output *output,
		  int signal_fd);

#endif
