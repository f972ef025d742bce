/* poll, select and epoll.
 *
 * Of one wait LIMIT_WATCHED sockets are kept; where there are more, SONDE_CALL_WATCH_CUT
 * says so.  Those that turn out ready are always kept with epoll, where the program is
 * told of them by data and not by position. */
#include "trace/wait.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "trace/descriptor.h"
#include "trace/remote.h"

enum { CHUNK = 64, POLL_FDS = 1 << 14 };

static void watch(struct task *task, uint32_t socket, int key, uint32_t wanted)
{
	struct sonde_call *call = &task->call;

	if (call->watched_count == LIMIT_WATCHED) {
		call->flags |= SONDE_CALL_WATCH_CUT;
		return;
	}
	task->watched_fds[call->watched_count] = key;
	task->watched[call->watched_count++] = (struct sonde_watched){
		.socket = socket,
		.wanted = (uint16_t)wanted,
	};
}

/* poll's bits and epoll's are the same numbers; what only means "and also" is folded. */
static uint16_t ready_bits(uint32_t events)
{
	uint16_t bits = (uint16_t)(events & (SONDE_READY_READ | SONDE_READY_WRITE |
					     SONDE_READY_ERROR | SONDE_READY_HANGUP));

	if (events & (POLLRDHUP | POLLRDNORM | POLLPRI))
		bits |= SONDE_READY_READ;
	if (events & POLLWRNORM)
		bits |= SONDE_READY_WRITE;
	return bits;
}

static int64_t read_timespec(pid_t tid, uint64_t address)
{
	struct timespec time;

	if (!address || remote_read(tid, address, &time, sizeof(time)) < 0)
		return -1;
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static int64_t from_ms(uint64_t argument)
{
	int ms = (int)argument;

	return ms < 0 ? -1 : ms * NS_PER_MS;
}

static void poll_enter(struct tracer *tracer, struct task *task,
		       const uint64_t *arguments)
{
	struct pollfd fds[CHUNK];
	uint64_t count = (uint32_t)arguments[1];

	if (count > POLL_FDS)
		count = POLL_FDS;
	for (uint64_t at = 0; at < count; at += CHUNK) {
		uint64_t n = count - at < CHUNK ? count - at : CHUNK;

		if (remote_read(task->tid, arguments[0] + at * sizeof(fds[0]), fds,
				n * sizeof(fds[0])) < 0)
			return;
		for (uint64_t i = 0; i < n; i++) {
			uint32_t socket =
				descriptor_socket(tracer, task->process, fds[i].fd);

			if (socket)
				watch(task, socket, (int)(at + i),
				      ready_bits((uint16_t)fds[i].events));
		}
	}
}

static void poll_return(struct task *task)
{
	for (uint32_t i = 0; i < task->call.watched_count; i++) {
		struct pollfd fd;
		uint64_t at = (uint64_t)task->watched_fds[i];

		if (remote_read(task->tid, task->arguments[0] + at * sizeof(fd), &fd,
				sizeof(fd)) == 0)
			task->watched[i].ready = ready_bits((uint16_t)fd.revents);
	}
}

/* The three sets of a select, as far as they go. */
static int read_sets(pid_t tid, const uint64_t *arguments, fd_set ret_sets[3])
{
	int count = (int)arguments[0] < FD_SETSIZE ? (int)arguments[0] : FD_SETSIZE;

	memset(ret_sets, 0, 3 * sizeof(ret_sets[0]));
	if (count <= 0)
		return 0;
	for (int i = 0; i < 3; i++) {
		if (arguments[1 + i] && remote_read(tid, arguments[1 + i], &ret_sets[i],
						    ((size_t)count + 63) / 64 * 8) < 0)
			return 0;
	}
	return count;
}

static uint32_t set_bits(fd_set sets[3], int fd)
{
	return (FD_ISSET(fd, &sets[0]) || FD_ISSET(fd, &sets[2]) ? SONDE_READY_READ
								 : 0U) |
	       (FD_ISSET(fd, &sets[1]) ? SONDE_READY_WRITE : 0U);
}

static void select_enter(struct tracer *tracer, struct task *task,
			 const uint64_t *arguments)
{
	fd_set sets[3];
	int count = read_sets(task->tid, arguments, sets);

	for (int fd = 0; fd < count; fd++) {
		uint32_t wanted = set_bits(sets, fd);
		uint32_t socket =
			wanted ? descriptor_socket(tracer, task->process, fd) : 0;

		if (socket)
			watch(task, socket, fd, wanted);
	}
}

static void select_return(struct task *task)
{
	fd_set sets[3];
	int count = read_sets(task->tid, task->arguments, sets);

	for (uint32_t i = 0; i < task->call.watched_count; i++) {
		if (task->watched_fds[i] < count)
			task->watched[i].ready =
				(uint16_t)set_bits(sets, task->watched_fds[i]);
	}
}

static bool is_open(const struct tracer *tracer, const struct epoll_member *member)
{
	return descriptor_is_open(&tracer->sockets[member->socket - 1]);
}

static void epoll_enter(struct tracer *tracer, struct task *task,
			const uint64_t *arguments)
{
	uint32_t number = descriptor_epoll(task->process, (int)arguments[0]);
	const struct epoll_instance *epoll;

	if (!number)
		return;
	epoll = &tracer->epolls[number - 1];
	for (uint32_t i = 0; i < epoll->member_count; i++) {
		if (is_open(tracer, &epoll->members[i]))
			watch(task, epoll->members[i].socket, -1,
			      ready_bits(epoll->members[i].events));
	}
}

static void set_ready(struct task *task, const struct epoll_member *member,
		      uint32_t events)
{
	uint32_t at = 0;

	while (at < task->call.watched_count &&
	       task->watched[at].socket != member->socket)
		at++;
	if (at == LIMIT_WATCHED) {
		/* It was left out at the entry: one that is not ready makes room. */
		while (at > 0 && task->watched[at - 1].ready)
			at--;
		if (at-- == 0)
			return;
	} else if (at == task->call.watched_count) {
		task->call.watched_count++; /* added by another thread meanwhile */
	}
	task->watched[at] = (struct sonde_watched){
		.socket = member->socket,
		.wanted = ready_bits(member->events),
		.ready = ready_bits(events),
	};
}

static void epoll_return(struct tracer *tracer, struct task *task, int64_t result)
{
	uint32_t number = descriptor_epoll(task->process, (int)task->arguments[0]);
	struct epoll_event events[LIMIT_WATCHED];
	size_t count = (size_t)result < LIMIT_WATCHED ? (size_t)result : LIMIT_WATCHED;
	const struct epoll_instance *epoll;

	if (!number || remote_read(task->tid, task->arguments[1], events,
				   count * sizeof(events[0])) < 0)
		return;
	if ((size_t)result > count)
		task->call.flags |= SONDE_CALL_WATCH_CUT;
	epoll = &tracer->epolls[number - 1];
	for (size_t e = 0; e < count; e++) {
		for (uint32_t i = 0; i < epoll->member_count; i++) {
			if (epoll->members[i].data == events[e].data.u64 &&
			    is_open(tracer, &epoll->members[i])) {
				set_ready(task, &epoll->members[i], events[e].events);
				break;
			}
		}
	}
}

void wait_epoll_changed(struct tracer *tracer, struct process *process, pid_t tid,
			const uint64_t arguments[6])
{
	uint32_t number = descriptor_epoll(process, (int)arguments[0]);
	uint32_t socket = descriptor_known_socket(process, (int)arguments[2]);
	struct epoll_instance *epoll;
	struct epoll_event event;
	uint32_t kept = 0;

	if (!number || !socket)
		return;
	epoll = &tracer->epolls[number - 1];
	/* Sockets that were closed have left the instance by themselves. */
	for (uint32_t i = 0; i < epoll->member_count; i++) {
		if (epoll->members[i].socket != socket &&
		    is_open(tracer, &epoll->members[i]))
			epoll->members[kept++] = epoll->members[i];
	}
	epoll->member_count = kept;
	if ((int)arguments[1] == EPOLL_CTL_DEL ||
	    remote_read(tid, arguments[3], &event, sizeof(event)) < 0 ||
	    array_reserve(&epoll->members, &epoll->member_capacity, kept + 1,
			  sizeof(epoll->members[0])) < 0)
		return;
	epoll->members[epoll->member_count++] = (struct epoll_member){
		.data = event.data.u64,
		.events = event.events,
		.socket = socket,
	};
}

bool wait_enter(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		const uint64_t arguments[6])
{
	struct sonde_call *call = &task->call;

	call->watched_count = 0;
	call->watched = task->watched;
	switch (syscall->shape) {
	case SHAPE_POLL:
		poll_enter(tracer, task, arguments);
		call->timeout_ns = from_ms(arguments[2]);
		break;
	case SHAPE_PPOLL:
		poll_enter(tracer, task, arguments);
		call->timeout_ns = read_timespec(task->tid, arguments[2]);
		break;
	case SHAPE_SELECT: {
		struct timeval time;

		select_enter(tracer, task, arguments);
		call->timeout_ns = -1;
		if (arguments[4] &&
		    remote_read(task->tid, arguments[4], &time, sizeof(time)) == 0)
			call->timeout_ns =
				time.tv_sec * NS_PER_S + time.tv_usec * NS_PER_US;
		break;
	}
	case SHAPE_PSELECT:
		select_enter(tracer, task, arguments);
		call->timeout_ns = read_timespec(task->tid, arguments[4]);
		break;
	case SHAPE_EPOLL_WAIT:
		epoll_enter(tracer, task, arguments);
		call->timeout_ns = from_ms(arguments[3]);
		break;
	case SHAPE_EPOLL_PWAIT2:
		epoll_enter(tracer, task, arguments);
		call->timeout_ns = read_timespec(task->tid, arguments[3]);
		break;
	default:
		return false;
	}
	if (call->timeout_ns == 0)
		call->flags |= SONDE_CALL_NONBLOCKING;
	if (call->watched_count == 1)
		call->socket = call->watched[0].socket;
	return call->watched_count > 0;
}

void wait_return(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		 int64_t result)
{
	if (result <= 0)
		return;
	switch (syscall->shape) {
	case SHAPE_POLL:
	case SHAPE_PPOLL:
		poll_return(task);
		break;
	case SHAPE_SELECT:
	case SHAPE_PSELECT:
		select_return(task);
		break;
	default:
		epoll_return(tracer, task, result);
		break;
	}
}
