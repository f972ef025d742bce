/* What the reference servers share: the calculation protocol, written once more as short as
 * it goes: the four operations, modulo 2^32, in this machine's byte order. */
#ifndef PEERS_CALC_H
#define PEERS_CALC_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum {
	CALC_INPUT = 1 << 16,
	CALC_OUTPUT = 1 << 16,
	CALC_HEAD = 4 + 5 + 1, /* ID, "Summe", N: the least */
};

/* The letter of the operation at `word`, of which n bytes are there; its length. */
static inline char calc_operation(const uint8_t *word, size_t n, size_t *ret_length)
{
	static const char *const words[] = {"Summe", "Produkt", "Minimum", "Maximum"};

	for (int i = 0; i < 4; i++) {
		size_t length = strlen(words[i]);
		if (n >= length && memcmp(word, words[i], length) == 0) {
			*ret_length = length;
			return i == 2 ? 'm' : words[i][0];
		}
	}
	if (n >= 7)
		die("no operation");
	return 0;
}

static inline int32_t calc_join(char operation, int32_t a, int32_t b)
{
	switch (operation) {
	case 'S':
		return (int32_t)((uint32_t)a + (uint32_t)b);
	case 'P':
		return (int32_t)((uint32_t)a * (uint32_t)b);
	case 'm':
		return a < b ? a : b;
	default:
		return a > b ? a : b;
	}
}

/* Answers all whole requests of in[0..n); returns how many bytes they were. */
static inline size_t calc_answer(const uint8_t *in, size_t n, uint8_t *out,
				 size_t *ret_given)
{
	size_t at = 0, given = 0;

	while (n - at >= CALC_HEAD) {
		const uint8_t *request = in + at;
		size_t word;
		char operation = calc_operation(request + 4, n - at - 5, &word);
		if (!operation)
			break;
		size_t count = request[4 + word], length = 4 + word + 1 + 4 * count;
		int32_t result = 0;
		if (n - at < length)
			break;
		for (size_t i = 0; i < count; i++) {
			int32_t number;
			memcpy(&number, request + 4 + word + 1 + 4 * i, 4);
			result = i == 0 ? number : calc_join(operation, result, number);
		}
		memcpy(out + given, request, 4);
		memcpy(out + given + 4, &result, 4);
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

/* A connection to the port of the loopback address. */
static inline int calc_connect(uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

#endif
