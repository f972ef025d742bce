/* wait_client.py in C.  With an argument it waits by poll(), which is another statement. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "barrier.h"

static ssize_t ask(int sock, int waits_by_poll, char *answer, size_t n)
{
	struct pollfd entry = {.fd = sock, .events = POLLIN};

	send(sock, "eighteen bytes ok!", 18, 0); /* send */
	about_to_wait("answer");
	if (waits_by_poll)
		poll(&entry, 1, -1);     /* poll */
	return recv(sock, answer, n, 0); /* answer */
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(50000)};
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	char answer[1024];

	(void)argv;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	until_waiting("accept");
	if (connect(sock, (struct sockaddr *)&server, sizeof(server)) < 0) /* connect */
		return 1;
	until_waiting("request");
	ssize_t n = ask(sock, argc > 1, answer, sizeof(answer));
	until_waiting("end");
	close(sock); /* close */
	printf("%.*s\n", (int)n, answer);
	return 0;
}
