/* Packets kept for a moment, in the order in which they came. */
#ifndef RECORD_HELD_H
#define RECORD_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/ring.h"

struct held {
	uint8_t *bytes; /* owned; each packet: a struct ring_packet, its bytes, padding */
	size_t begin, end, capacity;
};

void held_done(struct held *held);
/* Copies it.  0, -ENOMEM, or -E2BIG where LIMIT_HELD_BYTES are kept already. */
int held_add(struct held *held, const struct ring_packet *packet);
/* The one that came first; false: there is none.  It lives until the next call of
 * another function. */
bool held_first(const struct held *held, struct ring_packet *ret);
void held_remove_first(struct held *held);

#endif
