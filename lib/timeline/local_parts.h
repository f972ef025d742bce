/* What the parts of local.c share: how channels come up. */
#ifndef TIMELINE_LOCAL_PARTS_H
#define TIMELINE_LOCAL_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "timeline/join.h"

struct local_names {
	uint32_t *sockets; /* Unix datagram sockets that have a name, by it */
	size_t count;
};

/* Each that returns an int: 0 or -ENOMEM. */

int local_add(struct join *join, const struct channel *channel);
/* Adds the channels of pairs, of pipes, and of each connect with its accept. */
int local_match(struct join *join);
int local_names_find(const struct join *join, struct local_names *ret);
/* The socket that had the name then; 0: none, or more than one. */
uint32_t local_named(const struct join *join, const struct local_names *names,
		     const struct sonde_address *name, int64_t at_ns);

#endif
