/* A client with a time limit. */
#include "../pair.h"

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	set_timeout(client, 1);
	recv(client, bytes, sizeof(bytes), 0);
	close(client);
	close(connection);
	close(listener);
	return 0;
}
