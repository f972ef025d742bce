/* The least time in which this machine can ask all ports of a host by SYN packets, and hear
 * of each: what a scan is measured against; it knows nothing of what it measures.
 *
 *	syn_floor INTERFACE OWN-ADDRESS HOST HOST'S-LINK-ADDRESS THREADS
 *
 * It sends the packets of a real scan, 58 bytes each, one to each of the 65,535 ports, as
 * frames past the queueing discipline, in batches; a ring of the kernel's, with a filter in
 * it, shows the answers.  Never more than WINDOW probes are without an answer, so that
 * nothing is lost, and each port has to have been answered at the end: else it fails.  With
 * two threads the other one sends, too, and only the first one reads.
 *
 * What it leaves out is all that makes this a scan: looking whether the host is up, a route
 * and a link address that are found and not given, an order that spreads the load, numbers
 * that no stranger can guess (here one port and one sequence number are all probes'), a
 * time and a state of each probe, the watch for loss, for limits and for a stop, and a
 * result.  Its packets differ in one field, so that their checksums cost one addition. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PORTS = 65535,
	BATCH = 64,
	WINDOW = 512, /* the kernel's queue of a processor takes 1000, the ring SLOTS */
	IP = 14,
	TCP = IP + 20,
	FRAME = TCP + 24,
	SLOT = 256,
	SLOTS = 1024,
	PATIENCE_MS = 1000,
	SYN = 2,
	RST = 4,
	ACK = 16,
};

#define SEQUENCE 0x12345678u

struct sender {
	uint8_t frames[BATCH][FRAME];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

static struct sender senders[2];
static uint32_t checksum; /* of a SYN to port 0, not folded */
static uint32_t next;     /* atomic: ports that were taken */
static uint32_t answered; /* atomic */
static uint8_t seen[PORTS + 1];

static int packet_fd;
static uint8_t *ring;
static uint32_t slot;
static uint16_t own_port;
static struct in_addr host;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static uint32_t sum(const uint8_t *bytes, size_t n, uint32_t start)
{
	for (size_t i = 0; i < n; i += 2)
		start += get16(bytes + i);
	return start;
}

static uint32_t fold(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return ~value & 0xffff;
}

/* Held, so that nobody else gets it and the kernel resets what was opened. */
static uint16_t hold_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &length) < 0)
		die("hold a port");
	return ntohs(at.sin_port);
}

static void make_frame(uint8_t *frame, const char *interface, const char *own,
		       const char *link)
{
	struct ifreq request = {0};
	struct in_addr from;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		die(interface);
	close(fd);
	if (inet_pton(AF_INET, own, &from) != 1 ||
	    sscanf(link, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", frame, frame + 1, frame + 2,
		   frame + 3, frame + 4, frame + 5) != 6)
		die("address");
	memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
	put16(frame + 12, ETH_P_IP);
	frame[IP] = 0x45;
	put16(frame + IP + 2, FRAME - IP);
	frame[IP + 6] = 0x40;
	frame[IP + 8] = 64;
	frame[IP + 9] = IPPROTO_TCP;
	memcpy(frame + IP + 12, &from, 4);
	memcpy(frame + IP + 16, &host, 4);
	put16(frame + IP + 10, fold(sum(frame + IP, 20, 0)));
	put16(frame + TCP, own_port);
	put16(frame + TCP + 4, SEQUENCE >> 16);
	put16(frame + TCP + 6, SEQUENCE & 0xffff);
	frame[TCP + 12] = 24 / 4 << 4;
	frame[TCP + 13] = SYN;
	put16(frame + TCP + 14, 1024);
	memcpy(frame + TCP + 20, "\2\4\5\264", 4);
	checksum = sum(frame + TCP, 24, sum(frame + IP + 12, 8, IPPROTO_TCP + 24));
}

static void init_sender(struct sender *sender, const uint8_t *frame)
{
	for (int i = 0; i < BATCH; i++) {
		memcpy(sender->frames[i], frame, FRAME);
		sender->parts[i] = (struct iovec){sender->frames[i], FRAME};
		sender->messages[i].msg_hdr.msg_iov = &sender->parts[i];
		sender->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* TCP to our port, of one frame a slot, so that an answer shows at once. */
static void open_ring(int index)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TCP + 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(code[0]),
					  (struct sock_filter *)(uintptr_t)code};
	const struct tpacket_req room = {
		.tp_block_size = SLOT * SLOTS,
		.tp_block_nr = 1,
		.tp_frame_size = SLOT,
		.tp_frame_nr = SLOTS,
	};
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_IP),
				       .sll_ifindex = index};
	const int version = TPACKET_V2, one = 1;

	packet_fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (packet_fd < 0 ||
	    setsockopt(packet_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) <
		    0 ||
	    setsockopt(packet_fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) <
		    0 ||
	    setsockopt(packet_fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) <
		    0 ||
	    setsockopt(packet_fd, SOL_PACKET, PACKET_RX_RING, &room, sizeof(room)) < 0 ||
	    setsockopt(packet_fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		die("ring");
	ring = mmap(NULL, (size_t)SLOT * SLOTS, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, packet_fd, 0);
	if (ring == MAP_FAILED ||
	    bind(packet_fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		die("ring");
}

static void take(const uint8_t *frame)
{
	uint32_t port = get16(frame + TCP);

	if (memcmp(frame + IP + 12, &host, 4) != 0 ||
	    get32(frame + TCP + 8) != SEQUENCE + 1 || seen[port] ||
	    !(frame[TCP + 13] & (RST | SYN)) || !(frame[TCP + 13] & ACK))
		return;
	seen[port] = 1;
	__atomic_store_n(&answered, answered + 1, __ATOMIC_RELAXED);
}

static void drain(void)
{
	for (;;) {
		struct tpacket2_hdr *header = (void *)(ring + (size_t)slot * SLOT);

		if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) &
		      TP_STATUS_USER))
			return;
		take((const uint8_t *)header + header->tp_mac);
		__atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		slot = (slot + 1) % SLOTS;
	}
}

static void send_batch(struct sender *sender, uint32_t first, uint32_t count)
{
	uint32_t sent = 0;

	for (uint32_t i = 0; i < count; i++) {
		put16(sender->frames[i] + TCP + 2, first + i);
		put16(sender->frames[i] + TCP + 16, fold(checksum + first + i));
	}
	while (sent < count) {
		int r = sendmmsg(packet_fd, sender->messages + sent, count - sent, 0);

		if (r < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("send");
		sent += r > 0 ? (uint32_t)r : 0;
	}
}

/* Ports are 1 to PORTS. */
static void *run(void *argument)
{
	struct sender *sender = argument;
	bool reads = sender == &senders[0];

	for (;;) {
		uint32_t first = __atomic_fetch_add(&next, BATCH, __ATOMIC_RELAXED) + 1;
		uint32_t left = first <= PORTS ? PORTS + 1 - first : 0;

		if (!left)
			return NULL;
		while (__atomic_load_n(&answered, __ATOMIC_RELAXED) + WINDOW < first)
			if (reads)
				drain();
		send_batch(sender, first, left < BATCH ? left : BATCH);
		if (reads)
			drain();
	}
}

int main(int argc, char **argv)
{
	uint8_t frame[FRAME] = {0};
	bool has_two = argc == 6 && atoi(argv[5]) == 2;
	pthread_t thread;
	int index;
	double began;

	if (argc != 6 || inet_pton(AF_INET, argv[3], &host) != 1) {
		fprintf(stderr, "syn_floor INTERFACE OWN HOST HOST'S-LINK THREADS\n");
		return 2;
	}
	index = (int)if_nametoindex(argv[1]);
	own_port = hold_port();
	make_frame(frame, argv[1], argv[2], argv[4]);
	open_ring(index);
	for (int i = 0; i < 1 + has_two; i++)
		init_sender(&senders[i], frame);
	began = now();
	if (has_two && pthread_create(&thread, NULL, run, &senders[1]) != 0)
		die("thread");
	run(&senders[0]);
	while (answered < PORTS) {
		struct pollfd more = {.fd = packet_fd, .events = POLLIN};

		drain();
		if (answered < PORTS && poll(&more, 1, PATIENCE_MS) == 0) {
			fprintf(stderr, "%u ports were not answered\n", PORTS - answered);
			return 1;
		}
	}
	printf("seconds %.6f\n", now() - began);
	return 0;
}
