/* Unix sockets and pipes, which have no packets. */
#ifndef TIMELINE_LOCAL_H
#define TIMELINE_LOCAL_H

#include "timeline/join.h"

bool local_is_kind(uint8_t kind);
bool local_has(const struct join *join, uint32_t socket);
/* The channel that the socket reads from, or writes to; NULL: it is not known.  That of a
 * datagram socket which writes depends on the datagram: none. */
struct channel *local_into(const struct join *join, uint32_t socket);
struct channel *local_out_of(const struct join *join, uint32_t socket);
/* Whether the content of a message allows it: that `receive` took what `send` gave. */
bool local_may_have_got(const struct sonde_call *receive, const struct sonde_call *send);

#endif
