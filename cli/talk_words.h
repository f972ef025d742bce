/* What happens in a session, in words for -v, and as NDJSON. */
#ifndef CLI_TALK_WORDS_H
#define CLI_TALK_WORDS_H

#include <sonde/connect.h>

#include "output.h"

/* One line of it; "" for an event that has none (bytes). */
void talk_words_format(const struct sonde_session_event *event, char *ret,
		       size_t capacity);
void talk_json_write(struct output *output, const struct sonde_session_event *event);

/* "data": direction, "sent" or "received", bytes and base64; client 0: there is one
 * only. */
void talk_json_data(struct output *output, int64_t at_ns, const char *direction,
		    uint64_t client, const void *bytes, size_t n);

/* --stats: a line on standard error, or an event. */
void talk_stats_print(struct output *output, const struct sonde_session_totals *totals);

#endif
