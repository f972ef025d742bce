/* Pipes and FIFOs of the traced programs.
 *
 * A pipe is an inode, whoever holds it and by which descriptor.  Each of its two ends is
 * kept as a socket: what closes the last descriptor of the writing end is what ends the
 * stream for the readers, and the references are counted as those of sockets are.
 *
 * Only pipes between traced programs are followed: those that one of them made, and FIFOs,
 * which have a name.  A pipe without a name that was there before (the standard output of
 * a run whose reader is somebody else) is no more looked at than a file.  When both ends
 * of a FIFO were closed, its bytes are gone, and what is opened next is another pipe. */
#include "trace/pipe.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/array.h"
#include "trace/descriptor.h"

#define PIPEFS_TYPE 0x50495045

struct pipe_key {
	const struct tracer *tracer;
	uint64_t device, inode;
	uint8_t end; /* enum sonde_pipe_end */
};

static bool is_same_pipe(const void *context, uint32_t number)
{
	const struct pipe_key *key = context;
	const struct traced_socket *socket = &key->tracer->sockets[number - 1];

	return socket->inode == key->inode && socket->device == key->device &&
	       socket->seen.pipe_end == key->end && !socket->is_gone;
}

static uint64_t hash_of(const struct pipe_key *key)
{
	const uint64_t parts[] = {key->device, key->inode, key->end};

	return hash_bytes(HASH_START, parts, sizeof(parts));
}

static uint32_t find(const struct pipe_key *key, enum sonde_pipe_end end)
{
	struct pipe_key wanted = *key;

	wanted.end = (uint8_t)end;
	return number_map_find(&key->tracer->pipe_by_inode, hash_of(&wanted),
			       is_same_pipe, &wanted);
}

void pipe_link(struct tracer *tracer, uint32_t a, uint32_t b)
{
	if (!a || !b)
		return;
	socket_of(tracer, a)->seen.peer_socket = b;
	socket_of(tracer, b)->seen.peer_socket = a;
	feed_socket_state(tracer->feed, &socket_of(tracer, a)->seen);
	feed_socket_state(tracer->feed, &socket_of(tracer, b)->seen);
}

static void unlink_end(struct tracer *tracer, uint32_t number)
{
	if (!number || !socket_of(tracer, number)->seen.peer_socket)
		return;
	socket_of(tracer, number)->seen.peer_socket = 0;
	feed_socket_state(tracer->feed, &socket_of(tracer, number)->seen);
}

/* Nobody holds any end of it: its bytes are gone. */
static void forget_if_closed(struct tracer *tracer, const struct pipe_key *key)
{
	const uint32_t ends[] = {find(key, SONDE_PIPE_READ), find(key, SONDE_PIPE_WRITE),
				 find(key, SONDE_PIPE_BOTH)};

	for (int i = 0; i < 3; i++)
		if (ends[i] && descriptor_is_open(socket_of(tracer, ends[i])))
			return;
	for (int i = 0; i < 3; i++)
		if (ends[i])
			socket_of(tracer, ends[i])->is_gone = true;
}

/* Its path, where it has one.  As long there as the tracer. */
static const char *name_of(int copy, bool has_name)
{
	char path[64], target[LIMIT_PATH + 1];
	char *name;
	ssize_t n;

	if (!has_name)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	n = readlink(path, target, LIMIT_PATH);
	name = n > 0 ? array_new((size_t)n + 1, 1) : NULL;
	if (!name)
		return NULL;
	memcpy(name, target, (size_t)n);
	return name;
}

static uint32_t add(struct tracer *tracer, const struct process *process, int fd,
		    int flags, const struct pipe_key *key, const char *name)
{
	struct traced_socket *socket;
	uint32_t number;

	if (tracer->socket_count >= LIMIT_SOCKETS ||
	    array_reserve(&tracer->sockets, &tracer->socket_capacity,
			  tracer->socket_count + 1, sizeof(tracer->sockets[0])) < 0 ||
	    number_map_add(&tracer->pipe_by_inode, hash_of(key),
			   tracer->socket_count + 1) < 0)
		return 0;
	number = ++tracer->socket_count;
	socket = socket_of(tracer, number);
	*socket = (struct traced_socket){
		.device = key->device,
		.inode = key->inode,
		.is_nonblocking = (flags & O_NONBLOCK) != 0,
		.seen =
			{
				.socket = number,
				.program = process->program.program,
				.pid = (uint32_t)process->pid,
				.fd = fd,
				.family = SONDE_FAMILY_OTHER,
				.kind = SONDE_SOCKET_PIPE,
				.pipe_end = key->end,
				.name = name,
				.opened_ns = tracer->now_ns,
			},
	};
	feed_socket(tracer->feed, &socket->seen);
	return number;
}

uint32_t pipe_find(struct tracer *tracer, const struct process *process, int fd, int copy)
{
	struct pipe_key key = {.tracer = tracer};
	int flags = fcntl(copy, F_GETFL);
	struct stat status;
	struct statfs filesystem;
	bool has_name;
	uint32_t number;

	if (flags < 0 || fstat(copy, &status) < 0 || !S_ISFIFO(status.st_mode))
		return 0;
	key.device = status.st_dev;
	key.inode = status.st_ino;
	key.end = (flags & O_ACCMODE) == O_RDONLY   ? SONDE_PIPE_READ
		  : (flags & O_ACCMODE) == O_WRONLY ? SONDE_PIPE_WRITE
						    : SONDE_PIPE_BOTH;
	if (!tracer->makes_pipe)
		forget_if_closed(tracer, &key);
	number = find(&key, key.end);
	if (number)
		return number;
	has_name = fstatfs(copy, &filesystem) == 0 && filesystem.f_type != PIPEFS_TYPE;
	if (!has_name && !tracer->makes_pipe)
		return 0;
	number = add(tracer, process, fd, flags, &key, name_of(copy, has_name));
	if (!number)
		return 0;
	/* Who holds both ends at once may take its own bytes: then nothing is certain. */
	if (key.end == SONDE_PIPE_BOTH) {
		unlink_end(tracer, find(&key, SONDE_PIPE_READ));
		unlink_end(tracer, find(&key, SONDE_PIPE_WRITE));
	} else if (!find(&key, SONDE_PIPE_BOTH)) {
		pipe_link(tracer, number,
			  find(&key, key.end == SONDE_PIPE_READ ? SONDE_PIPE_WRITE
								: SONDE_PIPE_READ));
	}
	return number;
}
