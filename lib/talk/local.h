/* The address of our side: as the user wants it, and why it cannot be had. */
#ifndef TALK_LOCAL_H
#define TALK_LOCAL_H

#include <stdbool.h>

#include <sonde/address.h>
#include <sonde/error.h>

#include "base/limits.h"
#include "io/sock.h"

struct local {
	struct sonde_address addresses[LIMIT_ADDRESSES];
	int count; /* 0: the kernel's choice */
	bool gives_address, gives_port;
	const char *text; /* borrowed: as it was written; NULL none */
};

/* "HOST:PORT", "HOST", ":PORT", "*:PORT"; NULL for none.  0 or -errno. */
int local_parse(const char *text, struct local *ret, struct sonde_error *err);
/* Whether it has an address of that family, or any will do. */
bool local_has_family(const struct local *local, uint8_t family);
/* Binds fd to the one of that family.  0 or -errno. */
int local_bind(const struct local *local, int fd, uint8_t family,
	       enum sock_transport transport, struct sonde_error *err);

#endif
