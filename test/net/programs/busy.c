/* busy THREADS: threads that make one socket call after the other, until they are ended. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

static void *call(void *unused)
{
	char byte = 0;
	int pair[2];

	(void)unused;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	while (send(pair[0], &byte, 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1)
		;
	abort();
}

int main(int count, char **arguments)
{
	pthread_t thread;

	for (int i = 1; i < (count > 1 ? atoi(arguments[1]) : 1); i++)
		pthread_create(&thread, NULL, call, NULL);
	call(NULL);
	return 0;
}
