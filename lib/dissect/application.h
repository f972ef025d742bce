/* Which application a conversation speaks, and the way from a transport to it. */
#ifndef DISSECT_APPLICATION_H
#define DISSECT_APPLICATION_H

#include "dissect/state.h"

/* The dissector of the present conversation, by rule, by port (the lower one first), or
 * by what its first bytes look like; NULL: none knows. */
const struct dissector *application_find(struct sonde_dissector *d, const uint8_t *bytes,
					 size_t n);

#endif
