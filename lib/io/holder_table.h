/* The kernel's tables of sockets, as text: /proc/PID/net/tcp and its kin. */
#ifndef IO_HOLDER_TABLE_H
#define IO_HOLDER_TABLE_H

#include <stdio.h>

#include "io/holder.h"

enum {
	HOLDER_LINE_CHARS = 512,
	HOLDER_LINES_A_LOOK = 256, /* at the clock */
};

/* "tcp6", in the network namespace of the viewer; NULL. */
FILE *holder_open_table(pid_t viewer, const char *name);
/* False for a line that is no socket, as the first one. */
bool holder_read_line(const char *line, enum sock_transport transport,
		      struct holder *ret);

#endif
