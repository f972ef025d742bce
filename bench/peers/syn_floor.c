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
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

#include "frames.h"

enum {
	PORTS = 65535,
	BATCH = 64,
	WINDOW =
		512, /* the kernel's queue of a processor takes 1000, the ring twice that */
	SYN_BYTES = 24,
	FRAME = FRAMES_TCP + SYN_BYTES,
	PATIENCE_MS = 1000,
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

static struct frames frames;
static uint16_t own_port;
static struct in_addr host;

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

static void make_frame(uint8_t *frame, char **words)
{
	frames_begin(frame, words[1], words[2], words[3], words[4], SYN_BYTES);
	put16(frame + FRAMES_TCP, own_port);
	put32(frame + FRAMES_TCP + 4, SEQUENCE);
	frame[FRAMES_TCP + 12] = SYN_BYTES / 4 << 4;
	frame[FRAMES_TCP + 13] = FRAMES_SYN;
	put16(frame + FRAMES_TCP + 14, 1024);
	memcpy(frame + FRAMES_TCP + 20, "\2\4\5\264", 4);
	checksum = frames_tcp_sum(frame, SYN_BYTES);
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

static void take(const uint8_t *frame)
{
	const uint8_t *tcp = frame + FRAMES_TCP;
	uint32_t port = get16(tcp);

	if (memcmp(frame + FRAMES_IP + 12, &host, 4) != 0 ||
	    get32(tcp + 8) != SEQUENCE + 1 || seen[port] ||
	    !(tcp[13] & (FRAMES_RST | FRAMES_SYN)) || !(tcp[13] & FRAMES_ACK))
		return;
	seen[port] = 1;
	__atomic_store_n(&answered, answered + 1, __ATOMIC_RELAXED);
}

static void drain(void)
{
	const uint8_t *frame;

	while ((frame = frames_next(&frames))) {
		take(frame);
		frames_done(&frames);
	}
}

static void send_batch(struct sender *sender, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		put16(sender->frames[i] + FRAMES_TCP + 2, first + i);
		put16(sender->frames[i] + FRAMES_TCP + 16, fold16(checksum + first + i));
	}
	frames_send(&frames, sender->messages, count);
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
	int64_t began_ns;

	if (argc != 6 || inet_pton(AF_INET, argv[3], &host) != 1) {
		fprintf(stderr, "syn_floor INTERFACE OWN HOST HOST'S-LINK THREADS\n");
		return 2;
	}
	own_port = hold_port();
	make_frame(frame, argv);
	frames_open(&frames, argv[1], own_port, own_port);
	for (int i = 0; i < 1 + has_two; i++)
		init_sender(&senders[i], frame);
	began_ns = now_ns();
	if (has_two && pthread_create(&thread, NULL, run, &senders[1]) != 0)
		die("thread");
	run(&senders[0]);
	while (answered < PORTS) {
		struct pollfd more = {.fd = frames.fd, .events = POLLIN};

		drain();
		if (answered < PORTS && poll(&more, 1, PATIENCE_MS) == 0) {
			fprintf(stderr, "%u ports were not answered\n", PORTS - answered);
			return 1;
		}
	}
	printf("seconds %.6f\n", (double)(now_ns() - began_ns) / 1e9);
	return 0;
}
