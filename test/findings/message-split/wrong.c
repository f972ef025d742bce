/* A client that takes what one recv() brings for the whole message.
 *
 * also: reset-by-unread-input
 */
#include <poll.h>

#include "../pair.h"

static void *serve(void *listener)
{
	static char message[40000];
	int connection = accept(*(int *)listener, NULL, NULL);
	size_t sent = 0;

	while (sent < sizeof(message)) {
		ssize_t n = send(connection, message + sent, sizeof(message) - sent,
				 MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	close(connection);
	return NULL;
}

int main(void)
{
	static char message[65536];
	int listener = listen_at(0), client = socket(AF_INET, SOCK_STREAM, 0),
	    room = 8192;
	pthread_t thread = begin(serve, &listener);
	struct pollfd more = {.fd = client, .events = POLLIN};

	setsockopt(client, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	connect(client, (struct sockaddr *)&address, sizeof(address));
	recv(client, message, sizeof(message), 0); /* here */
	poll(&more, 1, -1);
	close(client);
	pthread_join(thread, NULL);
	return 0;
}
