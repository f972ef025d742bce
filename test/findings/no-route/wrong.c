/* An address in the machine's own order of bytes. */
#include "../pair.h"

int main(void)
{
	int client = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr *to = (struct sockaddr *)&address;

	address.sin_addr.s_addr = INADDR_LOOPBACK;
	address.sin_port = htons(50000);
	sendto(client, "hi", 2, 0, to, sizeof(address)); /* here */
	close(client);
	return 0;
}
