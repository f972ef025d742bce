/* A client that is bound itself, and whose server listens. */
#include "../pair.h"

int main(void)
{
	int listener = listen_at(50000), client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in own = {.sin_family = AF_INET};

	if (bind(client, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    connect(client, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 1;
	close(client);
	close(listener);
	return 0;
}
