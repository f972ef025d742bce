/* A client that connects first. */
#include "../pair.h"

int main(void)
{
	int listener = listen_at(50000), client = connect_there(), peer;
	char bytes[2];

	peer = accept(listener, NULL, NULL);
	send(client, "hi", 2, MSG_NOSIGNAL);
	recv(peer, bytes, sizeof(bytes), MSG_WAITALL);
	close(client);
	close(peer);
	close(listener);
	return 0;
}
