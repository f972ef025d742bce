/* A client that lays out its request without padding. */
#include "../pair.h"

/* As the lab's sheet has it: ID, word, N, numbers, without padding, little-endian. */
static void *serve(void *listener)
{
	unsigned char request[18] = {0}, reply[8];
	int connection = accept(*(int *)listener, NULL, NULL), numbers[2];

	recv(connection, request, sizeof(request), MSG_WAITALL);
	memcpy(numbers, request + 10, sizeof(numbers));
	numbers[0] += numbers[1];
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
	struct __attribute__((packed)) {
		unsigned id;
		char word[5];
		unsigned char count;
		int numbers[2];
	} request = {7, {'S', 'u', 'm', 'm', 'e'}, 2, {1, 2}};
	unsigned char reply[8];
	int listener = listen_at(50000), client = connect_there();
	pthread_t thread = begin(serve, &listener);

	send(client, &request, sizeof(request), 0);
	recv(client, reply, sizeof(reply), MSG_WAITALL);
	close(client);
	pthread_join(thread, NULL);
	close(listener);
	return 0;
}
