/* A server whose port is in the machine's own order of bytes: 50000 is 20675 then. */
#include "../pair.h"

int main(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = 50000;
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 5) < 0)
		return 1;
	address.sin_port = htons(50000);
	connect(client, (struct sockaddr *)&address, sizeof(address)); /* here */
	close(client);
	close(listener);
	return 0;
}
