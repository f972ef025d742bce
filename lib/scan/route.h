/* How this machine reaches an address, as its routing table says (rtnetlink(7)). */
#ifndef SCAN_ROUTE_H
#define SCAN_ROUTE_H

#include <stdbool.h>

#include <sonde/address.h>

#include "scan/link.h"

enum route_kind { ROUTE_UNICAST = 0, ROUTE_LOCAL, ROUTE_BROADCAST, ROUTE_MULTICAST };

struct route {
	enum route_kind kind;
	bool has_gateway;
	struct sonde_address source; /* ours; family NONE where none is preferred */
	int interface_index;
};

/* A socket for the questions below.  The descriptor or -errno. */
int route_open(void);
/* 0, or -errno: -ENETUNREACH and the like where there is no way. */
int route_get(int fd, const struct sonde_address *to, struct route *ret);

struct neighbour {
	struct sonde_address address;
	struct link link; /* interface_index 0: not of an Ethernet's length */
};

/* Calls visit() for each neighbour whose link address is known.  0 or -errno. */
int route_each_neighbour(int fd,
			 void (*visit)(void *context, const struct neighbour *neighbour),
			 void *context);

/* A socket on which the kernel tells when a neighbour becomes known.  The descriptor or
 * -errno. */
int route_open_news(void);
/* Calls visit() for those that it has told of by now.  0, or -errno: -ENOBUFS where some
 * were lost. */
int route_next_neighbours(int fd,
			  void (*visit)(void *context, const struct neighbour *neighbour),
			  void *context);

#endif
