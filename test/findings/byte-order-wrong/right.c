/* A client that writes its numbers as the server reads them. */
#include "../pair.h"

/* As the lab's sheet has it: ID, word, N, numbers, without padding, little-endian. */
static void *serve(void *listener)
{
	unsigned char request[20] = {0}, reply[8];
	int connection = accept(*(int *)listener, NULL, NULL), numbers[2];

	recv(connection, request, sizeof(request), MSG_WAITALL);
	memcpy(numbers, request + 12, sizeof(numbers));
	if (numbers[1] > numbers[0])
		numbers[0] = numbers[1];
	memcpy(reply, request, 4);
	memcpy(reply + 4, numbers, 4);
	send(connection, reply, sizeof(reply), 0);
	while (recv(connection, request, sizeof(request), 0) > 0)
		;
	close(connection);
	return NULL;
}

int main(void)
{
	unsigned char request[20] = "\7\0\0\0Maximum\2", reply[8];
	int listener = listen_at(50000), client = connect_there();
	int numbers[2] = {1, 256};
	pthread_t thread = begin(serve, &listener);

	memcpy(request + 12, numbers, sizeof(numbers));
	send(client, request, sizeof(request), 0);
	recv(client, reply, sizeof(reply), MSG_WAITALL);
	close(client);
	pthread_join(thread, NULL);
	close(listener);
	return 0;
}
