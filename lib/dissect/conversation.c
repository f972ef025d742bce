/* The table of conversations; see conversation.h. */
#include "dissect/conversation.h"

#include <string.h>

#include "base/array.h"
#include "base/limits.h"

void conversation_table_done(struct conversation_table *table)
{
	array_free(table->flows);
	array_free(table->slots);
	*table = (struct conversation_table){0};
}

static uint64_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= 0x9e3779b97f4a7c15u;
	return value ^ value >> 29;
}

static uint64_t hash_end(const struct sonde_address *end)
{
	uint64_t words[2];

	memcpy(words, end->bytes, sizeof(words));
	return mix(words[0] + ((uint64_t)end->port << 40)) + mix(words[1] ^ end->port);
}

/* The same for both directions. */
static uint32_t hash_of(const struct sonde_address *src, const struct sonde_address *dst)
{
	return (uint32_t)(mix(hash_end(src) + hash_end(dst)) >> 16);
}

static bool is_end(const struct conversation *flow, int end,
		   const struct sonde_address *address)
{
	uint64_t ours[2], theirs[2];

	/* Two words each: calling memcmp() takes longer. */
	memcpy(ours, flow->address[end], sizeof(ours));
	memcpy(theirs, address->bytes, sizeof(theirs));
	return flow->port[end] == address->port && flow->family == address->family &&
	       ours[0] == theirs[0] && ours[1] == theirs[1];
}

/* 1 forward, 0 backward, -1 another flow. */
static int match(const struct conversation *flow, const struct sonde_address *src,
		 const struct sonde_address *dst)
{
	if (is_end(flow, 0, src) && is_end(flow, 1, dst))
		return 1;
	if (is_end(flow, 1, src) && is_end(flow, 0, dst))
		return 0;
	return -1;
}

/* The slot of that pair, or the free one where it would stand. */
static size_t find_slot(const struct conversation_table *table, uint32_t hash,
			const struct sonde_address *src, const struct sonde_address *dst,
			bool *ret_forward)
{
	size_t slot = hash & (table->slot_count - 1);

	while (table->slots[slot].place) {
		if (table->slots[slot].hash == hash) {
			const struct conversation *flow =
				&table->flows[table->slots[slot].place - 1];
			int direction = match(flow, src, dst);

			if (direction >= 0) {
				*ret_forward = direction;
				return slot;
			}
		}
		slot = (slot + 1) & (table->slot_count - 1);
	}
	return slot;
}

static bool grow_slots(struct conversation_table *table)
{
	size_t count = table->slot_count ? table->slot_count * 2 : 1024;
	struct conversation_slot *slots;

	if (table->slot_count && table->count * 2 < table->slot_count)
		return true;
	slots = array_new(count, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < table->slot_count; i++) {
		size_t slot;

		if (!table->slots[i].place)
			continue;
		slot = table->slots[i].hash & (count - 1);
		while (slots[slot].place)
			slot = (slot + 1) & (count - 1);
		slots[slot] = table->slots[i];
	}
	array_free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	return true;
}

static struct conversation *add(struct conversation_table *table,
				const struct sonde_address *src,
				const struct sonde_address *dst)
{
	struct conversation *flow;

	if (table->count >= LIMIT_DISSECT_FLOWS ||
	    array_reserve(&table->flows, &table->capacity, table->count + 1,
			  sizeof(*table->flows)) < 0)
		return NULL;
	flow = &table->flows[table->count];
	*flow = (struct conversation){
		.port = {src->port, dst->port},
		.family = src->family,
		.number = (uint32_t)table->count,
	};
	memcpy(flow->address[0], src->bytes, 16);
	memcpy(flow->address[1], dst->bytes, 16);
	table->count++;
	return flow;
}

struct conversation *conversation_look(const struct conversation_table *table,
				       const struct sonde_address *src,
				       const struct sonde_address *dst, bool *ret_forward)
{
	size_t slot;

	if (!table->slot_count)
		return NULL;
	slot = find_slot(table, hash_of(src, dst), src, dst, ret_forward);
	return table->slots[slot].place ? &table->flows[table->slots[slot].place - 1]
					: NULL;
}

struct conversation *conversation_find(struct conversation_table *table,
				       const struct sonde_address *src,
				       const struct sonde_address *dst, bool *ret_forward)
{
	uint32_t hash = hash_of(src, dst);
	struct conversation *flow;
	size_t slot;

	if (!grow_slots(table))
		return NULL;
	slot = find_slot(table, hash, src, dst, ret_forward);
	if (table->slots[slot].place)
		return &table->flows[table->slots[slot].place - 1];
	flow = add(table, src, dst);
	if (flow) {
		table->slots[slot] = (struct conversation_slot){flow->number + 1, hash};
		*ret_forward = true;
	}
	return flow;
}

struct conversation *conversation_renew(struct conversation_table *table,
					const struct sonde_address *src,
					const struct sonde_address *dst)
{
	uint32_t hash = hash_of(src, dst);
	struct conversation *flow;
	bool forward;
	size_t slot;

	if (!grow_slots(table))
		return NULL;
	slot = find_slot(table, hash, src, dst, &forward);
	flow = add(table, src, dst);
	if (flow)
		table->slots[slot] = (struct conversation_slot){flow->number + 1, hash};
	return flow;
}
