/* What the reference servers share: the calculation protocol, written once more as short as
 * it goes, for sums of well-formed requests. */
#ifndef PEERS_CALC_H
#define PEERS_CALC_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CALC_INPUT = 1 << 16,
	CALC_OUTPUT = 1 << 16,
	CALC_HEAD = 4 + 5 + 1, /* ID, "Summe", N */
};

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Answers all whole requests of in[0..n); returns how many bytes they were. */
static inline size_t calc_answer(const uint8_t *in, size_t n, uint8_t *out,
				 size_t *ret_given)
{
	size_t at = 0, given = 0;

	while (n - at >= CALC_HEAD) {
		const uint8_t *request = in + at;
		size_t count = request[9], length = CALC_HEAD + 4 * count;
		uint32_t sum = 0;
		if (memcmp(request + 4, "Summe", 5) != 0)
			die("not a sum");
		if (n - at < length)
			break;
		for (size_t i = 0; i < count; i++) {
			uint32_t number;
			memcpy(&number, request + CALC_HEAD + 4 * i, 4);
			sum += number;
		}
		memcpy(out + given, request, 4);
		memcpy(out + given + 4, &sum, 4);
		given += 8;
		at += length;
	}
	*ret_given = given;
	return at;
}

/* Bound to any port of the loopback address, which it prints. */
static inline int calc_bind(int type)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int yes = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		die("bind");
	if ((type & ~SOCK_NONBLOCK) == SOCK_STREAM) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		if (listen(fd, SOMAXCONN) < 0)
			die("listen");
	}
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

#endif
