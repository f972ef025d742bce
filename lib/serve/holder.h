/* Who holds a port that we wanted: for the error that says so. */
#ifndef SERVE_HOLDER_H
#define SERVE_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include <sonde/address.h>

#include "io/sock.h"

struct holder {
	pid_t pid;
	char name[32];
	bool stopped; /* by a signal, as Ctrl-Z does it */
	bool talks;   /* no server: it is one end of a connection */
};

/* 0; -ENOENT where it cannot be seen (another user's, or bound and no more). */
int holder_find(const struct sonde_address *wanted, enum sock_transport transport,
		struct holder *ret);

#endif
