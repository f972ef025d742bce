/* The first thread ends by pthread_exit; what comes after is another's. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_t first;

static void *talk(void *argument)
{
	int pair[2];
	char bytes[8];

	pthread_join(first, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
	    send(pair[0], "hallo", 5, 0) != 5 || recv(pair[1], bytes, 8, 0) != 5)
		return argument;
	puts("talked");
	close(pair[0]);
	close(pair[1]);
	return argument;
}

int main(void)
{
	pthread_t second;

	first = pthread_self();
	if (pthread_create(&second, NULL, talk, NULL) != 0)
		return 1;
	pthread_exit(NULL);
}
