/* Rows found by a key of bytes. */
#include "dissect/statistics_table.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

enum { SLOTS_FIRST = 256 };

void statistics_table_init(struct statistics_table *table, size_t row_bytes,
			   size_t key_bytes)
{
	*table =
		(struct statistics_table){.row_bytes = row_bytes, .key_bytes = key_bytes};
}

void statistics_table_done(struct statistics_table *table)
{
	array_free(table->rows);
	array_free(table->slots);
}

static uint64_t hash(const uint8_t *key, size_t n)
{
	uint64_t sum = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ key[i]) * 0x100000001b3u;
	return sum ^ sum >> 29;
}

/* The slot that has the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct statistics_table *table, const void *key)
{
	size_t at = hash(key, table->key_bytes) & (table->slot_count - 1);

	for (;; at = (at + 1) & (table->slot_count - 1)) {
		uint32_t row = table->slots[at];
		if (row == 0 || memcmp(table->rows + (row - 1) * table->row_bytes, key,
				       table->key_bytes) == 0)
			return &table->slots[at];
	}
}

static int rebuild(struct statistics_table *table, size_t slot_count)
{
	uint32_t *slots = array_new(slot_count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	array_free(table->slots);
	table->slots = slots;
	table->slot_count = slot_count;
	for (size_t i = 0; i < table->row_count; i++)
		*slot_of(table, table->rows + i * table->row_bytes) = (uint32_t)i + 1;
	return 0;
}

int statistics_table_find(struct statistics_table *table, const void *key, void *ret_row)
{
	uint8_t *row;
	uint32_t *slot;
	int r = 0;

	/* At most two thirds full. */
	if (3 * (table->row_count + 1) > 2 * table->slot_count)
		r = rebuild(table,
			    table->slot_count ? 2 * table->slot_count : SLOTS_FIRST);
	if (r < 0)
		return r;
	slot = slot_of(table, key);
	if (*slot == 0) {
		if (table->row_count == LIMIT_STATISTICS_ROWS)
			return -ENOSPC;
		r = array_reserve(&table->rows, &table->row_capacity,
				  table->row_count + 1, table->row_bytes);
		if (r < 0)
			return r;
		row = table->rows + table->row_count * table->row_bytes;
		memset(row, 0, table->row_bytes);
		memcpy(row, key, table->key_bytes);
		*slot = (uint32_t)++table->row_count;
		memcpy(ret_row, &row, sizeof(row));
		return 1;
	}
	row = table->rows + (*slot - 1) * table->row_bytes;
	memcpy(ret_row, &row, sizeof(row));
	return 0;
}
