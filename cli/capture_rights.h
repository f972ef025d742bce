/* The rights that a capture takes, and those that it gives up. */
#ifndef CLI_CAPTURE_RIGHTS_H
#define CLI_CAPTURE_RIGHTS_H

#include <stdbool.h>

#include <sonde/error.h>

#include "output.h"

/* Goes into a network namespace of its own.  0 or a negative errno, as below. */
int capture_rights_isolate(const struct output *output, bool has_programs,
			   struct sonde_error *err);
/* From here on it opens no file, starts no program and is nobody, or who called sudo. */
int capture_rights_give_up(const struct output *output, struct sonde_error *err);

#endif
