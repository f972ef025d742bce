/* bench_blast INTERFACE COUNT BYTES: sends so many UDP datagrams of so many bytes to
 * 192.0.2.2 out of the interface, as fast as one thread can; prints "SENT SECONDS". */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, BYTES_MOST = 1400 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static char bytes[BYTES_MOST];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct mmsghdr messages[BATCH];
	struct iovec part = {.iov_base = bytes};
	long count, sent = 0;
	double began;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || fd < 0)
		return 2;
	count = atol(argv[2]);
	part.iov_len = (size_t)atol(argv[3]);
	if (part.iov_len > BYTES_MOST)
		return 2;
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, argv[1],
		   (socklen_t)strlen(argv[1]) + 1);
	inet_pton(AF_INET, "192.0.2.2", &to.sin_addr);
	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &part;
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = sizeof(to);
	}
	began = now();
	while (sent < count) {
		unsigned want = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
		int r = sendmmsg(fd, messages, want, 0);

		if (r > 0)
			sent += r;
	}
	printf("%ld %.6f\n", sent, now() - began);
	return 0;
}
