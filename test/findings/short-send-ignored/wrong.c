/* A sender that believes that send() sends everything.
 *
 * also: zero-window
 */
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
	size_t size = 50000000;
	char *message = calloc(size, 1);
	int listener = listen_at(0), client = connect_there();
	pthread_t thread;

	send(client, message, size, MSG_DONTWAIT); /* here */
	thread = begin(serve, &listener);
	close(client);
	pthread_join(thread, NULL);
	free(message);
	return 0;
}
