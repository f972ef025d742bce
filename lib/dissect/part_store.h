/* Messages that an application spreads over several pieces of its own, such as TLS's
 * handshakes over records: what came of them so far.
 *
 * They stand in a ring, in the order in which they began.  What is kept of all together is
 * bounded (LIMIT_DISSECT_PARTED of them, LIMIT_DISSECT_PARTED_BYTES), and so is each
 * (LIMIT_DISSECT_PARTED_MESSAGE): the oldest go first.  So one that never ends costs
 * nothing but its place, and conversations need not say that they are over. */
#ifndef DISSECT_PART_STORE_H
#define DISSECT_PART_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissect/part.h"

struct parted {
	bool is_used;
	uint64_t owner; /* a conversation's direction: it has one message under way */
	uint8_t *bytes;
	size_t size, capacity;
	struct part *parts;
	size_t part_count, part_capacity;
};

struct part_store {
	struct parted *messages; /* LIMIT_DISSECT_PARTED of them; NULL: none ever */
	uint32_t begun;          /* how many were; the next one's place follows */
	uint32_t oldest;         /* none that began before is there */
	size_t held;
};

void part_store_done(struct part_store *store);
/* A message without bytes, and its place, from 1 on; NULL without memory. */
struct parted *part_store_begin(struct part_store *store, uint64_t owner,
				uint16_t *ret_place);
/* The owner's message that has (or had) that place; NULL: it is gone. */
struct parted *part_store_find(const struct part_store *store, uint64_t owner,
			       uint16_t place);
/* 0, -ENOMEM, or -ENOSPC: the message would be too long, or is too old and gone. */
int part_store_append(struct part_store *store, struct parted *message,
		      const uint8_t *bytes, size_t n, uint32_t frame);
void part_store_remove(struct part_store *store, struct parted *message);

#endif
