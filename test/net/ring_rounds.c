/* ring_rounds along|late ROUNDS DATAGRAMS BYTES: a child opens the packet ring in a
 * network namespace of its own and passes it on; this process, which stays outside, maps
 * it.  In each round the child sends numbered datagrams over loopback; they are read
 * while it does (along) or not (late), and as soon as it is done the ring is drained,
 * without any grace.
 *
 * Prints a line a round, tab-separated: the datagrams seen, those of them that came in
 * order and undamaged, and the ring's received, dropped and read in this round. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sonde/packet.h>

#include "capture/ring.h"

enum { PORT = 50000, DATAGRAM_MOST = 65507, DRAIN_MS = 5000 };

static void fail(const char *what)
{
	fprintf(stderr, "ring_rounds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void fail_with(const struct sonde_error *error)
{
	fprintf(stderr, "ring_rounds: %s %s: %s\n", error->operation, error->subject,
		error->reason);
	exit(1);
}

static void send_fd(int channel, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (sendmsg(channel, &message, 0) != 1)
		fail("sendmsg");
}

static int receive_fd(int channel)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1)
		fail("no ring from the child");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		fail("no descriptor from the child");
	memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

static void raise_loopback(int fd)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (ioctl(fd, SIOCSIFFLAGS, &request))
		fail("lo up");
}

/* Sends as many datagrams as it is told to, again and again. */
static void serve(int channel, size_t bytes)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static uint8_t datagram[DATAGRAM_MOST];
	struct sonde_error error;
	uint32_t count;
	int fd, ring;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) && unshare(CLONE_NEWNET))
		fail("unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		fail("socket");
	raise_loopback(fd);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("bind");
	ring = ring_open(&error);
	if (ring < 0)
		fail_with(&error);
	send_fd(channel, ring);
	close(ring);

	while (recv(channel, &count, sizeof(count), 0) == sizeof(count)) {
		for (uint32_t i = 0; i < count; i++) {
			memcpy(datagram, &i, sizeof(i));
			/* To itself, but never read: when the queue is full they are
			 * dropped, after they were captured. */
			if (sendto(fd, datagram, bytes, 0, (struct sockaddr *)&to,
				   sizeof(to)) != (ssize_t)bytes)
				fail("sendto");
		}
		if (send(channel, &count, sizeof(count), 0) != sizeof(count))
			fail("send");
	}
	exit(0);
}

struct seen {
	uint32_t datagrams, in_order;
	int64_t at_ns;
};

static void look(const struct ring_packet *packet, size_t bytes, struct seen *seen)
{
	struct sonde_decoded decoded;
	uint32_t number;

	sonde_packet_decode((enum sonde_link)packet->link, packet->bytes,
			    packet->captured_length, &decoded);
	if (decoded.proto != SONDE_PACKET_UDP || decoded.dst.port != PORT)
		return;
	if (decoded.payload_length == bytes && decoded.payload_captured == bytes &&
	    packet->at_ns >= seen->at_ns && !packet->is_outgoing &&
	    packet->captured_length == packet->wire_length) {
		memcpy(&number, packet->bytes + decoded.payload_offset, sizeof(number));
		seen->in_order += number == seen->datagrams;
	}
	seen->at_ns = packet->at_ns;
	seen->datagrams++;
}

/* Reads what comes until the child is done. */
static void read_along(struct ring *ring, int channel, size_t bytes, struct seen *seen)
{
	struct pollfd sources[] = {
		{.fd = ring_fd(ring), .events = POLLIN},
		{.fd = channel, .events = POLLIN},
	};
	struct ring_packet packet;

	while (!sources[1].revents) {
		if (poll(sources, 2, -1) < 0)
			fail("poll");
		while (ring_next(ring, &packet) > 0)
			look(&packet, bytes, seen);
	}
}

static void drain(struct ring *ring, size_t bytes, struct seen *seen)
{
	struct ring_packet packet;
	int r;

	while ((r = ring_drain(ring, DRAIN_MS)) > 0)
		while (ring_next(ring, &packet) > 0)
			look(&packet, bytes, seen);
	if (r < 0) {
		errno = -r;
		fail("drain");
	}
}

int main(int argc, char **argv)
{
	struct ring_counts before = {0}, after;
	struct sonde_error error;
	struct ring *ring;
	unsigned rounds;
	uint32_t count;
	size_t bytes;
	bool is_along;
	int channel[2], status;
	pid_t child;

	if (argc != 5)
		return 2;
	is_along = strcmp(argv[1], "along") == 0;
	rounds = (unsigned)strtoul(argv[2], NULL, 10);
	count = (uint32_t)strtoul(argv[3], NULL, 10);
	bytes = strtoul(argv[4], NULL, 10);
	if (bytes < sizeof(count) || bytes > DATAGRAM_MOST)
		return 2;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		fail("socketpair");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		close(channel[0]);
		serve(channel[1], bytes);
	}
	close(channel[1]);
	if (ring_map(receive_fd(channel[0]), &ring, &error) < 0)
		fail_with(&error);
	for (unsigned round = 0; round < rounds; round++) {
		struct seen seen = {0};

		if (send(channel[0], &count, sizeof(count), 0) != sizeof(count))
			fail("send");
		if (is_along)
			read_along(ring, channel[0], bytes, &seen);
		if (recv(channel[0], &count, sizeof(count), 0) != sizeof(count))
			fail("the child");
		drain(ring, bytes, &seen);
		ring_count(ring, &after);
		printf("%u\t%u\t%llu\t%llu\t%llu\n", seen.datagrams, seen.in_order,
		       (unsigned long long)(after.received - before.received),
		       (unsigned long long)(after.dropped - before.dropped),
		       (unsigned long long)(after.read - before.read));
		before = after;
	}
	close(channel[0]);
	if (waitpid(child, &status, 0) != child || status)
		fail("the child ended badly");
	ring_free(ring);
	return 0;
}
