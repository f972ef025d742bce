/* What stands on one side of a relation, in a frame: value after value, with all that the
 * filter does to them (slices, functions, masks). */
#ifndef DISSECT_FILTER_CURSOR_H
#define DISSECT_FILTER_CURSOR_H

#include "dissect/filter.h"

/* One side of a relation, value after value. */
struct cursor {
	struct sonde_filter *filter;
	const struct filter_operand *operand;
	const struct sonde_dissection *dissection;
	struct filter_buffer *buffers; /* two */
	size_t at;
	int32_t layer;  /* of the operand's protocol, from 1 */
	uint8_t buffer; /* the one to write to next */
};

void filter_cursor_begin(struct cursor *cursor, struct sonde_filter *filter,
			 uint32_t operand, const struct sonde_dissection *dissection,
			 unsigned side);
/* 1 a value, 0 no more, -ENOMEM. */
int filter_cursor_next(struct cursor *cursor, struct filter_value *ret);

#endif
