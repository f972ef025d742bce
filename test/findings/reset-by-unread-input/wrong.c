/* A server that closes without having read the question. */
#include "../pair.h"

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	send(client, "question", 8, 0);
	recv(connection, bytes, 1, MSG_PEEK);
	close(connection); /* here */
	close(client);
	close(listener);
	return 0;
}
