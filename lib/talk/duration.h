/* Durations that somebody chose, in words. */
#ifndef TALK_DURATION_H
#define TALK_DURATION_H

#include <stdint.h>

enum { DURATION_CHARS = 32 };

/* "5 s" and "250 ms" as they were given, rather than measured. */
void duration_format(int64_t duration_ns, char ret[DURATION_CHARS]);

#endif
