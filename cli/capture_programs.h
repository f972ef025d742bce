/* Programs that run while it is captured (--with): started when the ring is there, ended
 * with the capture. */
#ifndef CLI_CAPTURE_PROGRAMS_H
#define CLI_CAPTURE_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/error.h>

enum { CAPTURE_PROGRAMS_MOST = 64 };

struct capture_programs {
	size_t count;
	int fds[CAPTURE_PROGRAMS_MOST]; /* pidfds; -1: has ended */
};

/* A shell command line each.  own_stdout: ours has data of its own, so theirs goes to
 * standard error.  0 or a negative errno; those that were started are in *programs. */
int capture_programs_start(struct capture_programs *programs, const char *const *lines,
			   size_t count, bool own_stdout, struct sonde_error *err);
/* Notes which have ended.  True when none is left. */
bool capture_programs_have_ended(struct capture_programs *programs);
void capture_programs_done(struct capture_programs *programs);

#endif
