/* What a server has done so far, for each service and transport. */
#ifndef CLI_SERVE_COUNTERS_H
#define CLI_SERVE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/serve.h>

#include "output.h"

enum { SERVE_COUNTERS = 64 };

struct serve_counts {
	const char *service; /* borrowed of the library, which has it for ever */
	bool udp;
	uint64_t clients, left; /* that came, that have gone */
	uint64_t datagrams;
	uint64_t received, sent; /* bytes */
	uint64_t answered, refused, dropped;
	uint64_t unanswered; /* datagrams that may have no answer */
};

struct serve_counters {
	struct serve_counts services[SERVE_COUNTERS];
	size_t count;
};

/* Takes an event into account. */
void serve_counters_add(struct serve_counters *counters,
			const struct sonde_serve_event *event);
/* One line for each service that did something, then one for all (with -q only that).  `event` is the name of
 * the JSON event. */
void serve_counters_print(const struct serve_counters *counters, struct output *output,
			  const char *event, int64_t at_ns);

#endif
