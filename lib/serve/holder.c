/* Who holds a port: /proc/net/{tcp,udp}{,6} tell the socket's inode, /proc/PID/fd whose
 * it is.  Slow, and only for an error text. */
#include "serve/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a };

/* The inode of the socket that has the port, 0 where none is listed; of TCP one that listens,
 * unless one that `talks` is wanted. */
static unsigned long find_inode(const char *table, uint16_t port,
				enum sock_transport transport, bool talks)
{
	FILE *file = fopen(table, "re");
	unsigned long found = 0;
	char line[512];

	if (!file)
		return 0;
	while (found == 0 && fgets(line, sizeof(line), file)) {
		unsigned local_port, state;
		unsigned long inode;
		/* sl local rem st tx:rx tr:when retrnsmt uid timeout inode */
		if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu",
			   &local_port, &state, &inode) != 3)
			continue;
		if (local_port == port &&
		    (transport == SOCK_UDP || (state == STATE_LISTEN) != talks))
			found = inode;
	}
	fclose(file);
	return found;
}

static bool has_socket(int proc_fd, const char *pid, const char *wanted)
{
	char path[32];
	bool found = false;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (!folder) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (struct dirent *entry; !found && (entry = readdir(folder));) {
		char target[64];
		ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(folder);
	return found;
}

/* Name and state stand in /proc/PID/stat: "812 (python3) T ..."; the name may hold
 * anything, its closing bracket is the last one. */
static void describe(int proc_fd, const char *pid, struct holder *ret)
{
	char path[32], stat[256] = "";

	ret->pid = (pid_t)strtol(pid, NULL, 10);
	snprintf(ret->name, sizeof(ret->name), "a program");
	ret->stopped = false;
	snprintf(path, sizeof(path), "%.20s/stat", pid);
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	char *open = n > 0 ? strchr(stat, '(') : NULL;
	char *end = n > 0 ? strrchr(stat, ')') : NULL;
	if (!open || !end || end < open)
		return;
	*end = '\0';
	snprintf(ret->name, sizeof(ret->name), "%.31s", open + 1);
	ret->stopped = end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

static int find_process(unsigned long inode, struct holder *ret)
{
	char wanted[64];
	int r = -ENOENT;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	for (struct dirent *entry; r < 0 && (entry = readdir(proc));) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !has_socket(dirfd(proc), entry->d_name, wanted))
			continue;
		describe(dirfd(proc), entry->d_name, ret);
		r = 0;
	}
	closedir(proc);
	return r;
}

int holder_find(const struct sonde_address *wanted, enum sock_transport transport,
		struct holder *ret)
{
	/* A socket for both families stands in the table of IPv6, and holds the port of
	 * both. */
	static const char *const tables[2][2] = {
		[SOCK_TCP] = {"/proc/self/net/tcp", "/proc/self/net/tcp6"},
		[SOCK_UDP] = {"/proc/self/net/udp", "/proc/self/net/udp6"},
	};
	int first = wanted->family == SONDE_FAMILY_INET6 ? 1 : 0;

	for (int i = 0; i < (transport == SOCK_UDP ? 2 : 4); i++) {
		ret->talks = i >= 2;
		unsigned long inode = find_inode(tables[transport][first ^ (i & 1)],
						 wanted->port, transport, ret->talks);
		if (inode != 0 && find_process(inode, ret) == 0)
			return 0;
	}
	return -ENOENT;
}
