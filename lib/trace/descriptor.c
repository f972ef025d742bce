/* Descriptors of the traced processes.
 *
 * A socket is known by its cookie (SO_COOKIE), which no other socket of the machine ever
 * has.  To ask, the tracer takes a copy of the descriptor (pidfd_getfd) while the program
 * is stopped, asks, and closes the copy before the program goes on: never around a close,
 * which the copy would turn into one that is not the last.
 *
 * A negative entry ("not a socket") stays right because every call that can put a socket
 * under a number is traced, and sets or forgets the entry. */
#include "trace/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

enum { DESCRIPTORS = 1 << 20 }; /* numbers beyond are looked up each time */

static struct descriptor *entry(struct process *process, int fd)
{
	if (fd < 0 || fd >= DESCRIPTORS)
		return NULL;
	if (array_reserve(&process->descriptors, &process->descriptor_capacity,
			  (size_t)fd + 1, sizeof(process->descriptors[0])) < 0)
		return NULL;
	return &process->descriptors[fd];
}

/* The entry if there is one; NULL means that nothing is known. */
static struct descriptor *known(struct process *process, int fd)
{
	if (fd < 0 || (size_t)fd >= process->descriptor_capacity)
		return NULL;
	return &process->descriptors[fd];
}

static int copy_fd(const struct process *process, int fd)
{
	return (int)syscall(SYS_pidfd_getfd, process->pidfd, fd, 0);
}

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
		return type == SOCK_STREAM ? SONDE_SOCKET_UNIX_STREAM
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

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0)
		return -1;
	return value;
}

/* Both addresses, from a copy of the descriptor. */
static void read_addresses(int fd, struct sonde_socket *ret)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	struct sonde_address address;

	if (getsockname(fd, (struct sockaddr *)&storage, &size) == 0 &&
	    sonde_address_from_sockaddr((struct sockaddr *)&storage, size, &address) == 0)
		ret->local = address;
	size = sizeof(storage);
	if (getpeername(fd, (struct sockaddr *)&storage, &size) == 0 &&
	    sonde_address_from_sockaddr((struct sockaddr *)&storage, size, &address) == 0)
		ret->peer = address;
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

/* Reads what the kernel knows of the copy: the number of a known or new socket, or 0. */
static uint32_t identify(struct tracer *tracer, const struct process *process, int fd,
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
	if (number)
		return number;
	if (tracer->socket_count >= LIMIT_SOCKETS ||
	    array_reserve(&tracer->sockets, &tracer->socket_capacity,
			  tracer->socket_count + 1, sizeof(tracer->sockets[0])) < 0 ||
	    number_map_add(&tracer->socket_by_cookie, hash, tracer->socket_count + 1) < 0)
		return 0;
	number = ++tracer->socket_count;
	socket = &tracer->sockets[number - 1];
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
		.is_listening = option(copy, SO_ACCEPTCONN) == 1,
		.is_inherited = is_inherited,
		.cookie = key.cookie,
		.accepted_by = accepted_by,
		.opened_ns = tracer->now_ns,
	};
	read_addresses(copy, &socket->seen);
	feed_socket(tracer->feed, &socket->seen);
	return number;
}

static uint32_t look_up(struct tracer *tracer, struct process *process, int fd,
			bool is_inherited, uint32_t accepted_by)
{
	struct descriptor *descriptor = entry(process, fd);
	uint32_t number;
	int copy;

	if (fd < 0)
		return 0;
	copy = copy_fd(process, fd);
	if (copy < 0) {
		if (descriptor)
			descriptor->kind = DESCRIPTOR_NONE;
		return 0;
	}
	number = identify(tracer, process, fd, copy, is_inherited, accepted_by);
	close(copy);
	if (!descriptor)
		return number;
	descriptor->kind = number ? DESCRIPTOR_SOCKET : DESCRIPTOR_NONE;
	descriptor->number = number;
	if (number)
		tracer->sockets[number - 1].references++;
	return number;
}

uint32_t descriptor_known_socket(struct process *process, int fd)
{
	const struct descriptor *descriptor = known(process, fd);

	return descriptor && descriptor->kind == DESCRIPTOR_SOCKET ? descriptor->number
								   : 0;
}

uint32_t descriptor_socket(struct tracer *tracer, struct process *process, int fd)
{
	const struct descriptor *descriptor = known(process, fd);

	if (descriptor && descriptor->kind != DESCRIPTOR_UNKNOWN)
		return descriptor->kind == DESCRIPTOR_SOCKET ? descriptor->number : 0;
	return look_up(tracer, process, fd, true, 0);
}

uint32_t descriptor_epoll(struct process *process, int fd)
{
	const struct descriptor *descriptor = known(process, fd);

	return descriptor && descriptor->kind == DESCRIPTOR_EPOLL ? descriptor->number
								  : 0;
}

/* Drops the reference that an entry holds; the socket whose last one it was, or 0. */
static uint32_t release(struct tracer *tracer, struct descriptor *descriptor,
			uint32_t call)
{
	struct traced_socket *socket;
	struct descriptor was = *descriptor;

	*descriptor = (struct descriptor){.kind = DESCRIPTOR_NONE};
	if (was.kind == DESCRIPTOR_EPOLL) {
		struct epoll_instance *epoll = &tracer->epolls[was.number - 1];

		if (--epoll->references == 0) {
			array_free(epoll->members);
			*epoll = (struct epoll_instance){0};
		}
		return 0;
	}
	if (was.kind != DESCRIPTOR_SOCKET)
		return 0;
	socket = &tracer->sockets[was.number - 1];
	if (--socket->references > 0)
		return 0;
	socket->seen.closed_ns = tracer->now_ns;
	socket->seen.closed_by = call;
	feed_socket_state(tracer->feed, &socket->seen);
	return was.number;
}

uint32_t descriptor_opened(struct tracer *tracer, struct process *process, int fd,
			   uint32_t accepted_by)
{
	struct descriptor *descriptor = entry(process, fd);

	if (descriptor)
		release(tracer, descriptor, 0);
	return look_up(tracer, process, fd, false, accepted_by);
}

void descriptor_opened_epoll(struct tracer *tracer, struct process *process, int fd)
{
	struct descriptor *descriptor = entry(process, fd);
	uint32_t at = 0;

	if (!descriptor)
		return;
	release(tracer, descriptor, 0);
	while (at < tracer->epoll_count && tracer->epolls[at].references)
		at++;
	if (at == tracer->epoll_count) {
		if (array_reserve(&tracer->epolls, &tracer->epoll_capacity, at + 1,
				  sizeof(tracer->epolls[0])) < 0)
			return;
		tracer->epoll_count++;
	}
	tracer->epolls[at].references = 1;
	*descriptor = (struct descriptor){.kind = DESCRIPTOR_EPOLL, .number = at + 1};
}

void descriptor_forget(struct process *process, int fd)
{
	struct descriptor *descriptor = known(process, fd);

	if (descriptor && descriptor->kind == DESCRIPTOR_NONE)
		descriptor->kind = DESCRIPTOR_UNKNOWN;
}

void descriptor_forget_all(struct process *process)
{
	for (size_t fd = 0; fd < process->descriptor_capacity; fd++)
		descriptor_forget(process, (int)fd);
}

static void add_reference(struct tracer *tracer, const struct descriptor *descriptor)
{
	if (descriptor->kind == DESCRIPTOR_SOCKET)
		tracer->sockets[descriptor->number - 1].references++;
	else if (descriptor->kind == DESCRIPTOR_EPOLL)
		tracer->epolls[descriptor->number - 1].references++;
}

void descriptor_copied(struct tracer *tracer, struct process *process, int from, int to)
{
	struct descriptor *target = entry(process, to);
	const struct descriptor *source =
		known(process, from); /* after entry(): it may move */

	if (!target || !source)
		return;
	*target = *source;
	add_reference(tracer, target);
}

uint32_t descriptor_closed(struct tracer *tracer, struct process *process, int fd,
			   uint32_t call)
{
	struct descriptor *descriptor = known(process, fd);

	return descriptor ? release(tracer, descriptor, call) : 0;
}

uint32_t descriptor_closed_range(struct tracer *tracer, struct process *process,
				 unsigned first, unsigned last, uint32_t call)
{
	uint32_t count = 0;

	for (size_t fd = first; fd < process->descriptor_capacity && fd <= last; fd++)
		count += release(tracer, &process->descriptors[fd], call) != 0;
	return count;
}

uint32_t descriptor_first_socket(struct process *process, unsigned first, unsigned last)
{
	for (size_t fd = first; fd < process->descriptor_capacity && fd <= last; fd++) {
		if (process->descriptors[fd].kind == DESCRIPTOR_SOCKET)
			return process->descriptors[fd].number;
	}
	return 0;
}

void descriptor_inherit(struct tracer *tracer, const struct process *parent,
			struct process *child)
{
	if (!parent->descriptor_capacity ||
	    array_reserve(&child->descriptors, &child->descriptor_capacity,
			  parent->descriptor_capacity, sizeof(child->descriptors[0])) < 0)
		return;
	memcpy(child->descriptors, parent->descriptors,
	       parent->descriptor_capacity * sizeof(child->descriptors[0]));
	for (size_t fd = 0; fd < parent->descriptor_capacity; fd++)
		add_reference(tracer, &child->descriptors[fd]);
}

void descriptor_check_exec(struct tracer *tracer, struct process *process,
			   uint32_t (*closing_call)(struct tracer *tracer,
						    struct process *process,
						    uint32_t socket))
{
	for (size_t fd = 0; fd < process->descriptor_capacity; fd++) {
		struct descriptor *descriptor = &process->descriptors[fd];
		uint32_t call = 0;
		int copy;

		if (descriptor->kind == DESCRIPTOR_NONE)
			descriptor->kind = DESCRIPTOR_UNKNOWN;
		if (descriptor->kind == DESCRIPTOR_UNKNOWN)
			continue;
		copy = copy_fd(process, (int)fd);
		if (copy >= 0) {
			close(copy);
			continue;
		}
		if (descriptor->kind == DESCRIPTOR_SOCKET &&
		    tracer->sockets[descriptor->number - 1].references == 1)
			call = closing_call(tracer, process, descriptor->number);
		release(tracer, descriptor, call);
	}
}

void descriptor_refresh(struct tracer *tracer, struct process *process, int fd)
{
	uint32_t number = descriptor_known_socket(process, fd);
	struct sonde_socket fresh;
	int copy;

	if (!number || (copy = copy_fd(process, fd)) < 0)
		return;
	fresh = tracer->sockets[number - 1].seen;
	read_addresses(copy, &fresh);
	fresh.is_listening = option(copy, SO_ACCEPTCONN) == 1;
	close(copy);
	if (sonde_address_equal(&fresh.local, &tracer->sockets[number - 1].seen.local) &&
	    sonde_address_equal(&fresh.peer, &tracer->sockets[number - 1].seen.peer) &&
	    fresh.is_listening == tracer->sockets[number - 1].seen.is_listening)
		return;
	tracer->sockets[number - 1].seen = fresh;
	feed_socket_state(tracer->feed, &fresh);
}
