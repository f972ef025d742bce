/* TPACKET_V3: the kernel fills blocks of packets, each handed over whole, when it is full
 * or some milliseconds old.  So a block may hold a single packet, and a reader may be away
 * for as long as all of them together, however large they are.
 *
 * Who owns a block is its status word: the kernel sets TP_STATUS_USER when it hands it
 * over, and gets it back by TP_STATUS_KERNEL.  Blocks are used in turn, so that one look
 * at the next one's status tells whether there is anything to read, without a system
 * call.
 *
 * The end of a capture is where other programs lose packets: those of the last
 * milliseconds lie in a block that nobody has handed over.  The kernel counts a packet
 * when it takes a place in a block, before it copies it there, and it hands no block over
 * while one of its packets is still being copied.  So the counter says exactly how many
 * packets must still come, and ring_drain() waits for just these.
 *
 * Geometry is constant unless asked for, so that the process which maps the ring need not
 * be told it. */
#include "capture/ring.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include <sonde/packet.h>

enum {
	/* Has no meaning for blocks, but the kernel checks that it divides them. */
	FRAME_BYTES = 1 << 11,
	VLAN_TAG_BYTES = 4,
	ETHERNET_ADDRESSES_BYTES = 12, /* a tag stands after both of them */
	/* A wake-up that gets lost must not cost a whole deadline. */
	POLL_MOST_MS = 10,
	PREFETCH_BYTES = 256, /* of the next packet: its descriptors and a small one */
};

struct ring {
	int fd;
	uint8_t *bytes;
	unsigned blocks;
	unsigned block;            /* being read, or the next one to come */
	struct tpacket3_hdr *next; /* in it; NULL: it is the kernel's */
	uint32_t left;             /* packets in it from `next` on */
	struct ring_counts counts;
	bool is_draining;
	uint64_t drain_until; /* a number of packets read */
	int64_t drain_deadline_ns;
};

static int fail(struct sonde_error *err, const char *what)
{
	int code = -errno;

	sonde_error_set(err, sonde_error_kind_of(-code), code, "capture", what, NULL);
	if (code == -EPERM || code == -EACCES)
		sonde_error_hint(err, "packets need CAP_NET_RAW: run as root, or in a "
				      "network namespace of your own");
	return code;
}

static int set_option(int fd, int option, const void *value, socklen_t length)
{
	return setsockopt(fd, SOL_PACKET, option, value, length);
}

/* On loopback every packet is seen going out and coming in: the first is left out, before
 * it costs room in the ring.  The caller's filter follows. */
static int attach_filter(int fd, const struct ring_options *options)
{
	static const struct sock_filter once[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_HATYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	static const struct sock_filter all[] = {
		BPF_STMT(BPF_RET | BPF_K, LIMIT_SNAP_BYTES - VLAN_TAG_BYTES),
	};
	enum { ONCE = sizeof(once) / sizeof(once[0]) };
	struct sock_filter code[BPF_MAXINSNS];
	const struct sock_filter *then = options->filter ? options->filter : all;
	size_t count = options->filter ? options->filter_count : 1;
	size_t before = options->is_whole_filter ? 0 : ONCE;
	struct sock_fprog filter = {.filter = code};

	if (count > BPF_MAXINSNS - before) {
		errno = E2BIG;
		return -1;
	}
	memcpy(code, once, before * sizeof(code[0]));
	memcpy(code + before, then, count * sizeof(code[0]));
	filter.len = (unsigned short)(before + count);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static int join_promiscuous(int fd, int interface_index)
{
	const struct packet_mreq request = {
		.mr_ifindex = interface_index,
		.mr_type = PACKET_MR_PROMISC,
	};

	return set_option(fd, PACKET_ADD_MEMBERSHIP, &request, sizeof(request));
}

int ring_open(struct sonde_error *err)
{
	return ring_open_with(&(const struct ring_options){0}, err);
}

int ring_open_with(const struct ring_options *options, struct sonde_error *err)
{
	unsigned blocks = options->blocks ? options->blocks : LIMIT_RING_BLOCKS;
	const struct tpacket_req3 geometry = {
		.tp_block_size = LIMIT_RING_BLOCK_BYTES,
		.tp_block_nr = blocks,
		.tp_frame_size = FRAME_BYTES,
		.tp_frame_nr = LIMIT_RING_BLOCK_BYTES / FRAME_BYTES * blocks,
		.tp_retire_blk_tov =
			options->block_ms ? options->block_ms : RING_BLOCK_MS,
	};
	const struct sockaddr_ll from = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = options->interface_index,
	};
	const int version = TPACKET_V3, reserve = VLAN_TAG_BYTES, one = 1;
	int fd, r;

	/* Protocol 0: nothing is taken in until everything is set up. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, "open a packet socket");
	if (set_option(fd, PACKET_VERSION, &version, sizeof(version)) ||
	    set_option(fd, PACKET_RESERVE, &reserve, sizeof(reserve)) ||
	    set_option(fd, PACKET_RX_RING, &geometry, sizeof(geometry))) {
		r = fail(err, "set up the packet ring");
		goto out;
	}
	if (options->ignores_outgoing)
		set_option(fd, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (attach_filter(fd, options)) {
		r = fail(err, "attach the capture filter");
		goto out;
	}
	if ((options->is_promiscuous && join_promiscuous(fd, options->interface_index)) ||
	    bind(fd, (const struct sockaddr *)&from, sizeof(from))) {
		r = fail(err, options->interface_index ? "bind to the interface"
						       : "bind to all interfaces");
		goto out;
	}
	return fd;
out:
	close(fd);
	return r;
}

int ring_map(int fd, struct ring **ret, struct sonde_error *err)
{
	return ring_map_blocks(fd, LIMIT_RING_BLOCKS, ret, err);
}

static size_t ring_bytes(unsigned blocks)
{
	return (size_t)blocks * LIMIT_RING_BLOCK_BYTES;
}

int ring_map_blocks(int fd, unsigned blocks, struct ring **ret, struct sonde_error *err)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	int r;

	if (!ring) {
		r = fail(err, "map the packet ring");
		goto out;
	}
	ring->bytes =
		mmap(NULL, ring_bytes(blocks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring->bytes == MAP_FAILED) {
		r = fail(err, "map the packet ring");
		goto out;
	}
	ring->fd = fd;
	ring->blocks = blocks;
	*ret = ring;
	return 0;
out:
	free(ring);
	close(fd);
	return r;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	munmap(ring->bytes, ring_bytes(ring->blocks));
	close(ring->fd);
	free(ring);
}

int ring_fd(const struct ring *ring)
{
	return ring->fd;
}

static struct tpacket_hdr_v1 *block_header(const struct ring *ring)
{
	uint8_t *block = ring->bytes + (size_t)ring->block * LIMIT_RING_BLOCK_BYTES;

	return &((struct tpacket_block_desc *)(void *)block)->hdr.bh1;
}

static struct tpacket3_hdr *packet_at(void *from, uint32_t offset)
{
	return (struct tpacket3_hdr *)(void *)((uint8_t *)from + offset);
}

/* Gives a block back that has been read, and takes the next one if it is there.  False
 * where there is nothing to read now. */
static bool take_block(struct ring *ring)
{
	struct tpacket_hdr_v1 *header;

	while (!ring->left) {
		header = block_header(ring);
		if (ring->next) {
			__atomic_store_n(&header->block_status, TP_STATUS_KERNEL,
					 __ATOMIC_RELEASE);
			ring->next = NULL;
			ring->block = (ring->block + 1) % ring->blocks;
			header = block_header(ring);
		}
		if (!(__atomic_load_n(&header->block_status, __ATOMIC_ACQUIRE) &
		      TP_STATUS_USER))
			return false;
		ring->left = header->num_pkts;
		ring->next = packet_at(ring->bytes + (size_t)ring->block *
							     LIMIT_RING_BLOCK_BYTES,
				       header->offset_to_first_pkt);
	}
	return true;
}

/* The kernel takes a VLAN tag out of the bytes and keeps it beside them; it goes back to
 * where it was, into the room that PACKET_RESERVE made. */
static uint8_t *put_tag_back(const struct tpacket3_hdr *header, uint8_t *bytes)
{
	uint16_t tag[2] = {htons(ETH_P_8021Q), htons((uint16_t)header->hv1.tp_vlan_tci)};

	if (header->tp_status & TP_STATUS_VLAN_TPID_VALID)
		tag[0] = htons(header->hv1.tp_vlan_tpid);
	bytes -= VLAN_TAG_BYTES;
	memmove(bytes, bytes + VLAN_TAG_BYTES, ETHERNET_ADDRESSES_BYTES);
	memcpy(bytes + ETHERNET_ADDRESSES_BYTES, tag, sizeof(tag));
	return bytes;
}

/* False for what cannot be told as Ethernet or raw IP. */
static bool describe(struct tpacket3_hdr *header, struct ring_packet *ret)
{
	const struct sockaddr_ll *from =
		(const void *)packet_at(header, TPACKET_ALIGN(sizeof(*header)));
	uint8_t *bytes = (uint8_t *)packet_at(header, header->tp_mac);
	uint32_t captured = header->tp_snaplen, wire = header->tp_len;
	uint32_t link_bytes = (uint32_t)header->tp_net - header->tp_mac;
	uint16_t link = SONDE_LINK_ETHERNET;

	if (from->sll_hatype == ARPHRD_ETHER || from->sll_hatype == ARPHRD_LOOPBACK) {
		if (header->tp_status & TP_STATUS_VLAN_VALID &&
		    captured >= ETHERNET_ADDRESSES_BYTES) {
			bytes = put_tag_back(header, bytes);
			captured += VLAN_TAG_BYTES;
			wire += VLAN_TAG_BYTES;
		}
	} else {
		if ((from->sll_protocol != htons(ETH_P_IP) &&
		     from->sll_protocol != htons(ETH_P_IPV6)) ||
		    header->tp_net < header->tp_mac || link_bytes > captured)
			return false;
		link = SONDE_LINK_RAW;
		bytes += link_bytes;
		captured -= link_bytes;
		wire -= link_bytes;
	}
	*ret = (struct ring_packet){
		.at_ns = header->tp_sec * NS_PER_S + header->tp_nsec,
		.captured_length = captured,
		.wire_length = wire,
		.bytes = bytes,
		.interface_index = from->sll_ifindex,
		.link = link,
		.is_outgoing = from->sll_pkttype == PACKET_OUTGOING,
	};
	return true;
}

int ring_next(struct ring *ring, struct ring_packet *ret)
{
	while (ring->left || take_block(ring)) {
		struct tpacket3_hdr *header = ring->next;

		ring->next = packet_at(header, header->tp_next_offset);
		ring->left--;
		/* Another processor has just written it. */
		for (unsigned at = 0; at < PREFETCH_BYTES; at += 64)
			__builtin_prefetch((const uint8_t *)ring->next + at);
		ring->counts.read++;
		if (describe(header, ret))
			return 1;
	}
	return 0;
}

void ring_count(struct ring *ring, struct ring_counts *ret)
{
	struct tpacket_stats_v3 since; /* the call before: the kernel starts anew */
	socklen_t length = sizeof(since);

	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &since, &length) == 0) {
		ring->counts.received += since.tp_packets;
		ring->counts.dropped += since.tp_drops;
	}
	*ret = ring->counts;
}

int ring_drain(struct ring *ring, int timeout_ms)
{
	struct pollfd readable = {.fd = ring->fd, .events = POLLIN};
	struct ring_counts counts;

	if (!ring->is_draining) {
		ring_count(ring, &counts);
		ring->drain_until = counts.received - counts.dropped;
		ring->drain_deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
		ring->is_draining = true;
	}
	while (ring->counts.read < ring->drain_until) {
		int64_t left_ms;

		if (take_block(ring))
			return 1;
		left_ms =
			(ring->drain_deadline_ns - clock_monotonic_ns() + NS_PER_MS - 1) /
			NS_PER_MS;
		if (left_ms <= 0) {
			ring->is_draining = false;
			return -ETIMEDOUT;
		}
		poll(&readable, 1, left_ms < POLL_MOST_MS ? (int)left_ms : POLL_MOST_MS);
	}
	ring->is_draining = false;
	return 0;
}
