/* A display filter of the command line, with errors that show the place. */
#ifndef CLI_FILTER_OPEN_H
#define CLI_FILTER_OPEN_H

#include <sonde/filter.h>

#include "output.h"

/* text may be NULL: *ret is then NULL, too.  Returns STATUS_DONE, or the status of an
 * error that was told. */
int filter_open(const char *text, struct sonde_filter **ret);
/* The filter of that text gave up at a frame (-ELOOP): says so, and returns the status. */
int filter_complain(const struct sonde_filter *filter, const char *text, uint32_t frame);

#endif
