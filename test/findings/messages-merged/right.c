/* A server that answers each line. */
#include "../pair.h"

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	set_timeout(client, 30);
	send(client, "question\n", 9, 0);
	send(client, "question\n", 9, 0);
	recv(connection, bytes, sizeof(bytes), 0);
	for (const char *at = bytes; at < bytes + 18; at += 9)
		send(connection, "answer\n", 7, 0);
	recv(client, bytes, 7, MSG_WAITALL);
	recv(client, bytes, 7, MSG_WAITALL);
	close(client);
	close(connection);
	close(listener);
	return 0;
}
