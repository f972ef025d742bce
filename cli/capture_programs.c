/* See capture_programs.h.  The capturing process may make no process and kill none by the
 * time they end: the kernel tells them that it has gone. */
#include "capture_programs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void run_line(const char *line, bool own_stdout)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (own_stdout)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

int capture_programs_start(struct capture_programs *programs, const char *const *lines,
			   size_t count, bool own_stdout, struct sonde_error *err)
{
	for (size_t i = 0; i < count && i < CAPTURE_PROGRAMS_MOST; i++) {
		pid_t pid = fork();
		int fd = -1;

		if (pid == 0)
			run_line(lines[i], own_stdout);
		if (pid > 0)
			fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd < 0)
			return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "start",
					       lines[i], NULL);
		programs->fds[programs->count++] = fd;
	}
	return 0;
}

bool capture_programs_have_ended(struct capture_programs *programs)
{
	bool have_ended = true;

	for (size_t i = 0; i < programs->count; i++) {
		struct pollfd ended = {.fd = programs->fds[i], .events = POLLIN};

		if (programs->fds[i] < 0)
			continue;
		if (poll(&ended, 1, 0) > 0) {
			close(programs->fds[i]);
			programs->fds[i] = -1;
		} else {
			have_ended = false;
		}
	}
	return have_ended;
}

void capture_programs_done(struct capture_programs *programs)
{
	for (size_t i = 0; i < programs->count; i++) {
		if (programs->fds[i] >= 0)
			close(programs->fds[i]);
	}
	programs->count = 0;
}
