/* Whether a program can be executed. */
#include "record/find_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sonde/trace.h>

#include "base/limits.h"

/* 0, or the errno with which an exec of it would fail. */
static int check(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return errno;
	return 0;
}

/* Looks through the folders; the last "permission denied" is remembered, as execvp does.
 */
static int search(const char *name, const char *path)
{
	int error = ENOENT;

	while (*path) {
		size_t n = strcspn(path, ":");
		char file[LIMIT_PATH];
		int found;

		snprintf(file, sizeof(file), "%.*s%s%s", (int)n, path, n ? "/" : "./",
			 name);
		found = check(file);
		if (!found)
			return 0;
		if (found != ENOENT && found != ENOTDIR && found != EISDIR)
			error = found;
		path += n;
		path += *path == ':';
	}
	return error;
}

int find_program(const char *name, const char *path, struct sonde_error *err)
{
	int error;

	if (!*name)
		error = ENOENT;
	else if (strchr(name, '/'))
		error = check(name);
	else
		error = search(name, path ? path : "/bin:/usr/bin");
	if (!error)
		return 0;
	if (error == ENOENT) {
		sonde_error_set(err, SONDE_ERROR_USAGE, SONDE_TRACE_NOT_FOUND, "execute",
				name, "no such program");
		sonde_error_hint(err,
				 strchr(name, '/') ? "check the path"
						   : "it is in no folder of PATH; a "
						     "program in this one is ./%s",
				 name);
		return SONDE_TRACE_NOT_FOUND;
	}
	if (error == ENOTDIR) { /* env(1) says 126, too */
		sonde_error_set(err, SONDE_ERROR_USAGE, SONDE_TRACE_NOT_EXECUTABLE,
				"execute", name, "a part of its path is no folder");
		sonde_error_hint(err, "check the path");
		return SONDE_TRACE_NOT_EXECUTABLE;
	}
	sonde_error_set(err, SONDE_ERROR_USAGE, SONDE_TRACE_NOT_EXECUTABLE, "execute",
			name,
			error == EISDIR ? "it is a folder" : "it is not executable (%s)",
			sonde_error_name(error));
	sonde_error_hint(err,
			 error == EISDIR
				 ? "name a program in it"
				 : "chmod +x %s, or name its interpreter before it",
			 name);
	return SONDE_TRACE_NOT_EXECUTABLE;
}
