/* Programs in the place of a person: started, and ended. */
#include "talk/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"
#include "talk/outlet.h"

/* ret[0] is read, ret[1] is written. */
static int open_way(bool keeps_datagrams, int ret[2])
{
	int r;

	if (!keeps_datagrams) {
		r = pipe2(ret, O_CLOEXEC);
		if (r == 0)
			outlet_widen(ret[1]);
		return r < 0 ? -errno : 0;
	}
	r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret);
	return r < 0 ? -errno : 0;
}

static void close_way(int way[2])
{
	for (int i = 0; i < 2; i++) {
		if (way[i] >= 0)
			close(way[i]);
	}
}

/* The child's signals: none blocked, none ignored.  With a process group of its own it can
 * be ended with all that it started. */
static void prepare(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETPGROUP);
}

static int spawn(const char *command, char **environment, int in_fd, int out_fd,
		 pid_t *ret)
{
	char shell[] = "sh", option[] = "-c";
	size_t size = strlen(command) + 1;
	char *text = array_new(size, 1);
	char *argv[] = {shell, option, text, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	if (!text)
		return -ENOMEM;
	memcpy(text, command, size);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	prepare(&attributes);
	int r = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(ret, "/bin/sh", &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	array_free(text);
	return -r;
}

int exec_start(const char *command, const struct exec_place *place, struct exec *ret)
{
	bool keeps_datagrams = place->transport == SONDE_TRANSPORT_UDP;
	int to[2] = {-1, -1}, from[2] = {-1, -1};
	struct exec_environment environment;

	int r = exec_environment_init(&environment, place);
	if (r == 0)
		r = open_way(false, to);
	if (r == 0)
		r = open_way(keeps_datagrams, from);
	if (r == 0)
		r = spawn(command, environment.all, to[0], from[1], &ret->pid);
	exec_environment_done(&environment);
	if (r < 0) {
		close_way(to);
		close_way(from);
		return r;
	}
	close(to[0]);
	close(from[1]);
	ret->in_fd = to[1];
	ret->out_fd = from[0];
	return 0;
}

int exec_stop(struct exec *exec)
{
	int status = 0;

	if (exec->in_fd >= 0)
		close(exec->in_fd);
	if (exec->out_fd >= 0)
		close(exec->out_fd);
	exec->in_fd = exec->out_fd = -1;
	int fd = pidfd_open(exec->pid, 0);
	struct pollfd ended = {.fd = fd, .events = POLLIN};
	if (fd >= 0 && poll(&ended, 1, LIMIT_EXEC_END_MS) == 0)
		kill(-exec->pid, SIGTERM);
	if (fd >= 0 && poll(&ended, 1, LIMIT_EXEC_END_MS) == 0)
		kill(-exec->pid, SIGKILL);
	if (fd >= 0)
		close(fd);
	while (waitpid(exec->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int exec_check(const char *command, int status, struct sonde_error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		sonde_error_set(err, SONDE_ERROR_TROUBLE, -ECHILD, "run", command,
				"it ended with status %d", WEXITSTATUS(status));
	else
		sonde_error_set(err, SONDE_ERROR_TROUBLE, -ECHILD, "run", command,
				"it was ended by signal %d", WTERMSIG(status));
	return -ECHILD;
}
