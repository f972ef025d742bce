/* A program that nobody may look into, with a child of its kind. */
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int pair[2];
	char byte;

	if (prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	if (fork() == 0)
		_exit(send(pair[1], "a", 1, 0) != 1);
	if (recv(pair[0], &byte, 1, 0) != 1)
		return 1;
	wait(NULL);
	puts("talked");
	return 0;
}
