/* An address in network order. */
#include "../pair.h"

int main(void)
{
	int client = socket(AF_INET, SOCK_DGRAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(50000);
	sendto(client, "hi", 2, 0, (struct sockaddr *)&address, sizeof(address));
	close(client);
	return 0;
}
