/* What the reference programs share that make their own packets: frames of Ethernet and
 * IPv4, which leave past the queueing discipline and come in through a ring of the
 * kernel's. */
#ifndef PEERS_FRAMES_H
#define PEERS_FRAMES_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum {
	FRAMES_IP = 14,
	FRAMES_TCP = FRAMES_IP + 20,
	FRAMES_SLOT = 256,
	FRAMES_SLOTS = 2048,
	FRAMES_FIN = 1,
	FRAMES_SYN = 2,
	FRAMES_RST = 4,
	FRAMES_PSH = 8,
	FRAMES_ACK = 16,
};

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static inline uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* n is even. */
static inline uint32_t sum16(const uint8_t *bytes, size_t n, uint32_t start)
{
	for (size_t i = 0; i < n; i += 2)
		start += get16(bytes + i);
	return start;
}

static inline uint32_t fold16(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return ~value & 0xffff;
}

/* All before the TCP header, which with what follows has n bytes. */
static inline void frames_begin(uint8_t *frame, const char *interface, const char *own,
				const char *host, const char *host_link, uint32_t n)
{
	struct ifreq request = {0};
	struct in_addr from, to;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		die(interface);
	close(fd);
	if (inet_pton(AF_INET, own, &from) != 1 || inet_pton(AF_INET, host, &to) != 1 ||
	    sscanf(host_link, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", frame, frame + 1,
		   frame + 2, frame + 3, frame + 4, frame + 5) != 6)
		die("address");
	memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
	put16(frame + 12, ETH_P_IP);
	frame[FRAMES_IP] = 0x45;
	put16(frame + FRAMES_IP + 2, FRAMES_TCP - FRAMES_IP + n);
	frame[FRAMES_IP + 6] = 0x40;
	frame[FRAMES_IP + 8] = 64;
	frame[FRAMES_IP + 9] = IPPROTO_TCP;
	memcpy(frame + FRAMES_IP + 12, &from, 4);
	memcpy(frame + FRAMES_IP + 16, &to, 4);
	put16(frame + FRAMES_IP + 10, fold16(sum16(frame + FRAMES_IP, 20, 0)));
}

/* Of the pseudo header and the n bytes, in which the checksum itself is 0. */
static inline uint32_t frames_tcp_sum(const uint8_t *frame, uint32_t n)
{
	return sum16(frame + FRAMES_TCP, n,
		     sum16(frame + FRAMES_IP + 12, 8, IPPROTO_TCP + n));
}

struct frames {
	int fd;
	uint8_t *ring;
	uint32_t slot;
};

/* TCP to the ports from first to last; one frame a slot, so that an answer shows at once. */
static inline void frames_open(struct frames *frames, const char *interface,
			       uint16_t first, uint16_t last)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FRAMES_IP + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, FRAMES_TCP + 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, FRAMES_SLOT / 2),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(code[0]),
					  (struct sock_filter *)(uintptr_t)code};
	const struct tpacket_req room = {
		.tp_block_size = FRAMES_SLOT * FRAMES_SLOTS,
		.tp_block_nr = 1,
		.tp_frame_size = FRAMES_SLOT,
		.tp_frame_nr = FRAMES_SLOTS,
	};
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_IP),
				       .sll_ifindex = (int)if_nametoindex(interface)};
	const int version = TPACKET_V2, one = 1;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &room, sizeof(room)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		die("ring");
	frames->ring = mmap(NULL, (size_t)FRAMES_SLOT * FRAMES_SLOTS,
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (frames->ring == MAP_FAILED ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		die("ring");
	frames->fd = fd;
	frames->slot = 0;
}

/* The next frame, or NULL; it stays until frames_done(). */
static inline const uint8_t *frames_next(const struct frames *frames)
{
	const uint8_t *slot = frames->ring + (size_t)frames->slot * FRAMES_SLOT;
	const struct tpacket2_hdr *header = (const void *)slot;

	if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return NULL;
	return slot + header->tp_mac;
}

static inline void frames_done(struct frames *frames)
{
	struct tpacket2_hdr *header =
		(void *)(frames->ring + (size_t)frames->slot * FRAMES_SLOT);

	__atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	frames->slot = (frames->slot + 1) % FRAMES_SLOTS;
}

static inline void frames_send(const struct frames *frames, struct mmsghdr *messages,
			       uint32_t count)
{
	uint32_t sent = 0;

	while (sent < count) {
		int r = sendmmsg(frames->fd, messages + sent, count - sent, 0);

		if (r < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("send");
		sent += r > 0 ? (uint32_t)r : 0;
	}
}

#endif
