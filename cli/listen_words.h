/* What happens to a listener, in words for -v, and as NDJSON. */
#ifndef CLI_LISTEN_WORDS_H
#define CLI_LISTEN_WORDS_H

#include <stddef.h>

#include <sonde/listen.h>

#include "output.h"

void listen_words_format(const struct sonde_listen_event *event, char *ret,
			 size_t capacity);
void listen_json_write(struct output *output, const struct sonde_listen_event *event);
/* --stats: a line on standard error, or an event. */
void listen_stats_print(struct output *output, const struct sonde_listen_totals *totals);

#endif
