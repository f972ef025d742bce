/* A server whose address is in the machine's own order of bytes. */
#include "../pair.h"

int main(void)
{
	int server = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = INADDR_LOOPBACK;
	bind(server, (struct sockaddr *)&address, sizeof(address)); /* here */
	close(server);
	return 0;
}
