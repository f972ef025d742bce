/* The kernel's packet ring (AF_PACKET, TPACKET_V3): packets without a system call each.
 *
 * Opening needs CAP_NET_RAW in the network namespace; reading needs nothing, so that one
 * process may open the ring (inside a namespace) and hand the descriptor to another,
 * which maps it.  Every interface is captured; on loopback, where each packet shows
 * twice, the outgoing copy is left out.  Of links other than Ethernet, IP is given, raw;
 * anything else there counts as read and is passed over.  VLAN tags stand where they were
 * on the wire. */
#ifndef CAPTURE_RING_H
#define CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/error.h>

struct sock_filter;

/* So old a block is handed over, also with a single packet in it.  All blocks together are
 * for how long the reader may be late: a busy machine may let it wait for a processor. */
enum { RING_BLOCK_MS = 4 };

struct ring_packet {
	int64_t at_ns; /* CLOCK_REALTIME */
	uint32_t captured_length, wire_length;
	const uint8_t *bytes; /* borrowed, from the link header on */
	int interface_index;
	uint16_t link; /* enum sonde_link: Ethernet (loopback too), else raw IP */
	bool is_outgoing;
};

/* Opens a ring over all interfaces of this network namespace; capture begins at once.
 * Returns the descriptor, or a negative errno (EPERM: no CAP_NET_RAW). */
int ring_open(struct sonde_error *err);

struct ring_options {
	int interface_index; /* 0 all */
	unsigned blocks;     /* of LIMIT_RING_BLOCK_BYTES; 0: as ring_open() */
	unsigned block_ms;   /* until one is handed over; 0: as ring_open() */
	bool is_promiscuous; /* of one interface */
	/* Classic BPF that says how many bytes to take of a packet; NULL: all of all. */
	const struct sock_filter *filter; /* borrowed */
	size_t filter_count;
	bool is_whole_filter; /* on loopback it leaves one of two copies out itself */
	/* What this machine sends is not even shown to the filter, where the kernel can
	 * do so (4.20): less work for each packet sent. */
	bool ignores_outgoing;
};
/* Interfaces that are down do not hinder. */
int ring_open_with(const struct ring_options *options, struct sonde_error *err);

struct ring; /* the mapped ring of one descriptor */

/* Takes the descriptor, also when it fails. */
int ring_map(int fd, struct ring **ret, struct sonde_error *err);
/* Of so many blocks, as the ring was opened with. */
int ring_map_blocks(int fd, unsigned blocks, struct ring **ret, struct sonde_error *err);
void ring_free(struct ring *ring);
int ring_fd(const struct ring *ring); /* poll it for POLLIN; borrowed */

/* The next packet that is there: 1, or 0 when there is none now.  What it points to is
 * valid until the next call. */
int ring_next(struct ring *ring, struct ring_packet *ret);

/* Packets that the kernel has taken in and that ring_next() has not given yet may lie in
 * the block that is still open.  To be called in turn with ring_next() at the end: waits
 * until all of those that were counted when it was first called can be read (at most
 * timeout_ms from then).  1 there may be more, 0 everything has been read, -ETIMEDOUT.
 *
 *	while (ring_drain(ring, 1000) > 0)
 *		while (ring_next(ring, &packet) > 0)
 *			...
 */
int ring_drain(struct ring *ring, int timeout_ms);

/* When all has been read: received == read + dropped. */
struct ring_counts {
	uint64_t received; /* as the kernel counts: with those that it dropped */
	uint64_t dropped;  /* there was no room in the ring */
	uint64_t read;
};
void ring_count(struct ring *ring, struct ring_counts *ret);

#endif
