/* The page: one HTML file that shows a run, or any capture that is dropped on it. */
#ifndef CLI_PAGE_WRITE_H
#define CLI_PAGE_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/error.h>

#include "output.h"

/* 0, or -EINVAL with *err filled: this build has no page. */
int page_check(const char *operation, struct sonde_error *err);
/* 0 where a page may be written to path without being asked whether: nothing is there yet,
 * or a page.  Else -EINVAL with *err filled. */
int page_check_place(const char *operation, const char *path, struct sonde_error *err);
/* The page without a capture. */
void page_write_empty(struct output *output);
struct page_data {
	const char *capture; /* the file that it holds */
	const char *name;    /* and is shown by */
	uint32_t stream;     /* from 1, 0 the first: what it shows at first */
	bool shows_secrets;
};

/* A page into a new file.  0 or a negative errno with *err filled. */
int page_write(const char *path, const struct page_data *data, struct sonde_error *err);

#endif
