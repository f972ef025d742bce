/* Whether two names are of one file. */
#ifndef CLI_SAME_FILE_H
#define CLI_SAME_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "option.h"

/* Whether it exists or not.  A device or a pipe may be used for two things. */
bool is_same_file(const char *a, const char *b);

/* An option that takes a file, and the file that it was given; NULL: it was not. */
struct named_file {
	const char *option; /* "--svg" */
	const char *path;
};
/* 0, or -EINVAL with *err filled where one file is meant for two things. */
int refuse_same_files(const char *operation, const struct named_file *files, size_t count,
		      struct sonde_error *err);

#endif
