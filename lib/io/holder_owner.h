/* Whose a socket is. */
#ifndef IO_HOLDER_OWNER_H
#define IO_HOLDER_OWNER_H

#include "io/holder.h"

/* Fills in the process that has ret->inode among its descriptors: the first one, and how
 * many more.  0, -ENOENT, -ETIMEDOUT (and ret->unsearched). */
int holder_owner(const struct holder_search *search, struct holder *ret);

/* A TCP socket that is bound and does not listen stands in no table: it is looked for
 * among the descriptors of the processes in the viewer's namespace.  As above. */
int holder_bound(const struct holder_search *search, const struct sonde_address *wanted,
		 struct holder *ret);

/* Whether a socket at the one address keeps another from the other one: 0 not, 1 it does,
 * 2 it does unless it is for IPv6 alone. */
int holder_conflicts(const struct sonde_address *has, const struct sonde_address *wanted);

#endif
