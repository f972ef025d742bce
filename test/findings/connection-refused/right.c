/* A client with a server. */
#include "../pair.h"

int main(void)
{
	int listener = listen_at(50000), client = socket(AF_INET, SOCK_STREAM, 0);

	connect(client, (struct sockaddr *)&address, sizeof(address));
	close(client);
	close(listener);
	return 0;
}
