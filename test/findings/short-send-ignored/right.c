/* A sender that sends the rest, too. */
#include "../pair.h"

static void *serve(void *listener)
{
	static char bytes[65536];
	int connection = accept(*(int *)listener, NULL, NULL);

	while (recv(connection, bytes, sizeof(bytes), 0) > 0)
		;
	close(connection);
	return NULL;
}

int main(void)
{
	size_t size = 5000000;
	char *message = calloc(size, 1);
	int listener = listen_at(0), client = connect_there();
	pthread_t thread;

	thread = begin(serve, &listener);
	for (size_t sent = 0; sent < size;) {
		ssize_t n = send(client, message + sent, size - sent, 0);

		if (n < 0)
			return 1;
		sent += (size_t)n;
	}
	close(client);
	pthread_join(thread, NULL);
	free(message);
	return 0;
}
