/* A client without a server. */
#include "../pair.h"

int main(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(50000);
	connect(client, (struct sockaddr *)&address, sizeof(address)); /* here */
	close(client);
	return 0;
}
