/* A server that closes what its clients have left. */
#include "../pair.h"

static void *serve(void *listener)
{
	char bytes[1024];

	for (int i = 0; i < 3; i++) {
		int connection = accept(*(int *)listener, NULL, NULL);

		while (recv(connection, bytes, sizeof(bytes), 0) > 0)
			;
		close(connection);
	}
	return NULL;
}

int main(void)
{
	int listener = listen_at(0);
	pthread_t thread = begin(serve, &listener);

	for (int i = 0; i < 3; i++) {
		int client = connect_there();

		send(client, "hello", 5, 0);
		close(client);
	}
	pthread_join(thread, NULL);
	close(listener);
	return 0;
}
