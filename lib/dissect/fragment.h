/* IP fragments that wait for the others of their datagram.
 *
 * Pieces may come in any order, twice, and may overlap: where two say something else about
 * a byte, the one that begins earlier is believed, of those that begin together the one
 * that came first.  What waits is bounded in number and bytes; the oldest datagram goes
 * first. */
#ifndef DISSECT_FRAGMENT_H
#define DISSECT_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>

struct fragment_key {
	struct sonde_address src, dst; /* ports 0 */
	uint32_t id;
	uint8_t protocol; /* 0 for IPv6, whose id is enough */
};

struct fragment_piece {
	uint32_t offset, length, frame;
	bool is_overlap, is_conflict, is_too_long;
	uint8_t *bytes; /* owned */
};

struct fragment_datagram {
	bool is_used;
	struct fragment_key key;
	uint64_t age;
	uint32_t total; /* 0 until the last piece came */
	bool has_overlap, has_conflict, has_many_tails, has_too_long;
	uint8_t next; /* IPv6: the header that the first fragment names */
	struct fragment_piece *pieces; /* by offset, then by arrival */
	size_t piece_count, piece_capacity;
};

struct fragment_table {
	struct fragment_datagram *datagrams; /* LIMIT_DISSECT_FRAGMENTED, or NULL */
	size_t held;                         /* bytes */
	uint64_t age;
};

void fragment_table_done(struct fragment_table *table);
/* 1 and the datagram when it is whole with this piece (to be given to fragment_remove()),
 * 0 when it is not, or -ENOMEM. */
int fragment_add(struct fragment_table *table, const struct fragment_key *key,
		 uint32_t offset, bool more, uint8_t next, const uint8_t *bytes,
		 uint32_t n, uint32_t frame, struct fragment_datagram **ret);
/* Writes its bytes, `total` of them. */
void fragment_join(const struct fragment_datagram *datagram, uint8_t *to);
void fragment_remove(struct fragment_table *table, struct fragment_datagram *datagram);

#endif
