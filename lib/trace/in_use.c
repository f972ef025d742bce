/* Who has the address that a program wanted.
 *
 * A holder that is traced, too, is in the recording anyway; any other one has to be asked
 * for while it has the address, so that this is done at once, with the program stopped.
 * It takes a millisecond on a small machine, and much more on a large one: a program that
 * tries again and again gets the same answer for a second, and in a run there are only so
 * many answers, in so much time.
 *
 * A connect that this machine refuses is asked about in the same way: somebody may listen at
 * another address, at another port, or for UDP. */
#include "trace/in_use.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "io/holder.h"
#include "trace/descriptor.h"
#include "trace/remote.h"

#define AGAIN_NS NS_PER_S          /* an answer holds so long */
#define LOOK_NS NS_PER_S           /* of processor time, for one answer, */
#define LOOK_ALL_NS (3 * NS_PER_S) /* and for all of a run */

enum {
	PATH_CHARS = sizeof(struct sockaddr_un),
	LIKELY = 32,
	REFUSED_MOST = LIMIT_HOLDERS / 4, /* who looks for open ports leaves the rest */
};

static void say_enough(struct tracer *tracer)
{
	if (tracer->in_use.said_enough)
		return;
	tracer->in_use.said_enough = true;
	feed_note(tracer->feed, SONDE_NOTE,
		  "bind() failed so often that sonde stopped to look for who has the "
		  "addresses",
		  NULL);
}

/* Ports are those of a network namespace, paths those of a process's folder. */
static uint64_t place_of(const struct task *task, const struct sonde_address *wanted)
{
	char path[64];
	struct stat status;

	if (wanted->family == SONDE_FAMILY_UNIX)
		return (uint64_t)task->process->pid;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", task->tid);
	return stat(path, &status) == 0 ? status.st_ino : 0;
}

/* What bind() was given; NULs as the kernel lists them. */
static void read_path(const struct task *task, const struct syscall *syscall,
		      char ret[PATH_CHARS])
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	struct sockaddr_un address;
	size_t n = task->arguments[2] < sizeof(address) ? (size_t)task->arguments[2]
							: sizeof(address);

	ret[0] = '\0';
	if (syscall->shape != SHAPE_BIND || n <= head ||
	    remote_read(task->tid, task->arguments[1], &address, n) < 0)
		return;
	n -= head;
	memcpy(ret, address.sun_path, n);
	ret[n] = '\0';
	for (size_t i = 0; i < n && !address.sun_path[0]; i++)
		if (!ret[i])
			ret[i] = '@';
}

static uint8_t state_of(const struct holder *found)
{
	static const uint8_t states[] = {
		[HOLDER_LISTENS] = SONDE_HOLDER_LISTENS,
		[HOLDER_BOUND] = SONDE_HOLDER_BOUND,
		[HOLDER_TALKS] = SONDE_HOLDER_TALKS,
		[HOLDER_CLOSING] = SONDE_HOLDER_CLOSING,
		[HOLDER_TIME_WAIT] = SONDE_HOLDER_TIME_WAIT,
	};

	return states[found->state];
}

/* A path whose socket is gone is in the way as much as one that is used. */
static int look_for_path(const struct holder_search *search, const char *path,
			 struct holder *found, uint8_t *ret_state)
{
	struct stat status;
	int r = holder_find_unix(search, path, found);

	if (r == 0)
		*ret_state = found->state == HOLDER_TALKS ? SONDE_HOLDER_STALE
							  : state_of(found);
	if (r != -ENOENT || path[0] == '@' ||
	    !holder_find_file(search->viewer, path, &status))
		return r;
	*ret_state = S_ISSOCK(status.st_mode) ? SONDE_HOLDER_STALE : SONDE_HOLDER_FILE;
	return 0;
}

static int look_near(const struct holder_search *search,
		     const struct sonde_address *asked, struct holder *found,
		     uint8_t *ret_state)
{
	bool is_udp;
	int r = holder_find_near(search, asked, &is_udp, found);

	if (r == 0)
		*ret_state = is_udp ? SONDE_HOLDER_DATAGRAMS : state_of(found);
	return r;
}

static int look_for_port(const struct holder_search *search,
			 const struct sonde_call *call,
			 const struct sonde_address *wanted, bool is_udp,
			 struct holder *found, uint8_t *ret_state)
{
	int r = holder_find(search, wanted, is_udp ? SOCK_UDP : SOCK_TCP, found);

	if (r < 0)
		return r;
	/* Only another one that listens keeps a socket that is bound from it. */
	if (call->kind == SONDE_CALL_LISTEN && found->state != HOLDER_LISTENS)
		return -ENOENT;
	*ret_state = state_of(found);
	return 0;
}

static size_t take_pids(const struct tracer *tracer, pid_t ret[LIKELY])
{
	size_t count = 0;

	for (unsigned i = 0; i < STATE_BUCKETS && tracer->process_count <= LIKELY; i++) {
		for (const struct process *process = tracer->processes[i];
		     process && count < LIKELY; process = process->next)
			ret[count++] = process->pid;
	}
	return count;
}

static uint32_t look(struct tracer *tracer, const struct task *task,
		     const struct syscall *syscall, const struct sonde_address *wanted)
{
	const struct sonde_socket *seen = &socket_of(tracer, task->call.socket)->seen;
	int64_t begun_ns = holder_clock_ns();
	pid_t traced[LIKELY];
	const struct holder_search search = {
		.viewer = task->tid,
		.deadline_ns = begun_ns + LOOK_NS,
		.likely = traced,
		.likely_count = take_pids(tracer, traced),
	};
	struct holder found = {0};
	char path[PATH_CHARS + 1] = "";
	struct sonde_holder holder = {.looked_ns = clock_realtime_ns()};
	struct process *process;
	int r;

	if (task->call.kind == SONDE_CALL_CONNECT) {
		r = look_near(&search, wanted, &found, &holder.state);
	} else if (wanted->family == SONDE_FAMILY_UNIX) {
		read_path(task, syscall, path);
		r = look_for_path(&search, path, &found, &holder.state);
	} else {
		r = look_for_port(&search, &task->call, wanted,
				  seen->kind == SONDE_SOCKET_UDP, &found, &holder.state);
	}
	tracer->in_use.spent_ns += holder_clock_ns() - begun_ns;
	if (path[0])
		holder.path = path;
	if (r == 0) {
		holder.local = found.local;
		holder.peer = found.peer;
		holder.left_ms = (uint32_t)found.left_ms;
		holder.uid = found.uid;
		holder.is_unsearched = found.unsearched;
		holder.is_ownerless = !found.inode && !found.pid;
	}
	if (r == 0 && found.pid) {
		holder.pid = (uint32_t)found.pid;
		holder.fd = found.fd;
		holder.others = found.others;
		holder.is_stopped = found.stopped;
		holder.started_ns = found.started_ns;
		holder.name = found.name;
		process = process_find(tracer, found.pid);
		if (process)
			holder.socket = descriptor_known_socket(process, found.fd);
	}
	/* Nobody near is what one expects. */
	if (r < 0 && task->call.kind == SONDE_CALL_CONNECT)
		return 0;
	holder.holder = ++tracer->in_use.holder_count;
	feed_holder(tracer->feed, &holder);
	return holder.holder;
}

/* The same was asked a moment ago: its answer holds. */
static bool ask_again(const struct in_use *in_use, const struct asked *asked,
		      uint32_t *ret_holder)
{
	for (uint32_t i = in_use->count; i-- > 0;) {
		const struct asked *before = &in_use->asked[i];

		if (before->kind == asked->kind && before->place == asked->place &&
		    before->is_refused == asked->is_refused &&
		    sonde_address_equal(&before->wanted, &asked->wanted) &&
		    asked->at_ns - before->at_ns < AGAIN_NS) {
			*ret_holder = before->holder;
			return true;
		}
	}
	return false;
}

void in_use_note(struct tracer *tracer, struct task *task, const struct syscall *syscall)
{
	struct in_use *in_use = &tracer->in_use;
	const struct traced_socket *socket = socket_of(tracer, task->call.socket);
	struct asked asked = {
		.wanted = task->call.kind == SONDE_CALL_LISTEN ? socket->seen.local
							       : task->call.address,
		.kind = socket->seen.kind,
		.at_ns = tracer->now_ns,
	};

	if (asked.kind != SONDE_SOCKET_TCP && asked.kind != SONDE_SOCKET_UDP &&
	    asked.wanted.family != SONDE_FAMILY_UNIX)
		return;
	/* All are taken: of that there is no holder. */
	if (asked.wanted.family != SONDE_FAMILY_UNIX && !asked.wanted.port)
		return;
	asked.place = place_of(task, &asked.wanted);
	if (ask_again(in_use, &asked, &task->call.holder))
		return;
	if (in_use->count >= LIMIT_HOLDERS || in_use->spent_ns > LOOK_ALL_NS) {
		say_enough(tracer);
		return;
	}
	asked.holder = look(tracer, task, syscall, &asked.wanted);
	in_use->asked[in_use->count++] = asked;
	task->call.holder = asked.holder;
}

/* It is one of this machine's own. */
static bool is_here(const struct task *task, const struct sonde_address *address)
{
	struct ifaddrs *list;
	struct stat own;
	bool is_found = false;

	if (sonde_address_is_loopback(address) || sonde_address_is_any(address))
		return true;
	if (stat("/proc/self/ns/net", &own) < 0 ||
	    place_of(task, address) != own.st_ino || getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *it = list; it && !is_found; it = it->ifa_next) {
		const struct sockaddr *has = it->ifa_addr;
		struct sonde_address found;

		if (!has || (has->sa_family != AF_INET && has->sa_family != AF_INET6))
			continue;
		is_found =
			sonde_address_from_sockaddr(has,
						    has->sa_family == AF_INET
							    ? sizeof(struct sockaddr_in)
							    : sizeof(struct sockaddr_in6),
						    &found) == 0 &&
			sonde_address_equal_host(&found, address);
	}
	freeifaddrs(list);
	return is_found;
}

void in_use_note_refused(struct tracer *tracer, struct task *task,
			 const struct syscall *syscall)
{
	struct in_use *in_use = &tracer->in_use;
	struct asked asked = {
		.wanted = task->call.address,
		.kind = socket_of(tracer, task->call.socket)->seen.kind,
		.at_ns = tracer->now_ns,
		.is_refused = true,
	};

	if (asked.kind != SONDE_SOCKET_TCP || !asked.wanted.port)
		return;
	asked.place = place_of(task, &asked.wanted);
	if (ask_again(in_use, &asked, &task->call.holder) ||
	    in_use->refused_count >= REFUSED_MOST || in_use->count >= LIMIT_HOLDERS ||
	    in_use->spent_ns > LOOK_ALL_NS || !is_here(task, &asked.wanted))
		return;
	asked.holder = look(tracer, task, syscall, &asked.wanted);
	in_use->asked[in_use->count++] = asked;
	in_use->refused_count++;
	task->call.holder = asked.holder;
}
