/* Temporary files; see scratch_file.h. */
#include "scratch_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16 };

static int fail(struct sonde_error *err, int code, const char *operation,
		const char *subject)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, code, operation, subject, NULL);
}

int scratch_file_make(struct scratch_file *scratch, const char *name,
		      struct sonde_error *err)
{
	const char *place = getenv("TMPDIR");
	int n;

	if (!place || !place[0])
		place = "/tmp";
	n = snprintf(scratch->folder, sizeof(scratch->folder), "%s/sonde-XXXXXX", place);
	if (n < 0 || (size_t)n >= sizeof(scratch->folder)) {
		scratch->folder[0] = '\0';
		return fail(err, -ENAMETOOLONG, "make a folder in", place);
	}
	if (!mkdtemp(scratch->folder)) {
		scratch->folder[0] = '\0';
		return fail(err, -errno, "make a folder in", place);
	}
	snprintf(scratch->path, sizeof(scratch->path), "%s/%s", scratch->folder, name);
	return 0;
}

static int copy(FILE *from, FILE *to, const char *name, const char *path,
		struct sonde_error *err)
{
	char bytes[COPY_BYTES];
	size_t n;

	while ((n = fread(bytes, 1, sizeof(bytes), from)) > 0)
		if (fwrite(bytes, 1, n, to) != n)
			return fail(err, -errno, "write", path);
	if (ferror(from))
		return fail(err, -errno, "read", name);
	return 0;
}

int scratch_file_copy(struct scratch_file *scratch, const char *path,
		      struct sonde_error *err)
{
	FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	const char *name = from == stdin ? "standard input" : path;
	FILE *to = NULL;
	int r;

	if (!from)
		return fail(err, -errno, "read", path);
	r = scratch_file_make(scratch, "capture.pcapng", err);
	if (r >= 0)
		to = fopen(scratch->path, "wxe");
	if (r >= 0 && !to)
		r = fail(err, -errno, "open", scratch->path);
	if (r >= 0)
		r = copy(from, to, name, scratch->path, err);
	if (to && fclose(to) != 0 && r >= 0)
		r = fail(err, -errno, "write", scratch->path);
	if (from != stdin)
		fclose(from);
	return r;
}

void scratch_file_remove(struct scratch_file *scratch)
{
	if (scratch->path[0])
		unlink(scratch->path);
	if (scratch->folder[0])
		rmdir(scratch->folder);
	*scratch = (struct scratch_file){0};
}
