/* The sockets of one SPEC: both families, both transports, one port number. */
#ifndef SERVE_BIND_H
#define SERVE_BIND_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/serve.h>

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
 * the SPEC leaves another.  Of the options port_base, backlog and keepalive_ns count.
 * Returns their number. */
int serve_bind(const struct serve_spec *spec, const struct sonde_serve_options *options,
	       struct serve_socket ret[SERVE_SOCKETS], struct sonde_error *err);

/* As many sockets with the same addresses, among which the kernel deals out what comes.
 * All of them, or none.  0 or -errno. */
int serve_bind_beside(const struct serve_socket *sockets, int count,
		      const struct sonde_serve_options *options,
		      struct serve_socket ret[SERVE_SOCKETS]);

#endif
