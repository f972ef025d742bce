/* Which socket has a path: /proc/PID/net/unix.  It lists each path as it was given to
 * bind(), which may be another spelling than the one that is looked for; two spellings are
 * one path where they lead to the same file. */
#include "io/holder_owner.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_CHARS = 512, CANDIDATES = 16, FLAG_ACCEPTS = 0x10000, STATE_CONNECTED = 3 };

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool holder_find_file(pid_t viewer, const char *path, struct stat *ret)
{
	char whole[PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "/proc/%d/%s/%s", (int)viewer,
			 path[0] == '/' ? "root" : "cwd", path);

	return n > 0 && (size_t)n < sizeof(whole) && stat(whole, ret) == 0;
}

static bool is_same(pid_t viewer, const char *wanted, pid_t owner, const char *found)
{
	struct stat a, b;

	if (strcmp(wanted, found) == 0 && (wanted[0] == '@' || wanted[0] == '/'))
		return true;
	/* Of one that may not be looked into, a spelling is all there is. */
	if (!owner && found[0] != '/')
		return strcmp(wanted, found) == 0;
	return holder_find_file(viewer, wanted, &a) &&
	       holder_find_file(found[0] == '/' ? viewer : owner, found, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Num RefCount Protocol Flags Type St Inode Path */
static const char *read_line(char *line, struct holder *ret)
{
	unsigned long flags, inode;
	unsigned state;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%*x: %*x %*x %lx %*x %x %lu %n", &flags, &state, &inode, &at) !=
		    3 ||
	    !at)
		return NULL;
	*ret = (struct holder){
		.state = flags & FLAG_ACCEPTS       ? HOLDER_LISTENS
			 : state == STATE_CONNECTED ? HOLDER_TALKS
						    : HOLDER_BOUND,
		.inode = inode,
		.local.family = SONDE_FAMILY_UNIX,
	};
	return line + at;
}

int holder_find_unix(const struct holder_search *search, const char *path,
		     struct holder *ret)
{
	char name[64], line[LINE_CHARS];
	int candidates = 0, r = -ENOENT;
	FILE *table;

	snprintf(name, sizeof(name), "/proc/%d/net/unix", (int)search->viewer);
	table = fopen(name, "re");
	if (!table)
		return -ENOENT;
	while (candidates < CANDIDATES && fgets(line, sizeof(line), table)) {
		struct holder found;
		const char *its = read_line(line, &found);

		if (!its || strcmp(last_part(its), last_part(path)) != 0)
			continue;
		candidates++;
		if (holder_owner(search, &found) == -ETIMEDOUT) {
			r = -ETIMEDOUT;
			break;
		}
		if (!is_same(search->viewer, path, found.pid, its) ||
		    (r == 0 && found.state >= ret->state))
			continue;
		*ret = found;
		r = 0;
		if (found.state == HOLDER_LISTENS)
			break;
	}
	fclose(table);
	return r;
}
