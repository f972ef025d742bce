/* What came and cannot be judged without what follows: a CR, or a part of a sequence of
 * UTF-8. */
#ifndef TALK_HELD_H
#define TALK_HELD_H

#include <stddef.h>
#include <stdint.h>

struct held {
	uint8_t bytes[4];
	size_t used;
};

#endif
