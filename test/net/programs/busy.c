/* busy THREADS: threads that make one socket call after the other, until they are ended.
 * They begin when all are there. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

static pthread_barrier_t all_there;

static void *call(void *unused)
{
	char byte = 0;
	int pair[2];

	(void)unused;
	pthread_barrier_wait(&all_there);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	while (send(pair[0], &byte, 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1)
		;
	abort();
}

int main(int count, char **arguments)
{
	int threads = count > 1 ? atoi(arguments[1]) : 1;
	pthread_t thread;

	pthread_barrier_init(&all_there, NULL, (unsigned)threads);
	for (int i = 1; i < threads; i++)
		pthread_create(&thread, NULL, call, NULL);
	call(NULL);
	return 0;
}
