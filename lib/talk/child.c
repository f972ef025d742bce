/* A command for a client: a shell that has one end of a socket pair as its standard input
 * and output, the other is the client's far end.  It knows its client from the
 * environment, under the names that ncat and socat use, and ours. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "talk/listener.h"

enum { ADDED = 16, VALUE_CHARS = 160, END_MS = 1000 };

/* The variables of a client, and where they stand. */
struct environment {
	char storage[ADDED][VALUE_CHARS];
	unsigned count;
};

static void add(struct environment *environment, const char *name, const char *value)
{
	if (environment->count < ADDED)
		snprintf(environment->storage[environment->count++], VALUE_CHARS, "%s=%s",
			 name, value);
}

static void add_address(struct environment *environment, const char *prefixes[3],
			const struct sonde_address *address, const char *text)
{
	char host[SONDE_ADDRESS_CHARS], port[8] = "", name[64];
	bool is_ip = address->family == SONDE_FAMILY_INET ||
		     address->family == SONDE_FAMILY_INET6;

	if (is_ip) {
		sonde_address_format_host(address, host);
		snprintf(port, sizeof(port), "%u", address->port);
	}
	for (int i = 0; i < 3; i++) {
		bool is_socat = i == 2;

		snprintf(name, sizeof(name), "%s%s", prefixes[i],
			 i == 0 ? "ADDRESS" : "ADDR");
		add(environment, name, is_ip ? host : text);
		snprintf(name, sizeof(name), "%sPORT", prefixes[i]);
		if (is_ip || !is_socat)
			add(environment, name, port);
	}
}

static void describe(const struct caller *client, struct environment *ret)
{
	static const char *peer[] = {"SONDE_PEER_", "NCAT_REMOTE_", "SOCAT_PEER"};
	static const char *local[] = {"SONDE_LOCAL_", "NCAT_LOCAL_", "SOCAT_SOCK"};
	const char *proto = sonde_transport_name(client->listener->options.transport);
	char number[24];

	ret->count = 0;
	add_address(ret, peer, &client->peer_address, client->peer);
	add_address(ret, local, &client->local_address, client->local);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)client->number);
	add(ret, "SONDE_CLIENT", number);
	add(ret, "SONDE_PROTO", proto);
	add(ret, "NCAT_PROTO",
	    client->listener->options.transport == SONDE_TRANSPORT_UDP ? "UDP" : "TCP");
}

static bool is_replaced(const struct environment *environment, const char *variable)
{
	for (unsigned i = 0; i < environment->count; i++) {
		const char *own = environment->storage[i];
		size_t n = (size_t)(strchr(own, '=') - own) + 1;

		if (strncmp(own, variable, n) == 0)
			return true;
	}
	return false;
}

/* The caller's environment, with the client's in front.  NULL: no memory. */
static char **join(const struct caller *client, struct environment *own)
{
	char *const *given = client->listener->options.environment;
	size_t count = 0, at = 0;
	char **all;

	describe(client, own);
	while (given && given[count])
		count++;
	all = array_new(count + own->count + 1, sizeof(*all));
	if (!all)
		return NULL;
	for (unsigned i = 0; i < own->count; i++)
		all[at++] = own->storage[i];
	for (size_t i = 0; i < count; i++)
		if (!is_replaced(own, given[i]))
			all[at++] = given[i];
	return all;
}

/* The child gets default signals, none blocked, and a process group of its own, so that
 * it can be ended with all that it started. */
static int spawn(struct caller *client, int fd, pid_t *ret)
{
	char *arguments[] = {"sh", "-c", NULL, NULL};
	struct environment own;
	char **environment = join(client, &own);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	char *command;
	size_t size;
	int r;

	if (!environment)
		return -ENOMEM;
	size = strlen(client->listener->options.command) + 1;
	command = array_new(size, 1);
	if (!command) {
		array_free(environment);
		return -ENOMEM;
	}
	memcpy(command, client->listener->options.command, size);
	arguments[2] = command;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	r = posix_spawn(ret, "/bin/sh", &actions, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	array_free(command);
	array_free(environment);
	return -r;
}

/* So that its end is noticed.  Without a descriptor for that it is reaped at the end. */
static void follow(struct sonde_listener *listener, pid_t pid)
{
	struct child *child = array_new(1, sizeof(*child));
	int fd;

	if (!child)
		return;
	*child = (struct child){.listener = listener, .pid = pid, .slot = -1};
	child->link = &listener->children;
	child->next = listener->children;
	if (child->next)
		child->next->link = &child->next;
	listener->children = child;
	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return;
	child->slot = loop_add(listener->loop, KIND_CHILD, fd, EPOLLIN, child);
	if (child->slot < 0)
		close(fd);
}

static void unlink_child(struct child *child)
{
	if (child->next)
		child->next->link = child->link;
	*child->link = child->next;
}

int child_start(struct caller *client)
{
	bool is_datagram = client->near.stream->is_datagram;
	struct sonde_listen_event event = {.kind = SONDE_LISTEN_STARTED};
	struct stream *stream;
	pid_t pid;
	int fds[2];
	int r;

	if (socketpair(AF_UNIX,
		       (is_datagram ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC, 0,
		       fds) < 0)
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	r = spawn(client, fds[1], &pid);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	follow(client->listener, pid);
	/* A child's datagram socket has an end, other than UDP's. */
	stream = stream_new_plain(fds[0], false);
	if (!stream) {
		close(fds[0]);
		return -ENOMEM;
	}
	r = end_open(&client->far, client, stream);
	if (r < 0)
		return r;
	event.client = client->number;
	event.pid = pid;
	event.local = client->local;
	event.peer = client->peer;
	listener_tell(client->listener, &event);
	caller_opened(client);
	return 0;
}

void child_ready(struct child *child)
{
	if (waitpid(child->pid, NULL, WNOHANG) == 0)
		return;
	unlink_child(child);
	loop_close(child->listener->loop, child->slot);
}

void child_free(struct child *child)
{
	array_free(child);
}

static void signal_all(const struct sonde_listener *listener, int number)
{
	for (struct child *child = listener->children; child; child = child->next)
		kill(-child->pid, number);
}

static void reap_all(struct sonde_listener *listener)
{
	struct child *next;

	for (struct child *child = listener->children; child; child = next) {
		next = child->next;
		if (waitpid(child->pid, NULL, WNOHANG) == 0)
			continue;
		unlink_child(child);
		if (child->slot >= 0)
			loop_close(listener->loop, child->slot);
		else
			child_free(child);
	}
}

void child_end_all(struct sonde_listener *listener)
{
	int64_t until_ns = clock_monotonic_ns() + END_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};

	if (!listener->children)
		return;
	signal_all(listener, SIGTERM);
	reap_all(listener);
	while (listener->children) {
		if (clock_monotonic_ns() > until_ns) {
			signal_all(listener, SIGKILL);
			until_ns = LOOP_NEVER;
		}
		nanosleep(&pause, NULL);
		reap_all(listener);
	}
}
