/* A file that is needed for a while, in a folder of its own. */
#ifndef CLI_SCRATCH_FILE_H
#define CLI_SCRATCH_FILE_H

#include <sonde/error.h>

struct scratch_file {
	char folder[4096], path[4096 + 32]; /* empty: there is none */
};

/* Makes the folder, in TMPDIR or /tmp; the file of that name in it is the caller's to
 * write.  0 or a negative errno with *err filled. */
int scratch_file_make(struct scratch_file *scratch, const char *name,
		      struct sonde_error *err);
/* What comes from standard input, or a pipe by that path. */
int scratch_file_copy(struct scratch_file *scratch, const char *path,
		      struct sonde_error *err);
/* File and folder; also of one that was never made (all zero). */
void scratch_file_remove(struct scratch_file *scratch);

#endif
