/* wait_server.py in C. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "barrier.h"

static void serve(int conn)
{
	char request[1024];

	about_to_wait("request");
	ssize_t n = recv(conn, request, sizeof(request), 0); /* request */
	for (ssize_t i = 0; i < n; i++)
		request[i] = (char)toupper((unsigned char)request[i]);
	until_waiting("answer");
	if (send(conn, request, 8, 0) != 8) /* reply */
		_exit(1);
	about_to_wait("end");
	if (recv(conn, request, sizeof(request), 0) != 0) /* end */
		_exit(1);
	close(conn); /* close */
}

int main(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(50000)};
	int server = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(server, 5) < 0)
		return 1;
	about_to_wait("accept");
	serve(accept(server, NULL, NULL)); /* accept */
	close(server);
	return 0;
}
