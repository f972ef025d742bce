/* Descriptors of a talk. */
#include "talk_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int talk_fds_take(int fd, int flags)
{
	int mode = fcntl(fd, F_GETFL);
	int taken = -1;

	/* main has put something there that cannot be read, if it was closed. */
	if (flags == O_RDONLY && mode >= 0 && (mode & O_ACCMODE) == O_WRONLY) {
		errno = EBADF;
		return -1;
	}
	taken = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", flags | O_CLOEXEC);

	if (null >= 0 && null != fd) {
		dup2(null, fd);
		close(null);
	}
	return taken;
}

int talk_fds_open_signals(bool has_editor)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (has_editor) {
		sigaddset(&signals, SIGWINCH);
		sigaddset(&signals, SIGTSTP);
	}
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

void talk_fds_stop(void)
{
	sigset_t blocked;

	if (sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 &&
	    sigismember(&blocked, SIGTERM) == 1)
		raise(SIGTERM);
}
