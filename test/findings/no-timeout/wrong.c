/* A client that waits for ever (here: until a signal ends it). */
#include "../pair.h"

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	alarm(3);
	recv(client, bytes, sizeof(bytes), 0); /* here */
	close(client);
	close(connection);
	close(listener);
	return 0;
}
