/* Journal entries of a capture file, which in sonde's files are calls. */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/frame.h>

/* The next field of the entry; *at starts at 0.  False: the end, or what follows is none.
 * Borrowed. */
bool journal_next(const struct sonde_frame *frame, size_t *at, const char **ret_name,
		  size_t *ret_name_length, const char **ret_value,
		  size_t *ret_value_length);
bool journal_find(const struct sonde_frame *frame, const char *name,
		  const char **ret_value, size_t *ret_value_length);

#endif
