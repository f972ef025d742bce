/* A server that reads the question to its end. */
#include "../pair.h"

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	send(client, "question", 8, 0);
	shutdown(client, SHUT_WR);
	while (recv(connection, bytes, sizeof(bytes), 0) > 0)
		;
	close(connection);
	close(client);
	close(listener);
	return 0;
}
