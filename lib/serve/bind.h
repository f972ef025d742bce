/* The sockets of one SPEC: both families, both transports, one port number. */
#ifndef SERVE_BIND_H
#define SERVE_BIND_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>

#include "base/limits.h"
#include "io/sock.h"
#include "serve/spec.h"

struct serve_socket {
	int fd; /* owned */
	enum sock_transport transport;
	struct sonde_address address; /* the bound one */
};

#define SERVE_SOCKETS (2 * LIMIT_ADDRESSES)

/* Binds all of them, or none.  A family that this machine does not have is left out where
 * the SPEC leaves another.  port_base is that of struct sonde_serve_options.  Returns
 * their number. */
int serve_bind(const struct serve_spec *spec, int port_base, int backlog,
	       struct serve_socket ret[SERVE_SOCKETS], struct sonde_error *err);

#endif
