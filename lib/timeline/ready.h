/* What made a socket ready: the packet that a wait, an accept or a receive waited for. */
#ifndef TIMELINE_READY_H
#define TIMELINE_READY_H

#include "timeline/candidates.h"
#include "timeline/join.h"

/* The answers to "which packet": its number, or one of these. */
#define READY_NOT_SEEN UINT32_C(0)
#define READY_WITHOUT_PACKET UINT32_MAX /* nothing had to arrive */
#define READY_OWN_SIDE (UINT32_MAX - 1) /* this machine itself did it */
#define READY_CALL UINT32_C(0x80000000) /* and the number of a call that did it */

/* Whether the buffer can have been full for that send: not if all that was sent before had
 * been acknowledged, and it gave little itself, however long it took. */
bool ready_may_be_full(const struct join *join, const struct sonde_call *send);

/* A call that took longer than this may have waited for room. */
#define READY_SLOW_NS INT64_C(2000000)

/* The call, where the answer is one; else NULL. */
const struct sonde_call *ready_call(const struct join *join, uint32_t ready);
/* When that came, or began: a packet or a call; INT64_MAX for all other answers. */
int64_t ready_at_ns(const struct join *join, uint32_t ready);

/* The end of the handshake of the connection that the accept returned. */
uint32_t ready_accept(const struct join *join, const struct sonde_call *accept);
/* The SYN-ACK, reset or ICMP error that ended the connect, before end_ns. */
uint32_t ready_connect(const struct join *join, const struct sonde_call *connect,
		       bool has_failed, int64_t end_ns);
/* What the receive got: its bytes, the end of the stream, a reset, a datagram.  Candidates
 * are begun by whoever asks. */
uint32_t ready_receive(const struct join *join, const struct sonde_call *receive,
		       struct candidates *among);
/* The acknowledgement that made room just before end_ns, for a call entered at
 * enter_ns. */
uint32_t ready_room(const struct join *join, uint32_t socket, int64_t enter_ns,
		    int64_t end_ns, struct candidates *among);
/* What made a watched socket ready.  connecting: the connect that goes on there; 0. */
uint32_t ready_watched(const struct join *join, const struct sonde_call *wait,
		       const struct sonde_watched *watched, uint32_t connecting,
		       struct candidates *among);

#endif
