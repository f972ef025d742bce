/* Flows: pairs of addresses that packets run between, in either direction. */
#ifndef TIMELINE_FLOW_H
#define TIMELINE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>

/* Host and port without the scope, which packets do not carry. */
bool flow_same_host(const struct sonde_address *a, const struct sonde_address *b);
bool flow_same_address(const struct sonde_address *a, const struct sonde_address *b);
bool flow_is_any_host(const struct sonde_address *address);
bool flow_is_loopback(const struct sonde_address *address);
/* A family with hosts and ports. */
bool flow_is_internet(const struct sonde_address *address);

struct flow {
	uint8_t proto;                /* 0: a free slot */
	struct sonde_address ends[2]; /* in the order of the first packet */
	uint32_t stream;              /* the latest of this flow */
};

/* A hash table; all zero is an empty one. */
struct flow_table {
	struct flow *flows;
	size_t slots, count;
};

/* The flow between a and b, made if it is not there (stream 0); NULL without memory. */
struct flow *flow_add(struct flow_table *table, uint8_t proto,
		      const struct sonde_address *a, const struct sonde_address *b);
/* NULL: there is none. */
const struct flow *flow_find(const struct flow_table *table, uint8_t proto,
			     const struct sonde_address *a,
			     const struct sonde_address *b);
void flow_table_done(struct flow_table *table);

#endif
