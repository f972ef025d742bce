/* What made a Unix socket or a pipe ready: another call.  The answers are those of ready.h,
 * calls among them. */
#ifndef TIMELINE_READY_LOCAL_H
#define TIMELINE_READY_LOCAL_H

#include "timeline/ready.h"

/* What the receive got: bytes, a message, the end. */
uint32_t ready_local_receive(const struct join *join, const struct sonde_call *receive,
			     struct candidates *among);
/* The connect whose connection the accept returned. */
uint32_t ready_local_accept(const struct join *join, const struct sonde_call *accept,
			    struct candidates *among);
/* The accept that made room in the queue, for a connect that waited. */
uint32_t ready_local_connect(const struct join *join, const struct sonde_call *connect,
			     struct candidates *among);
/* The receive that made room for a send that waited. */
uint32_t ready_local_room(const struct join *join, const struct sonde_call *send,
			  struct candidates *among);
uint32_t ready_local_watched(const struct join *join, const struct sonde_call *wait,
			     const struct sonde_watched *watched,
			     struct candidates *among);

#endif
