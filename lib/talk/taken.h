/* That an address is in use, and by whom: the same words for listen and connect --bind. */
#ifndef TALK_TAKEN_H
#define TALK_TAKEN_H

#include <sonde/error.h>

#include "io/sock.h"

/* The hint is to end who has it, where that is seen, or `choice`.  Returns -EADDRINUSE. */
int taken_explain(const char *operation, const struct sonde_address *address,
		  enum sock_transport transport, const char *choice,
		  struct sonde_error *err);

#endif
