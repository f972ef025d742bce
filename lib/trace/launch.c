/* Starting a program that is traced from its first instruction.
 *
 *	tracer                          child
 *	fork                            waits on a pipe
 *	PTRACE_SEIZE
 *	writes a byte                   goes on: filter, exec
 *
 * The filter must not be there before the tracer is: RET_TRACE without one is ENOSYS. */
#include "trace/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/syscall.h"

void launch_prepare(struct launch_state *state, const sigset_t *mask,
		    void (*on_tick)(int signal))
{
	static const int kept[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE,
				   SIGILL,  SIGABRT, SIGTRAP};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction tick = {.sa_handler =
					 on_tick}; /* no SA_RESTART: ends a waitpid */
	struct rlimit files;
	sigset_t blocked;

	state->mask = *mask;
	sigaction(SIGPIPE, &ignore, &state->pipe);
	sigaction(SIGALRM, &tick, &state->alarm);
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		sigdelset(&blocked, kept[i]);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (getrlimit(RLIMIT_NOFILE, &state->files) == 0) {
		files = state->files;
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void restore(const struct launch_state *state)
{
	setrlimit(RLIMIT_NOFILE, &state->files);
	sigaction(SIGPIPE, &state->pipe, NULL);
	sigaction(SIGALRM, &state->alarm, NULL);
	sigprocmask(SIG_SETMASK, &state->mask, NULL);
}

static void __attribute__((noreturn))
run(char *const *arguments, bool stdout_to_stderr, const struct launch_state *state,
    int go_fd, int error_fd)
{
	ssize_t n;
	int error;
	char byte;

	do
		n = read(go_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(125); /* the tracer died: unwatched, every call would be ENOSYS */
	if (stdout_to_stderr)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	restore(state);
	error = syscall_install_filter();
	if (!error) {
		execvp(arguments[0], arguments);
		error = errno;
	}
	if (write(error_fd, &error, sizeof(error)) < 0)
		_exit(125);
	_exit(127);
}

int launch(char *const *arguments, bool stdout_to_stderr,
	   const struct launch_state *state, struct launched *ret)
{
	int go[2] = {-1, -1}, errors[2] = {-1, -1};
	pid_t pid;
	int error;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
		error = -errno;
		goto out;
	}
	pid = fork();
	if (pid < 0) {
		error = -errno;
		goto out;
	}
	if (pid == 0) {
		close(go[1]);
		close(errors[0]);
		run(arguments, stdout_to_stderr, state, go[0], errors[1]);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
			   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
			   PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) < 0) {
		error = -errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		goto out;
	}
	if (write(go[1], "", 1) != 1) {
		error = -errno;
		kill(pid, SIGKILL);
		goto out;
	}
	ret->pid = pid;
	ret->error_fd = errors[0];
	errors[0] = -1;
	error = 0;
out:
	close(go[0]);
	close(go[1]);
	if (errors[0] >= 0)
		close(errors[0]);
	if (errors[1] >= 0)
		close(errors[1]);
	return error;
}

int launch_error(struct launched *launched)
{
	int error = 0;

	if (read(launched->error_fd, &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(launched->error_fd);
	launched->error_fd = -1;
	return error;
}
