/* SPEC: what to serve, and where.
 *
 *	SERVICE[@[HOST]:PORT][/tcp|/udp][,OPTION=VALUE]...
 *
 * A comma inside a value is written twice.  Beside the options of the service there is
 * `once`, for those that answer requests: a TCP client is closed after its first answer. */
#ifndef SERVE_SPEC_H
#define SERVE_SPEC_H

#include <stdbool.h>

#include <sonde/error.h>

#include "io/resolve.h"
#include "proto/service.h"
#include "serve/counts.h"

enum { SPEC_TCP = 0, SPEC_UDP, SPEC_TRANSPORTS };

struct serve_spec {
	const struct service *service;
	struct resolve_endpoint endpoint;
	unsigned transports; /* of enum service_transport */
	void *config;        /* owned; NULL where the service has none */
	bool once;
	struct counts *counts; /* owned; of TCP and of UDP */
	uint32_t given; /* a bit for each option of the service's table that was set */
	/* Of the option that names a file; NULL where none was given. */
	const struct service_option *file_option;
	char *file_name; /* owned */
	char *file_text; /* owned; the config may point into it */
};

/* Looks at no file.  On success the caller owes serve_spec_done(). */
int serve_spec_parse(const char *text, struct serve_spec *ret, struct sonde_error *err);
/* Reads the file that an option names, and hands its text to the service. */
int serve_spec_load(struct serve_spec *spec, struct sonde_error *err);
void serve_spec_done(struct serve_spec *spec);

#endif
