/* The page: one HTML file that shows a run, or any capture that is dropped on it. */
#ifndef CLI_PAGE_WRITE_H
#define CLI_PAGE_WRITE_H

#include <stdint.h>

#include <sonde/error.h>

#include "output.h"

/* 0, or -EINVAL with *err filled: this build has no page. */
int page_check(const char *operation, struct sonde_error *err);
/* The page without a capture. */
void page_write_empty(struct output *output);
/* A page into a new file, with the capture file in it, whose name is shown there; stream
 * (from 1, 0 the first) is what it shows first.  0 or a negative errno with *err filled. */
int page_write(const char *path, const char *capture, const char *name, uint32_t stream,
	       struct sonde_error *err);

#endif
