/* leader_exec DEPTH: threads are born all the time, others block in recv; one that is not
 * the leader executes this program again, DEPTH times.  Ends with 7. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char *self;
static int depth;

static void *be_short(void *unused)
{
	char byte = 0;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		send(pair[0], &byte, 1, 0);
		recv(pair[1], &byte, 1, 0);
		close(pair[0]);
		close(pair[1]);
	}
	return unused;
}

static void *make_threads(void *unused)
{
	while (depth) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, be_short, NULL) == 0)
			pthread_detach(thread);
	}
	return unused;
}

static void *block(void *unused)
{
	char byte;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		recv(pair[1], &byte, 1, 0);
	return unused;
}

static void *execute(void *unused)
{
	char next[16];

	(void)unused;
	usleep(20000);
	snprintf(next, sizeof(next), "%d", depth - 1);
	execl(self, self, next, (char *)NULL);
	abort();
}

int main(int count, char **arguments)
{
	pthread_t thread;

	self = arguments[0];
	depth = count > 1 ? atoi(arguments[1]) : 0;
	if (depth == 0)
		return 7;
	for (int i = 0; i < 8; i++)
		pthread_create(&thread, NULL, block, NULL);
	pthread_create(&thread, NULL, make_threads, NULL);
	pthread_create(&thread, NULL, execute, NULL);
	if (depth % 2)
		pthread_exit(NULL); /* the leader goes first */
	pause();
	return 1;
}
