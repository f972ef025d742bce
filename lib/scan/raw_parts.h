/* The inside of raw sockets and their ring, for the files that share it. */
#ifndef SCAN_RAW_PARTS_H
#define SCAN_RAW_PARTS_H

#include <sys/socket.h>

#include "scan/raw.h"

enum { PACKET_BYTES = 96 };

/* How a packet leaves. */
enum way { INET, INET6, FRAME, WAYS };

struct raw {
	int fds[WAYS]; /* -1 where the system has none */
	int held[RAW_PORTS];
	struct ring *ring;
	uint16_t first_port;
	uint16_t echo_id;
	uint64_t key[2];
	uint64_t dropped, foreign;
	int own_index; /* the interface that `own` is the address of */
	bool has_own;
	uint8_t own[LINK_BYTES];
	size_t count; /* of the batch */
	uint8_t bytes[RAW_BATCH][PACKET_BYTES];
	struct iovec parts[RAW_BATCH];
	struct mmsghdr messages[RAW_BATCH];
	struct sockaddr_storage to[RAW_BATCH];
	uint8_t ways[RAW_BATCH];
	int errors[RAW_BATCH]; /* errno, or 0 */
	size_t next;           /* atomic: of the batch, to be sent */
	struct mate *mate;     /* NULL: alone */
};

#endif
