/* Programs for tests to look at. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracee.h"

static pid_t start(char *const arguments[])
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int gate[2];
	char go;

	if (pipe(gate) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &go, 1) != 1)
			_exit(125);
		close(gate[0]);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(gate[0]);
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, options) < 0 ||
	    write(gate[1], "", 1) != 1)
		pid = -1;
	close(gate[1]);
	return pid;
}

static pid_t process_of(pid_t tid)
{
	char path[64], line[128];
	int pid = tid;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	FILE *status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &pid) == 1)
			break;
	if (status)
		fclose(status);
	return pid;
}

static bool is_marked(long number)
{
	return number == SYS_getppid || number == SYS_accept4 || number == SYS_exit_group;
}

int tracee_run(char *const arguments[], tracee_mark *mark, void *context)
{
	bool is_first = false;
	int status, result = -1;
	pid_t main_pid = start(arguments);

	if (main_pid < 0)
		return -1;
	alarm(60);
	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0)
			break;
		if (!WIFSTOPPED(status)) {
			if (tid == main_pid)
				result = status;
			continue;
		}
		int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;
		if (event == PTRACE_EVENT_EXEC) {
			is_first = true;
		} else if (signal == (SIGTRAP | 0x80)) {
			struct ptrace_syscall_info info;
			ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info);
			long number = (long)info.entry.nr;
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY &&
			    (is_first || is_marked(number)))
				mark(context, process_of(tid), tid,
				     is_first ? -1 : number);
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
				is_first = false;
		} else if (!event) {
			deliver = signal;
		}
		ptrace(PTRACE_SYSCALL, tid, NULL, deliver);
	}
	alarm(0);
	return result;
}
