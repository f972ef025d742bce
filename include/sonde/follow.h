/* What the two ends of a conversation said, in the order in which it arrived: TCP's bytes
 * each once, without retransmissions and with gaps marked; UDP's datagrams as they are.
 * Pure. */
#ifndef SONDE_FOLLOW_H
#define SONDE_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/dissect.h>
#include <sonde/export.h>
#include <sonde/frame.h>

/* Bytes of one end, or a gap in them. */
struct sonde_follow_piece {
	bool is_b; /* b said it, not a */
	uint64_t
		missing; /* > 0: so many bytes are not in the capture, and no others here */
	const uint8_t *bytes; /* borrowed */
	size_t size;          /* of a UDP datagram, 0 too */
	uint32_t frame;       /* that carried them; of a gap, the one behind it */
	int64_t at_ns;
};

/* Returns 0, or a negative errno, which stops and is returned. */
typedef int sonde_follow_take(void *context, const struct sonde_follow_piece *piece);

struct sonde_follow;

/* stream: as in tcp.stream or udp.stream.  0 or -ENOMEM. */
SONDE_API int sonde_follow_new(bool is_tcp, uint32_t stream, sonde_follow_take *take,
			       void *context, struct sonde_follow **ret);
SONDE_API void sonde_follow_free(struct sonde_follow *follow);
/* Makes the dissector give what is needed, and nothing of other conversations.  0 or
 * -ENOMEM. */
SONDE_API int sonde_follow_want(const struct sonde_follow *follow,
				struct sonde_dissector *dissector);
/* Every frame of the file, in its order. */
SONDE_API int sonde_follow_add(struct sonde_follow *follow,
			       const struct sonde_frame *frame,
			       const struct sonde_dissection *dissection);
/* After the last one: gives what still waited for bytes that never came. */
SONDE_API int sonde_follow_end(struct sonde_follow *follow);

/* The two ends; a sent the first packet.  False: no packet was of that stream. */
SONDE_API bool sonde_follow_ends(const struct sonde_follow *follow,
				 struct sonde_address *ret_a,
				 struct sonde_address *ret_b);
/* How many streams the frames had, as far as they were numbered. */
SONDE_API uint32_t sonde_follow_streams(const struct sonde_follow *follow);

#endif
