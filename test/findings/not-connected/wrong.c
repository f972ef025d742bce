/* A client that forgets connect(). */
#include "../pair.h"

int main(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);

	send(client, "hi", 2, MSG_NOSIGNAL); /* here */
	close(client);
	return 0;
}
