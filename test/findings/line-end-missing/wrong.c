/* A client that sends its line without an end. */
#include "../pair.h"

static void *serve(void *listener)
{
	char line[1024];
	FILE *file = fdopen(accept(*(int *)listener, NULL, NULL), "r+");

	if (fgets(line, sizeof(line), file))
		fputs(line, file);
	fclose(file);
	return NULL;
}

int main(void)
{
	char bytes[1024];
	int listener = listen_at(0), client = connect_there();
	pthread_t thread = begin(serve, &listener);

	set_timeout(client, 2);
	send(client, "hello", 5, MSG_NOSIGNAL); /* here */
	recv(client, bytes, sizeof(bytes), 0);
	close(client);
	pthread_join(thread, NULL);
	close(listener);
	return 0;
}
