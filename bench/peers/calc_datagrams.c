/* A calculation server over UDP, one recvfrom and one sendto for each request. */
#include "calc.h"

int main(void)
{
	int fd = calc_bind(SOCK_DGRAM);
	uint8_t input[2048], output[2048];
	int room = 1 << 22; /* for all that its clients send at once */

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (;;) {
		struct sockaddr_in peer;
		socklen_t length = sizeof(peer);
		size_t given;
		ssize_t n = recvfrom(fd, input, sizeof(input), 0,
				     (struct sockaddr *)&peer, &length);
		if (n <= 0)
			continue;
		calc_answer(input, (size_t)n, output, &given);
		sendto(fd, output, given, 0, (struct sockaddr *)&peer, length);
	}
}
