/* A server that never calls listen(). */
#include "../pair.h"

int main(void)
{
	int server = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(50000);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 1;
	connect(client, (struct sockaddr *)&address, sizeof(address)); /* here */
	close(client);
	close(server);
	return 0;
}
