/* What a capture says of itself: with what it begins, how many packets there are. */
#ifndef CLI_CAPTURE_WORDS_H
#define CLI_CAPTURE_WORDS_H

#include <stdint.h>

#include "capture_session.h"

enum { CAPTURE_COUNT_MS = 200 }; /* between two counts on a terminal */

void capture_words_begin(const struct capture_session *session);
/* The count that stands on a terminal, at times; at_ns: CLOCK_MONOTONIC. */
void capture_words_show_count(struct capture_session *session, int64_t at_ns);
void capture_words_clear_count(struct capture_session *session);
/* name: of the event, "summary" or "counters". */
void capture_words_summarize(struct capture_session *session, const char *name);

#endif
