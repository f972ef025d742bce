/* Asking the kernel what stands behind a descriptor of a traced process.
 *
 * A socket is known by its cookie (SO_COOKIE), which no other socket of the machine ever
 * has.  To ask, the tracer takes a copy of the descriptor (pidfd_getfd) while the program
 * is stopped.  The pidfd is made for each question: one kept for each process would use
 * up the tracer's own descriptors. */
#include "trace/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* ---- what is said of questions that have no answer ---- */

static void say_closed(struct tracer *tracer, struct process *process)
{
	char text[192];

	/* Once for an image and its forks: of which two may come to this at a time. */
	if (process->said_closed)
		return;
	process->said_closed = true;
	if (strcmp(tracer->said_closed, process->name) == 0)
		return;
	memcpy(tracer->said_closed, process->name, sizeof(tracer->said_closed));
	snprintf(text, sizeof(text),
		 "%s does not let other programs look into it: its sockets are not seen",
		 process->name);
	feed_note(tracer->feed, SONDE_WARNING, text, "run sonde as root");
}

static void say_threads(struct tracer *tracer, const struct process *process)
{
	char text[192];

	if (tracer->said_threads)
		return;
	tracer->said_threads = true;
	snprintf(text, sizeof(text),
		 "the first thread of %s has ended: new sockets of the others are not "
		 "seen",
		 process->name);
	feed_note(tracer->feed, SONDE_WARNING, text,
		  "let that thread wait for the others, or use Linux 6.9 or newer");
}

static void say_exhausted(struct tracer *tracer)
{
	if (tracer->said_exhausted)
		return;
	tracer->said_exhausted = true;
	feed_note(tracer->feed, SONDE_WARNING,
		  "sonde ran out of descriptors: some sockets are not seen",
		  "raise the limit (ulimit -n)");
}

/* ---- copies ---- */

/* The thread whose descriptors are asked for: the first one.  Where that has ended before
 * the others, it has none any more, and another stands for it. */
static pid_t thread_of(struct tracer *tracer, const struct process *process)
{
	const struct task *leader = task_find(tracer, process->pid);

	if (!leader || !leader->is_exiting)
		return process->pid;
	for (unsigned i = 0; i < STATE_BUCKETS; i++) {
		for (const struct task *task = tracer->tasks[i]; task; task = task->next)
			if (task->process == process && !task->is_exiting)
				return task->tid;
	}
	return process->pid;
}

int lookup_copy(struct tracer *tracer, struct process *process, int fd)
{
	pid_t tid = thread_of(tracer, process);
	bool is_first = tid == process->pid;
	int pidfd = (int)syscall(SYS_pidfd_open, tid, is_first ? 0 : PIDFD_THREAD);
	int copy = -1, error;

	if (pidfd >= 0)
		copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	error = errno;
	if (pidfd >= 0)
		close(pidfd);
	if (copy >= 0)
		return copy;
	if (error == EMFILE || error == ENFILE)
		say_exhausted(tracer);
	else if (error == EPERM)
		say_closed(tracer, process);
	else if (error == EINVAL && !is_first)
		say_threads(tracer, process);
	return -error;
}

/* ---- sockets ---- */

static uint8_t kind_of(int domain, int type)
{
	if (domain == AF_INET || domain == AF_INET6) {
		if (type == SOCK_STREAM)
			return SONDE_SOCKET_TCP;
		if (type == SOCK_DGRAM)
			return SONDE_SOCKET_UDP;
		return SONDE_SOCKET_OTHER;
	}
	if (domain == AF_UNIX)
		return type == SOCK_STREAM      ? SONDE_SOCKET_UNIX_STREAM
		       : type == SOCK_SEQPACKET ? SONDE_SOCKET_UNIX_SEQPACKET
						: SONDE_SOCKET_UNIX_DATAGRAM;
	return SONDE_SOCKET_OTHER;
}

static uint8_t family_of(int domain)
{
	switch (domain) {
	case AF_INET:
		return SONDE_FAMILY_INET;
	case AF_INET6:
		return SONDE_FAMILY_INET6;
	case AF_UNIX:
		return SONDE_FAMILY_UNIX;
	}
	return SONDE_FAMILY_OTHER;
}

static int option(int copy, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	if (getsockopt(copy, SOL_SOCKET, name, &value, &size) < 0)
		return -1;
	return value;
}

/* Its own name, else its peer's, which is the one that both ends are known by.  Owned by
 * the socket, and as long there as the tracer. */
static void take_name(int copy, struct sonde_socket *socket)
{
	struct sockaddr_un address;
	socklen_t size = sizeof(address);
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	char *name;
	size_t n;

	if (socket->family != SONDE_FAMILY_UNIX || socket->name)
		return;
	if (getsockname(copy, (struct sockaddr *)&address, &size) < 0 || size <= head) {
		size = sizeof(address);
		if (getpeername(copy, (struct sockaddr *)&address, &size) < 0 ||
		    size <= head)
			return;
	}
	n = size < sizeof(address) ? size - head : sizeof(address.sun_path);
	name = array_new(n + 1, 1);
	if (!name)
		return;
	memcpy(name, address.sun_path, n);
	if (!name[0])
		name[0] = '@';
	socket->name = name;
}

/* Who connected to it, as the kernel kept it for the one who accepted. */
static uint32_t peer_pid_of(int copy)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(copy, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0 ||
	    credentials.pid <= 0)
		return 0;
	return (uint32_t)credentials.pid;
}

static bool defers_accept(int copy)
{
	int seconds = 0;
	socklen_t size = sizeof(seconds);

	return getsockopt(copy, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &size) == 0 &&
	       seconds > 0;
}

void lookup_state(int copy, struct sonde_socket *ret)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	struct sonde_address address;

	if (getsockname(copy, (struct sockaddr *)&storage, &size) == 0 &&
	    sonde_address_from_sockaddr((struct sockaddr *)&storage, size, &address) == 0)
		ret->local = address;
	size = sizeof(storage);
	if (getpeername(copy, (struct sockaddr *)&storage, &size) == 0 &&
	    sonde_address_from_sockaddr((struct sockaddr *)&storage, size, &address) == 0)
		ret->peer = address;
	ret->is_listening = option(copy, SO_ACCEPTCONN) == 1;
	if (ret->is_listening && ret->kind == SONDE_SOCKET_TCP)
		ret->defers_accept = defers_accept(copy);
	take_name(copy, ret);
}

/* What is under way on a connection that was there before: with it the first byte that the
 * program will send or read has its place among the packets. */
static void note_queues(int copy, struct sonde_socket *socket)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int unread, unread_then, unacknowledged;

	if (ioctl(copy, SIOCINQ, &unread) < 0 ||
	    ioctl(copy, SIOCOUTQ, &unacknowledged) < 0 ||
	    getsockopt(copy, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	    size < offsetof(struct tcp_info, tcpi_min_rtt))
		return;
	socket->looked_ns = clock_realtime_ns();
	/* Something came in meanwhile: then nobody knows on which side of the time. */
	if (ioctl(copy, SIOCINQ, &unread_then) < 0 || unread_then != unread ||
	    info.tcpi_notsent_bytes > (uint32_t)unacknowledged) {
		socket->looked_ns = 0;
		return;
	}
	socket->unread = (uint32_t)unread;
	socket->unsent = info.tcpi_notsent_bytes;
	socket->in_flight = (uint32_t)unacknowledged - info.tcpi_notsent_bytes;
}

struct cookie_key {
	const struct tracer *tracer;
	uint64_t cookie;
};

static bool is_same_cookie(const void *context, uint32_t number)
{
	const struct cookie_key *key = context;

	return key->tracer->sockets[number - 1].seen.cookie == key->cookie;
}

/* A child that was forked meanwhile was seen with the socket before the call that made it
 * was seen to return. */
static void say_maker(struct tracer *tracer, const struct process *process, int fd,
		      int copy, uint32_t number, uint32_t accepted_by)
{
	struct sonde_socket *seen = &socket_of(tracer, number)->seen;

	seen->is_inherited = false;
	seen->program = process->program.program;
	seen->pid = (uint32_t)process->pid;
	seen->fd = fd;
	seen->accepted_by = accepted_by;
	if (accepted_by && seen->family == SONDE_FAMILY_UNIX)
		seen->peer_pid = peer_pid_of(copy);
	feed_socket_state(tracer->feed, seen);
}

uint32_t lookup_socket(struct tracer *tracer, const struct process *process, int fd,
		       int copy, bool is_inherited, uint32_t accepted_by)
{
	struct traced_socket *socket;
	struct cookie_key key = {.tracer = tracer};
	socklen_t size = sizeof(key.cookie);
	uint64_t hash;
	uint32_t number;
	int domain, type;

	if (getsockopt(copy, SOL_SOCKET, SO_COOKIE, &key.cookie, &size) < 0)
		return 0;
	hash = hash_bytes(HASH_START, &key.cookie, sizeof(key.cookie));
	number = number_map_find(&tracer->socket_by_cookie, hash, is_same_cookie, &key);
	if (number && !is_inherited && socket_of(tracer, number)->seen.is_inherited)
		say_maker(tracer, process, fd, copy, number, accepted_by);
	if (number)
		return number;
	if (tracer->socket_count >= LIMIT_SOCKETS ||
	    array_reserve(&tracer->sockets, &tracer->socket_capacity,
			  tracer->socket_count + 1, sizeof(tracer->sockets[0])) < 0 ||
	    number_map_add(&tracer->socket_by_cookie, hash, tracer->socket_count + 1) < 0)
		return 0;
	number = ++tracer->socket_count;
	socket = socket_of(tracer, number);
	domain = option(copy, SO_DOMAIN);
	type = option(copy, SO_TYPE);
	socket->is_nonblocking = (fcntl(copy, F_GETFL) & O_NONBLOCK) != 0;
	socket->seen = (struct sonde_socket){
		.socket = number,
		.program = process->program.program,
		.pid = (uint32_t)process->pid,
		.fd = fd,
		.family = family_of(domain),
		.kind = kind_of(domain, type),
		.is_inherited = is_inherited,
		.cookie = key.cookie,
		.accepted_by = accepted_by,
		.opened_ns = tracer->now_ns,
	};
	lookup_state(copy, &socket->seen);
	if (accepted_by && socket->seen.family == SONDE_FAMILY_UNIX)
		socket->seen.peer_pid = peer_pid_of(copy);
	if (is_inherited && socket->seen.kind == SONDE_SOCKET_TCP &&
	    !socket->seen.is_listening)
		note_queues(copy, &socket->seen);
	feed_socket(tracer->feed, &socket->seen);
	return number;
}
