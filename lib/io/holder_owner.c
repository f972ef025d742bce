/* Whose a socket is: the descriptors of all processes that may be looked into.
 *
 * /proc/PID/fd names a socket by its inode.  One that is bound to a port and no more stands
 * in no table of the kernel; its address is asked of the socket itself, by a copy of the
 * descriptor that is closed at once. */
#include "io/holder_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "io/program_name.h"

enum { ARGUMENTS = 16, ARGUMENT_BYTES = 1024, STARTED_FIELD = 20, TICKS_PER_S = 100 };

/* ---- a process ---- */

static ssize_t read_file(int folder, const char *pid, const char *name, char *ret,
			 size_t n)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%.20s/%s", pid, name);
	fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, ret, n - 1);
	close(fd);
	if (got >= 0)
		ret[got] = '\0';
	return got;
}

static void name_program(int folder, const char *pid, struct holder *ret)
{
	char bytes[ARGUMENT_BYTES];
	const char *arguments[ARGUMENTS];
	ssize_t got = read_file(folder, pid, "cmdline", bytes, sizeof(bytes));
	size_t count = 0;

	for (char *at = bytes; got > 0 && at < bytes + got && count < ARGUMENTS;
	     at += strlen(at) + 1)
		arguments[count++] = at;
	if (count && arguments[0][0])
		snprintf(ret->name, sizeof(ret->name), "%s",
			 program_name(arguments, count));
}

/* The time since the start of the machine, in ticks, to one since the epoch. */
static int64_t moment_of(unsigned long long ticks)
{
	struct timespec since_boot;

	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	return clock_realtime_ns() -
	       ((int64_t)since_boot.tv_sec * NS_PER_S + since_boot.tv_nsec) +
	       (int64_t)ticks * (NS_PER_S / TICKS_PER_S);
}

/* Name and state stand in /proc/PID/stat: "812 (python3) T ..."; the name may hold
 * anything, its closing bracket is the last one. */
static void describe(int folder, const char *pid, struct holder *ret)
{
	char stat[1024];
	char *open, *end;

	ret->pid = (pid_t)strtol(pid, NULL, 10);
	snprintf(ret->name, sizeof(ret->name), "a program");
	if (read_file(folder, pid, "stat", stat, sizeof(stat)) <= 0)
		return;
	open = strchr(stat, '(');
	end = strrchr(stat, ')');
	if (!open || !end || end < open)
		return;
	*end = '\0';
	snprintf(ret->name, sizeof(ret->name), "%.31s", open + 1);
	name_program(folder, pid, ret);
	if (end[1] != ' ')
		return;
	ret->stopped = end[2] == 'T' || end[2] == 't';
	end += 2;
	for (int i = 1; i < STARTED_FIELD && end; i++)
		end = strchr(end + 1, ' ');
	if (end)
		ret->started_ns = moment_of(strtoull(end + 1, NULL, 10));
}

/* ---- its descriptors ---- */

/* The first descriptor for which is_it(); -1 none. */
static int find_descriptor(int folder, const char *pid,
			   bool (*is_it)(const void *context, int fd, const char *target),
			   const void *context)
{
	char path[32];
	int found = -1, fd;
	DIR *list;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd >= 0 ? fdopendir(fd) : NULL;
	if (!list) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (struct dirent *entry; found < 0 && (entry = readdir(list));) {
		char target[64];
		int number = (int)strtol(entry->d_name, NULL, 10);
		ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (is_it(context, number, target))
			found = number;
	}
	closedir(list);
	return found;
}

static bool has_name(const void *context, int fd, const char *target)
{
	(void)fd;
	return strcmp(context, target) == 0;
}

static bool is_likely(int folder, const struct holder_search *search, const char *wanted,
		      struct holder *ret)
{
	for (size_t i = 0; i < search->likely_count; i++) {
		char pid[24];
		int fd;

		snprintf(pid, sizeof(pid), "%d", (int)search->likely[i]);
		fd = find_descriptor(folder, pid, has_name, wanted);
		if (fd < 0)
			continue;
		ret->fd = fd;
		describe(folder, pid, ret);
		return true;
	}
	return false;
}

/* Whose number is highest has mostly been there for the shortest time, as who is in the way
 * of a program that is being written: so they are looked at from the last to the first,
 * and the first of those that have the socket is the one to name, as a parent is. */
static pid_t *list_processes(DIR *proc, size_t *ret_count)
{
	size_t room = 0, count = 0;
	pid_t *list = NULL;

	for (struct dirent *entry; (entry = readdir(proc));) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    array_reserve(&list, &room, count + 1, sizeof(*list)) < 0)
			continue;
		list[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	*ret_count = count;
	return list;
}

int64_t holder_clock_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (int64_t)spent.tv_sec * NS_PER_S + spent.tv_nsec;
}

int holder_owner(const struct holder_search *search, struct holder *ret)
{
	char wanted[64];
	DIR *proc = opendir("/proc");
	uint32_t found = 0;
	size_t count;
	pid_t *list;

	if (!proc)
		return -errno;
	snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)ret->inode);
	if (is_likely(dirfd(proc), search, wanted, ret)) {
		closedir(proc);
		return 0;
	}
	list = list_processes(proc, &count);
	for (size_t i = count; i-- > 0;) {
		char pid[24];
		int fd;

		if (holder_clock_ns() > search->deadline_ns) {
			ret->unsearched = found == 0;
			break;
		}
		snprintf(pid, sizeof(pid), "%d", (int)list[i]);
		fd = find_descriptor(dirfd(proc), pid, has_name, wanted);
		if (fd < 0)
			continue;
		ret->fd = fd;
		ret->pid = list[i];
		found++;
	}
	if (found) {
		char pid[24];

		snprintf(pid, sizeof(pid), "%d", (int)ret->pid);
		describe(dirfd(proc), pid, ret);
		ret->others = found - 1;
	}
	array_free(list);
	closedir(proc);
	return found ? 0 : ret->unsearched ? -ETIMEDOUT : -ENOENT;
}

/* ---- bound and no more ---- */

struct bound {
	const struct sonde_address *wanted;
	int pidfd;
	struct sonde_address *local;
	int *conflict;
};

static bool is_bound(const void *context, int fd, const char *target)
{
	const struct bound *bound = context;
	struct sockaddr_storage storage;
	struct sonde_address local = {0};
	socklen_t size = sizeof(storage), protocol_size = sizeof(int);
	int copy, protocol = 0;

	if (strncmp(target, "socket:", 7) != 0)
		return false;
	copy = (int)syscall(SYS_pidfd_getfd, bound->pidfd, fd, 0);
	if (copy < 0)
		return false;
	if (getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_size) == 0 &&
	    protocol == IPPROTO_TCP &&
	    getsockname(copy, (struct sockaddr *)&storage, &size) == 0)
		sonde_address_from_sockaddr((struct sockaddr *)&storage, size, &local);
	close(copy);
	*bound->conflict = holder_conflicts(&local, bound->wanted);
	*bound->local = local;
	return *bound->conflict != 0;
}

/* Processes elsewhere have ports of their own. */
static bool is_beside(int folder, const char *pid, const struct stat *wanted)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof(path), "%.20s/ns/net", pid);
	return fstatat(folder, path, &status, 0) == 0 &&
	       status.st_ino == wanted->st_ino && status.st_dev == wanted->st_dev;
}

static int bound_in(int folder, const char *pid, const struct sonde_address *wanted,
		    struct holder *ret)
{
	int conflict = 0, fd;
	struct sonde_address local;
	struct bound bound = {.wanted = wanted, .local = &local, .conflict = &conflict};

	bound.pidfd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(pid, NULL, 10), 0);
	if (bound.pidfd < 0)
		return -1;
	fd = find_descriptor(folder, pid, is_bound, &bound);
	close(bound.pidfd);
	if (fd < 0)
		return -1;
	*ret = (struct holder){.state = HOLDER_BOUND, .local = local, .fd = fd};
	describe(folder, pid, ret);
	return 0;
}

int holder_bound(const struct holder_search *search, const struct sonde_address *wanted,
		 struct holder *ret)
{
	char path[64];
	struct stat status;
	int r = -ENOENT;
	size_t count;
	pid_t *list;
	DIR *proc;

	snprintf(path, sizeof(path), "/proc/%d/ns/net",
		 (int)(search->viewer ? search->viewer : getpid()));
	if (stat(path, &status) < 0)
		return -ENOENT;
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	list = list_processes(proc, &count);
	for (size_t i = count; i-- > 0 && r == -ENOENT;) {
		char pid[24];

		snprintf(pid, sizeof(pid), "%d", (int)list[i]);
		if (holder_clock_ns() > search->deadline_ns)
			r = -ETIMEDOUT;
		else if (is_beside(dirfd(proc), pid, &status) &&
			 bound_in(dirfd(proc), pid, wanted, ret) == 0)
			r = 0;
	}
	array_free(list);
	closedir(proc);
	return r;
}
