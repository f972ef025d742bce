/* Conversations: pairs of addresses and ports, numbered in the order of appearance.
 *
 * An open-addressing table of small numbers points into an array of flows, so that a
 * packet costs two memory accesses; nothing is allocated but when either grows.  A slot has
 * the hash, too: flows that stand in the way are not looked at.  A pair of ports that is
 * used again (conversation_renew()) gets a new number, and the old flow's entry is taken over. */
#ifndef DISSECT_CONVERSATION_H
#define DISSECT_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>

struct conversation {
	/* What finds it, and what most packets ask of it, in one line of the cache. */
	uint8_t address[2][16]; /* end 0 sent the first packet */
	uint16_t port[2];
	uint8_t family;
	uint8_t dissector; /* place of the application's + 1; 0 not decided */
	uint8_t tries;     /* how often its bytes were looked at for that */
	uint8_t closed;    /* TCP: bits of the ends that sent a FIN */
	uint32_t number;
	uint32_t first_frame;
	uint32_t stream;   /* of segments kept, + 1; 0 none */
	bool has_syn[2];   /* TCP: of end 0, end 1, and its number */
	bool has_start[2]; /* TCP: of what end 0, end 1 sends, the first byte's number */
	uint32_t syn_seq[2];
	uint32_t start[2];
	int64_t first_ns, last_ns;
	uint64_t state[2]; /* the dissector's own */
};

struct conversation_table {
	struct conversation *flows;
	size_t count, capacity;
	struct conversation_slot {
		uint32_t place; /* the flow's number + 1; 0 free */
		uint32_t hash;
	} * slots;
	size_t slot_count;
};

void conversation_table_done(struct conversation_table *table);
/* The flow between the two, made where there is none; *ret_forward: from its end 0.  NULL:
 * no memory, or LIMIT_DISSECT_FLOWS. */
struct conversation *conversation_find(struct conversation_table *table,
				       const struct sonde_address *src,
				       const struct sonde_address *dst,
				       bool *ret_forward);
/* As conversation_find(), but makes none. */
struct conversation *conversation_look(const struct conversation_table *table,
				       const struct sonde_address *src,
				       const struct sonde_address *dst,
				       bool *ret_forward);
/* A new flow between the same two, whose end 0 is src; the old one is not found again. */
struct conversation *conversation_renew(struct conversation_table *table,
					const struct sonde_address *src,
					const struct sonde_address *dst);

#endif
