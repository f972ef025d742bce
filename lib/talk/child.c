/* The commands of a listener's clients (exec.c): each is the far end of its client, and
 * followed until it has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "talk/exec.h"
#include "talk/listener.h"

enum { END_MS = 1000 };

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

static struct stream *open_stream(const struct exec *exec)
{
	struct stream *stream = stream_new_pair(exec->out_fd, exec->in_fd);

	if (stream) {
		fcntl(exec->in_fd, F_SETFL, O_NONBLOCK);
		fcntl(exec->out_fd, F_SETFL, O_NONBLOCK);
		return stream;
	}
	close(exec->in_fd);
	close(exec->out_fd);
	return NULL;
}

int child_start(struct caller *client)
{
	const struct sonde_listen_options *options = &client->listener->options;
	const struct exec_place place = {
		.transport = options->transport,
		.local = client->local_address,
		.peer = client->peer_address,
		.local_text = client->local,
		.peer_text = client->peer,
		.client = client->number,
		.environment = options->environment,
	};
	struct sonde_listen_event event = {.kind = SONDE_LISTEN_STARTED};
	struct stream *stream;
	struct exec exec;

	int r = exec_start(options->command, &place, &exec);
	if (r < 0)
		return r;
	follow(client->listener, exec.pid);
	stream = open_stream(&exec);
	r = stream ? end_open(&client->far, client, stream) : -ENOMEM;
	if (r < 0)
		return r;
	event.client = client->number;
	event.pid = exec.pid;
	event.local = client->local;
	event.peer = client->peer;
	listener_tell(client->listener, &event);
	caller_opened(client);
	return 0;
}

/* Of many clients each command may end as it likes; that of the one and only says how the
 * whole went. */
static void judge(struct sonde_listener *listener, int status)
{
	if (listener->options.keep_open || listener->ends_commands)
		return;
	if (exec_check(listener->options.command, status, &listener->why_command) < 0)
		listener->command_failed = true;
}

/* Whether it has ended. */
static bool reap(const struct child *child)
{
	int status;
	pid_t pid = waitpid(child->pid, &status, WNOHANG);

	if (pid == child->pid)
		judge(child->listener, status);
	return pid != 0;
}

void child_ready(struct child *child)
{
	if (!reap(child))
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
		if (!reap(child))
			continue;
		unlink_child(child);
		if (child->slot >= 0)
			loop_close(listener->loop, child->slot);
		else
			child_free(child);
	}
}

static void wait_for_all(struct sonde_listener *listener, int64_t for_ms)
{
	int64_t until_ns = clock_monotonic_ns() + for_ms * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};

	reap_all(listener);
	while (listener->children && clock_monotonic_ns() < until_ns) {
		nanosleep(&pause, NULL);
		reap_all(listener);
	}
}

void child_end_all(struct sonde_listener *listener, bool is_in_order)
{
	/* It may still be busy with what came last. */
	if (is_in_order)
		wait_for_all(listener, LIMIT_EXEC_END_MS);
	reap_all(listener);
	listener->ends_commands = true;
	signal_all(listener, SIGTERM);
	wait_for_all(listener, END_MS);
	signal_all(listener, SIGKILL);
	while (listener->children)
		wait_for_all(listener, END_MS);
}
