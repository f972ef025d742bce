/* What a frame gave to a message that came in several. */
#ifndef DISSECT_PART_H
#define DISSECT_PART_H

#include <stdint.h>

struct part {
	uint32_t frame, length;
};

#endif
