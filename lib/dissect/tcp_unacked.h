/* The segments of a direction that were sent and not yet acknowledged: lists in a pool that
 * all streams of a dissector share. */
#ifndef DISSECT_TCP_UNACKED_H
#define DISSECT_TCP_UNACKED_H

#include "dissect/tcp_note.h"

struct sonde_dissector;

static inline bool tcp_is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool tcp_is_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* The segment, up to `end`, was sent.  Where there are too many, the oldest goes. */
void tcp_unacked_keep(struct sonde_dissector *d, struct tcp_side *side,
		      const struct tcp_segment *segment, uint32_t end);
/* What the other side sent up to `ack` has arrived. */
void tcp_unacked_take(struct sonde_dissector *d, struct tcp_side *sender, uint32_t ack,
		      int64_t now_ns, struct tcp_seen *ret);
/* From the first to the last byte that is under way. */
uint32_t tcp_unacked_span(const struct sonde_dissector *d, const struct tcp_side *side);
/* The segment that is under way for longest; false where none is. */
bool tcp_unacked_first(const struct sonde_dissector *d, const struct tcp_side *side,
		       uint32_t *ret_frame, int64_t *ret_at_ns);

#endif
