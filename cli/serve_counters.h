/* What a server has done so far, for each service and transport, as text and as NDJSON. */
#ifndef CLI_SERVE_COUNTERS_H
#define CLI_SERVE_COUNTERS_H

#include <stdint.h>

#include <sonde/serve.h>

#include "output.h"

/* One line for each service that did something, then one for all (with -q only that).
 * `event` is the name of the JSON event. */
void serve_counters_print(const struct sonde_server *server, struct output *output,
			  const char *event, int64_t at_ns);

#endif
