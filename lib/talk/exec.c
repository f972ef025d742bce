/* Programs in the place of a person. */
#include "talk/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"

enum { VARIABLES = 5, VARIABLE_BYTES = 160 };

struct variables {
	char storage[VARIABLES][VARIABLE_BYTES];
	char **all; /* owned: the environment with ours before it */
};

static bool is_ip(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET ||
	       address->family == SONDE_FAMILY_INET6;
}

static void format_host(const char *name, const struct sonde_address *address,
			const char *text, char ret[VARIABLE_BYTES])
{
	char host[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, host);
	snprintf(ret, VARIABLE_BYTES, "%s=%s", name,
		 is_ip(address) ? host
		 : text         ? text
				: "");
}

/* The first of two variables with one name counts. */
static int fill(struct variables *variables, const struct exec_place *place)
{
	size_t count = 0, used = 0;
	char(*text)[VARIABLE_BYTES] = variables->storage;

	snprintf(text[0], VARIABLE_BYTES, "SONDE_PROTO=%s", place->proto);
	format_host("SONDE_PEER_ADDRESS", &place->peer, place->peer_text, text[1]);
	format_host("SONDE_LOCAL_ADDRESS", &place->local, place->local_text, text[2]);
	snprintf(text[3], VARIABLE_BYTES, "SONDE_PEER_PORT=%u", place->peer.port);
	snprintf(text[4], VARIABLE_BYTES, "SONDE_LOCAL_PORT=%u", place->local.port);
	while (environ[count])
		count++;
	variables->all = array_new(count + VARIABLES + 1, sizeof(char *));
	if (!variables->all)
		return -ENOMEM;
	for (size_t i = 0; i < (is_ip(&place->peer) ? VARIABLES : 3); i++)
		variables->all[used++] = text[i];
	memcpy(variables->all + used, environ, count * sizeof(char *));
	return 0;
}

/* The child's signals: none blocked, none ignored. */
static int prepare(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
							    POSIX_SPAWN_SETSIGDEF |
							    POSIX_SPAWN_SETPGROUP);
}

static int spawn(const char *command, char **environment, int in_fd, int out_fd,
		 pid_t *ret)
{
	char shell[] = "sh", option[] = "-c";
	char *text = strdup(command);
	char *argv[] = {shell, option, text, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	if (!text)
		return -ENOMEM;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	int r = posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = prepare(&attributes);
	if (r == 0)
		r = posix_spawn(ret, "/bin/sh", &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(text);
	return -r;
}

static void close_pair(int pair[2])
{
	for (size_t i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
	}
}

int exec_start(const char *command, const struct exec_place *place, struct exec *ret,
	       struct sonde_error *err)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1};
	struct variables variables;

	int r = fill(&variables, place);
	if (r == 0 && (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0))
		r = -errno;
	if (r == 0)
		r = spawn(command, variables.all, to[0], from[1], &ret->pid);
	array_free(variables.all);
	if (r < 0) {
		close_pair(to);
		close_pair(from);
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "run", command, NULL);
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
	int fd = (int)syscall(SYS_pidfd_open, exec->pid, 0);
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
