/* Connections that only weigh: crowd PORT IDLE SLOW
 *
 * IDLE of them say nothing; SLOW send a byte a second each, of a request for a sum, and
 * read a byte a second of its answer.  Prints "ready" when all are connected, and stays. */
#include <time.h>

#include "calc.h"

enum { CROWD_MOST = 20000 };

static int fds[CROWD_MOST];

static int open_one(uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	return fd;
}

int main(int argc, char **argv)
{
	static const uint8_t request[] = "\1\0\0\0Summe\2\1\0\0\0\2\0\0\0";
	uint8_t byte;

	if (argc != 4)
		return 2;
	int idle = atoi(argv[2]), slow = atoi(argv[3]);
	if (idle < 0 || slow < 1 || idle + slow > CROWD_MOST)
		return 2;
	for (int i = 0; i < idle + slow; i++)
		fds[i] = open_one((uint16_t)atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	/* Spread over the second, so that they do not come in a flood. */
	const struct timespec step = {.tv_nsec = 999999999 / slow};
	for (unsigned long turn = 0;; turn++) {
		int fd = fds[idle + (int)(turn % (unsigned long)slow)];
		send(fd, &request[turn / (unsigned long)slow % 18], 1, MSG_NOSIGNAL);
		recv(fd, &byte, 1, MSG_DONTWAIT);
		nanosleep(&step, NULL);
	}
}
