/* Forks while two threads open and close sockets; each child sends a byte through all that
 * it has.  Prints how many could be sent. */
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 150, FIRST = 3, LAST = 11 };

static void *open_and_close(void *argument)
{
	for (;;) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
			return argument;
		usleep(50);
		close(pair[0]);
		close(pair[1]);
	}
}

static int send_all(void)
{
	int sent = 0;

	for (int fd = FIRST; fd <= LAST; fd++)
		sent += send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
	return sent;
}

int main(void)
{
	pthread_t threads[2];
	int sum = 0;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, open_and_close, NULL) != 0)
			return 1;
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(send_all());
		if (waitpid(child, &status, 0) != child)
			return 1;
		sum += WEXITSTATUS(status);
	}
	printf("%d\n", sum);
	fflush(stdout);
	_exit(0);
}
