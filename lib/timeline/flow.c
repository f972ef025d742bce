/* A hash table of flows, and addresses compared as packets need it. */
#include "timeline/flow.h"

#include <string.h>

#include "base/array.h"

bool flow_is_internet(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET ||
	       address->family == SONDE_FAMILY_INET6;
}

bool flow_same_host(const struct sonde_address *a, const struct sonde_address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool flow_same_address(const struct sonde_address *a, const struct sonde_address *b)
{
	return a->port == b->port && flow_same_host(a, b);
}

bool flow_is_any_host(const struct sonde_address *address)
{
	static const uint8_t zeros[sizeof(address->bytes)];

	return flow_is_internet(address) && !memcmp(address->bytes, zeros, sizeof(zeros));
}

bool flow_is_loopback(const struct sonde_address *address)
{
	static const uint8_t one[sizeof(address->bytes)] = {[15] = 1};

	if (address->family == SONDE_FAMILY_INET)
		return address->bytes[0] == 127;
	return address->family == SONDE_FAMILY_INET6 &&
	       !memcmp(address->bytes, one, sizeof(one));
}

static uint64_t hash_end(const struct sonde_address *end)
{
	uint64_t words[2];
	uint64_t hash;

	memcpy(words, end->bytes, sizeof(words));
	hash = words[0] * 0x9e3779b97f4a7c15u;
	hash = (hash ^ hash >> 29 ^ words[1]) * 0xbf58476d1ce4e5b9u;
	return (hash ^ hash >> 32 ^ end->port) * 0x94d049bb133111ebu;
}

/* The same for both directions. */
static size_t hash_flow(uint8_t proto, const struct sonde_address *a,
			const struct sonde_address *b)
{
	uint64_t hash = hash_end(a) + hash_end(b) + proto;

	return (size_t)(hash ^ hash >> 31);
}

static struct flow *find_slot(struct flow *flows, size_t slots, uint8_t proto,
			      const struct sonde_address *a,
			      const struct sonde_address *b)
{
	size_t slot = hash_flow(proto, a, b) & (slots - 1);

	for (;; slot = (slot + 1) & (slots - 1)) {
		struct flow *flow = &flows[slot];

		if (!flow->proto)
			return flow;
		if (flow->proto != proto)
			continue;
		if (flow_same_address(&flow->ends[0], a) &&
		    flow_same_address(&flow->ends[1], b))
			return flow;
		if (flow_same_address(&flow->ends[0], b) &&
		    flow_same_address(&flow->ends[1], a))
			return flow;
	}
}

static bool grow(struct flow_table *table)
{
	size_t slots = table->slots ? table->slots * 2 : 256;
	struct flow *flows = array_new(slots, sizeof(*flows));

	if (!flows)
		return false;
	for (size_t i = 0; i < table->slots; i++) {
		const struct flow *old = &table->flows[i];

		if (old->proto)
			*find_slot(flows, slots, old->proto, &old->ends[0],
				   &old->ends[1]) = *old;
	}
	array_free(table->flows);
	table->flows = flows;
	table->slots = slots;
	return true;
}

struct flow *flow_add(struct flow_table *table, uint8_t proto,
		      const struct sonde_address *a, const struct sonde_address *b)
{
	struct flow *flow;

	if (table->count * 2 >= table->slots && !grow(table))
		return NULL;
	flow = find_slot(table->flows, table->slots, proto, a, b);
	if (!flow->proto) {
		*flow = (struct flow){.proto = proto, .ends = {*a, *b}};
		table->count++;
	}
	return flow;
}

const struct flow *flow_find(const struct flow_table *table, uint8_t proto,
			     const struct sonde_address *a, const struct sonde_address *b)
{
	const struct flow *flow;

	if (!table->count)
		return NULL;
	flow = find_slot(table->flows, table->slots, proto, a, b);
	return flow->proto ? flow : NULL;
}

void flow_table_done(struct flow_table *table)
{
	array_free(table->flows);
	*table = (struct flow_table){0};
}
