/* Sends a datagram to each of five ports with one sendmmsg(), from a socket that has no
 * port before, ten times over: many_peers FIRST-PORT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 10, PEERS = 5 };

int main(int argc, char **argv)
{
	int first = argc > 1 ? atoi(argv[1]) : 7000;
	char letter = 'x';
	struct iovec vector = {.iov_base = &letter, .iov_len = 1};

	for (int round = 0; round < ROUNDS; round++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		struct sockaddr_in peers[PEERS] = {0};
		struct mmsghdr messages[PEERS] = {0};

		for (int i = 0; i < PEERS; i++) {
			peers[i].sin_family = AF_INET;
			peers[i].sin_port = htons((uint16_t)(first + round * PEERS + i));
			peers[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			messages[i].msg_hdr.msg_name = &peers[i];
			messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
			messages[i].msg_hdr.msg_iov = &vector;
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		if (sendmmsg(fd, messages, PEERS, 0) < 1)
			return 1;
		close(fd);
	}
	return 0;
}
