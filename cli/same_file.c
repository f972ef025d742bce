/* Files by two names. */
#include "same_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The folder that a path names a file of. */
static int stat_folder(const char *path, struct stat *ret)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (slash == path)
		return stat("/", ret);
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	return stat(folder, ret);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool is_same_file(const char *a, const char *b)
{
	struct stat of_a, of_b;
	bool has_a = stat(a, &of_a) == 0, has_b = stat(b, &of_b) == 0;

	if (strcmp(a, b) == 0)
		return true;
	if (has_a && has_b && !S_ISREG(of_a.st_mode))
		return false;
	if (!has_a && !has_b &&
	    (strcmp(last_part(a), last_part(b)) != 0 || stat_folder(a, &of_a) < 0 ||
	     stat_folder(b, &of_b) < 0))
		return false;
	return has_a == has_b && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

int refuse_same_files(const char *operation, const struct named_file *files, size_t count,
		      struct sonde_error *err)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!files[i].path || !files[k].path ||
			    !is_same_file(files[i].path, files[k].path))
				continue;
			return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, operation,
					       files[i].path,
					       "one file for two things: %s and %s",
					       files[k].option, files[i].option);
		}
	}
	return 0;
}
