/* See capture_keeper.h.  A byte asks for a file; the answer is an error number and a name,
 * with the descriptor beside it (SCM_RIGHTS). */
#include "capture_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sonde/sandbox.h>

struct answer {
	int error;
	char name[PATH_MAX];
};

struct capture_keeper {
	int fd;
	struct answer answer;
};

/* --- the keeping process */

struct kept {
	const char *path;
	unsigned keep;
	unsigned long count;
	char **names; /* a ring of `keep` */
};

static int format_name(const struct kept *kept, char name[PATH_MAX])
{
	const char *slash = strrchr(kept->path, '/');
	const char *dot = strrchr(slash ? slash : kept->path, '.');
	size_t stem = dot && dot != kept->path && dot[-1] != '/'
			      ? (size_t)(dot - kept->path)
			      : strlen(kept->path);
	time_t now = time(NULL);
	struct tm broken;
	char stamp[32];
	int n;

	localtime_r(&now, &broken);
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &broken);
	n = snprintf(name, PATH_MAX, "%.*s_%05lu_%s%s", (int)stem, kept->path,
		     kept->count + 1, stamp, kept->path + stem);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int open_next(struct kept *kept, struct answer *answer)
{
	char **oldest;
	int fd;

	*answer = (struct answer){0};
	answer->error = -format_name(kept, answer->name);
	if (answer->error)
		return -1;
	fd = open(answer->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		answer->error = errno;
		return -1;
	}
	if (kept->keep) {
		oldest = &kept->names[kept->count % kept->keep];
		if (*oldest)
			unlink(*oldest);
		free(*oldest);
		*oldest = strdup(answer->name);
	}
	kept->count++;
	return fd;
}

static void answer_with(int to, struct answer *answer, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {.iov_base = answer, .iov_len = sizeof(*answer)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *rights;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	}
	sendmsg(to, &message, MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

/* Until the other side is gone. */
static _Noreturn void keep_files(int fd, const char *path, unsigned keep)
{
	struct kept kept = {.path = path, .keep = keep};
	static struct answer answer;
	struct sonde_sandbox sandbox;
	char byte;

	kept.names = calloc(keep ? keep : 1, sizeof(char *));
	if (!kept.names)
		_exit(1);
	/* What ends the capture does not end this: it has a file to finish. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Standard error is for what a sanitizer has to say. */
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, UINT_MAX, 0);
	if (sonde_sandbox_enter(SONDE_SANDBOX_FILES, &sandbox, NULL) < 0)
		_exit(1);
	while (read(fd, &byte, 1) == 1)
		answer_with(fd, &answer, open_next(&kept, &answer));
	_exit(0);
}

/* --- the capturing process */

int capture_keeper_start(const char *path, unsigned keep, struct capture_keeper **ret,
			 struct sonde_error *err)
{
	struct capture_keeper *keeper = calloc(1, sizeof(*keeper));
	int fds[2] = {-1, -1};
	pid_t pid = -1;

	if (keeper && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) {
		keeper->fd = fds[0];
		pid = fork();
	}
	if (pid == 0) {
		close(fds[0]);
		keep_files(fds[1], path, keep);
	}
	if (pid < 0) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "start",
				"the keeper of files", NULL);
		if (fds[0] >= 0) {
			close(fds[0]);
			close(fds[1]);
		}
		free(keeper);
		return err->code;
	}
	close(fds[1]);
	*ret = keeper;
	return 0;
}

int capture_keeper_next(struct capture_keeper *keeper, const char **ret_name,
			struct sonde_error *err)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct answer *answer = &keeper->answer;
	struct iovec part = {.iov_base = answer, .iov_len = sizeof(*answer)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *rights;
	int fd = -1;

	if (send(keeper->fd, "", 1, MSG_NOSIGNAL) != 1 ||
	    recvmsg(keeper->fd, &message, MSG_CMSG_CLOEXEC) != sizeof(*answer))
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ESRCH, "open",
				       "the next file",
				       "the process that opens files "
				       "has ended");
	if (answer->error)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -answer->error, "open",
				       answer->name, NULL);
	rights = CMSG_FIRSTHDR(&message);
	if (rights && rights->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	if (fd < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -EMFILE, "open",
				       answer->name, NULL);
	*ret_name = answer->name;
	return fd;
}

void capture_keeper_stop(struct capture_keeper *keeper)
{
	if (!keeper)
		return;
	close(keeper->fd);
	free(keeper);
}
