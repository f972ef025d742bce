/* Writing without blocking, and without a change to what others share. */
#include "talk/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

enum outlet_kind {
	OUTLET_FILE = 0,
	OUTLET_OWN,    /* opened here: does not block */
	OUTLET_SOCKET, /* asked call by call */
	OUTLET_SHARED, /* a pipe: PIPE_BUF bytes fit where poll() says that any do */
};

void outlet_widen(int fd)
{
	struct stat about;

	if (fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, LIMIT_PIPE_BYTES);
}

/* The same file with flags of its own.  A FIFO without a reader cannot be opened so. */
static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void outlet_open(struct outlet *outlet, int fd)
{
	struct stat about;

	*outlet = (struct outlet){.fd = fd, .kind = OUTLET_FILE};
	if (fd < 0 || fstat(fd, &about) < 0)
		return;
	if (S_ISSOCK(about.st_mode)) {
		outlet->kind = OUTLET_SOCKET;
		return;
	}
	if (!S_ISFIFO(about.st_mode) && !isatty(fd))
		return;
	outlet_widen(fd);
	int own = reopen(fd);
	if (own >= 0) {
		close(fd);
		outlet->fd = own;
		outlet->kind = OUTLET_OWN;
	} else {
		outlet->kind = OUTLET_SHARED;
	}
}

ssize_t outlet_write(struct outlet *outlet, const void *bytes, size_t n)
{
	ssize_t written;

	if (outlet->fd < 0)
		return (ssize_t)n;
	if (outlet->kind == OUTLET_SHARED && n > PIPE_BUF)
		n = PIPE_BUF;
	do {
		written =
			outlet->kind == OUTLET_SOCKET
				? send(outlet->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL)
				: write(outlet->fd, bytes, n);
	} while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : written;
}

int outlet_close(struct outlet *outlet)
{
	int fd = outlet->fd;

	outlet->fd = -1;
	if (fd < 0)
		return 0;
	/* A process that shares the socket would otherwise keep its reader waiting. */
	if (outlet->kind == OUTLET_SOCKET)
		shutdown(fd, SHUT_WR);
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}
