/* A child that shares the descriptors of its parent (CLONE_FILES) and is no thread of it:
 * it opens a pair, sends, and ends; its parent closes one and uses the other. */
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int pair[2];
	char byte;
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (child == 0)
		_exit(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pair[0] != 3 ||
		      send(3, "x", 1, 0) != 1);
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 1;
	return close(3) < 0 || recv(4, &byte, 1, 0) != 1;
}
