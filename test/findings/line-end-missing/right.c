/* A client that ends its line. */
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

	set_timeout(client, 30);
	send(client, "hello\n", 6, 0);
	recv(client, bytes, sizeof(bytes), 0);
	close(client);
	pthread_join(thread, NULL);
	close(listener);
	return 0;
}
