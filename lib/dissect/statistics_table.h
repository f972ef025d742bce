/* Rows found by a key of bytes: a hash table with open addresses over an array, whose rows
 * keep the order in which they came. */
#ifndef DISSECT_STATISTICS_TABLE_H
#define DISSECT_STATISTICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct statistics_table {
	uint8_t *rows; /* owned; each begins with its key */
	size_t row_count, row_capacity, row_bytes, key_bytes;
	uint32_t *slots; /* row + 1; 0 free */
	size_t slot_count;
};

void statistics_table_init(struct statistics_table *table, size_t row_bytes,
			   size_t key_bytes);
void statistics_table_done(struct statistics_table *table);
/* The row of that key, made (zero but for its key) where there is none.  1 it is new, 0
 * it was there, -ENOSPC, -ENOMEM. */
int statistics_table_find(struct statistics_table *table, const void *key, void *ret_row);

#endif
