/* Wants to be traced by its parent, and wants to trace its child: both fail under a
 * tracer.  With an argument: makes a child that no tracer sees. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t child;

	(void)argv;
	if (argc > 1) {
		child = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
		if (child == 0)
			_exit(0);
		return child < 0 || waitpid(child, NULL, 0) != child;
	}
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	printf("%d ", ptrace(PTRACE_SEIZE, child, 0, 0) < 0 ? errno : 0);
	printf("%d\n", ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? errno : 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
