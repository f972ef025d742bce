/* A server that takes what one recv() brings for one question. */
#include "../pair.h"

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	set_timeout(client, 1);
	send(client, "question\n", 9, 0);
	send(client, "question\n", 9, 0);
	recv(connection, bytes, sizeof(bytes), 0); /* here */
	send(connection, "answer\n", 7, 0);
	recv(client, bytes, 7, MSG_WAITALL);
	recv(client, bytes, 7, MSG_WAITALL);
	close(client);
	close(connection);
	close(listener);
	return 0;
}
