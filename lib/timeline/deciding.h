/* The call that decided how long a statement took. */
#ifndef TIMELINE_DECIDING_H
#define TIMELINE_DECIDING_H

#include <sonde/timeline.h>

/* The number of the statement's call that blocked last; else of the one that may have;
 * else of its principal call, or of another one that found what it asked for if the
 * principal one did not. */
uint32_t deciding_call(const struct sonde_timeline *timeline,
		       const struct sonde_statement *statement);

#endif
