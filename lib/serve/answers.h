/* The answers of one batch of datagrams, on their way to one socket. */
#ifndef SERVE_ANSWERS_H
#define SERVE_ANSWERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/limits.h"

enum { ANSWERS_BYTES = 4 * (LIMIT_DATAGRAM + 1) };

/* Where the answer was asked for (IP_PKTINFO), and how it is cut (UDP_SEGMENT). */
struct answers_control {
	_Alignas(struct cmsghdr) uint8_t
		bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct answers {
	unsigned count;
	size_t used; /* of output */
	struct mmsghdr messages[LIMIT_DATAGRAM_BATCH];
	struct iovec parts[LIMIT_DATAGRAM_BATCH];
	/* What stands above, with several of one peer as one message. */
	struct mmsghdr merged[LIMIT_DATAGRAM_BATCH];
	struct iovec merged_parts[LIMIT_DATAGRAM_BATCH];
	struct answers_control controls[LIMIT_DATAGRAM_BATCH];
	uint8_t members[LIMIT_DATAGRAM_BATCH]; /* answers of each merged message */
	uint8_t output[ANSWERS_BYTES];
};

/* How busy a socket is. */
struct answers_pace {
	bool can_merge; /* the kernel cuts messages into datagrams */
	int64_t ahead_until_ns;
};

/* Where the next answer is written, LIMIT_DATAGRAM bytes; NULL where the batch is full. */
uint8_t *answers_room(struct answers *answers);
/* Adds the n bytes that were written there, for who sent `request`, which is borrowed until
 * the batch is sent; its control message becomes the answer's. */
void answers_add(struct answers *answers, struct msghdr *request, size_t n);
/* Takes the last one out again; it is valid until the next one is added. */
const struct msghdr *answers_take_last(struct answers *answers);

/* Asks the kernel of this socket. */
void answers_pace_init(struct answers_pace *pace, int fd);
/* Whether `count` answers more, at this moment, may be merged. */
bool answers_pace_merges(struct answers_pace *pace, unsigned count, int64_t now_ns);

/* Sends all, several to the same loopback peer as one message if `merge`.  Returns how many
 * could not be sent; *ret_refused says that the kernel did not merge. */
unsigned answers_send(struct answers *answers, int fd, bool merge, bool *ret_refused);

#endif
