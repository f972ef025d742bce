/* The text of a source line, from the file as the traced process would open it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sonde/text.h>

#include "trace/source.h"

enum { CHUNK = 1 << 14 };

/* Opens without touching what is no regular file: opening a FIFO, a tape or a terminal
 * does things. */
static int open_file(pid_t pid, const char *file)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC};
	char path[64];
	struct stat status;
	bool is_absolute = file[0] == '/';
	int fd = -1, target = -1, r;

	/* Below the process's root, an absolute link must lead below it too. */
	if (is_absolute)
		how.resolve = RESOLVE_IN_ROOT;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid,
		 is_absolute ? "root" : "cwd");
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	target = (int)syscall(SYS_openat2, folder, file, &how, sizeof(how));
	if (target < 0 || fstat(target, &status) < 0) {
		r = -errno;
		goto out;
	}
	if (!S_ISREG(status.st_mode)) {
		r = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
		goto out;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", target);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	r = fd < 0 ? -errno : fd;
out:
	if (target >= 0)
		close(target);
	close(folder);
	return r;
}

/* A line that is being gathered.  More than is kept is not needed, but an indent may be
 * of any length. */
struct line {
	int wanted, at;
	bool after_cr, has_begun;
	size_t used;
	char chars[LIMIT_SOURCE_LINE * 2];
};

/* Returns true when the line is complete. */
static bool feed(struct line *line, const char *chars, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_second = line->after_cr && chars[i] == '\n';
		line->after_cr = chars[i] == '\r';
		if (is_second)
			continue;
		if (chars[i] == '\n' || chars[i] == '\r') {
			if (line->at++ == line->wanted)
				return true;
			continue;
		}
		line->has_begun |= line->at == line->wanted;
		bool is_indent = line->used == 0 && strchr(" \t\f", chars[i]) && chars[i];
		if (line->at == line->wanted && !is_indent &&
		    line->used < sizeof(line->chars))
			line->chars[line->used++] = chars[i];
	}
	return false;
}

static void format(const struct line *line, char ret[LIMIT_SOURCE_LINE + 1])
{
	static const char replacement[] = "\xef\xbf\xbd";
	const char *chars = line->chars;
	size_t n = line->used;
	struct sonde_text text;

	if (line->wanted == 1 && n >= 3 && memcmp(chars, "\xef\xbb\xbf", 3) == 0) {
		chars += 3; /* the byte order mark of a file */
		n -= 3;
	}
	while (n > 0 && strchr(" \t\f", chars[n - 1]) && chars[n - 1])
		n--;
	sonde_text_init(&text, ret, LIMIT_SOURCE_LINE + 1);
	for (size_t i = 0; i < n && !text.cut;) {
		unsigned code;
		size_t length = sonde_text_decode_utf8(chars + i, n - i, &code);
		if (length == 0 || code == 0)
			sonde_text_add_bytes(&text, replacement, sizeof(replacement) - 1);
		else
			sonde_text_add_bytes(&text, chars + i, length);
		i += length ? length : 1;
	}
}

int source_text_read(pid_t pid, const char *file, int wanted,
		     char ret[LIMIT_SOURCE_LINE + 1])
{
	struct line line = {.wanted = wanted, .at = 1};
	char chunk[CHUNK];
	size_t total = 0;
	int r = -ENOENT;

	/* "<string>", "<frozen os>": no file. */
	if (wanted < 1 || file[0] == '\0' || file[0] == '<')
		return -ENOENT;
	int fd = open_file(pid, file);
	if (fd < 0)
		return fd;
	while (total < LIMIT_SOURCE_FILE) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0) {
			r = -errno;
			break;
		}
		bool is_complete = feed(&line, chunk, (size_t)n);
		if (is_complete || (n == 0 && line.has_begun)) {
			format(&line, ret);
			r = 0;
			break;
		}
		if (n == 0)
			break;
		total += (size_t)n;
	}
	close(fd);
	return r;
}
