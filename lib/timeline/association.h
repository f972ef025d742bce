/* Datagram sockets' peers, which come and go with connect(2): a socket's record knows
 * only the latest one.  Pure. */
#ifndef TIMELINE_ASSOCIATION_H
#define TIMELINE_ASSOCIATION_H

#include "timeline/join.h"

struct association {
	int64_t since_ns;
	uint32_t socket;
	uint32_t call; /* the connect */
};

struct associations {
	struct association *items; /* by socket, then time */
	size_t count, capacity;
};

/* Adds the connects of a socket; sockets in the order of their numbers.  0 or -ENOMEM. */
int associations_add(struct associations *associations, const struct join *join,
		     uint32_t socket);
void associations_done(struct associations *associations);

/* Whom the socket was connected to at that time; NULL: nobody. */
const struct sonde_address *associations_peer(const struct associations *associations,
					      const struct join *join, uint32_t socket,
					      int64_t at_ns);

#endif
