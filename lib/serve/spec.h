/* SPEC: what to serve, and where.
 *
 *	SERVICE[@[HOST]:PORT][/tcp|/udp][,OPTION=VALUE]...
 *
 * A comma inside a value is written twice. */
#ifndef SERVE_SPEC_H
#define SERVE_SPEC_H

#include <stdbool.h>

#include <sonde/error.h>

#include "io/resolve.h"
#include "proto/service.h"

struct serve_spec {
	const struct service *service;
	struct resolve_endpoint endpoint;
	unsigned transports; /* of enum service_transport */
	void *config;        /* owned; NULL where the service has none */
};

/* On success the caller owes serve_spec_done(). */
int serve_spec_parse(const char *text, struct serve_spec *ret, struct sonde_error *err);
void serve_spec_done(struct serve_spec *spec);

#endif
