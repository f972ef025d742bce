/* Journal entries of a capture file, which in sonde's files are calls: fields in the Journal
 * Export Format of systemd, NAME=VALUE lines, and where a value is no plain text NAME, a
 * length of eight bytes (little-endian), the value and a newline. */
#ifndef SONDE_JOURNAL_H
#define SONDE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/export.h>
#include <sonde/frame.h>

/* Borrowed from the entry; not terminated by NUL. */
struct sonde_journal_field {
	const char *name;
	size_t name_length;
	const char *value;
	size_t value_length;
};

/* The next field of an entry (SONDE_FRAME_JOURNAL); *at starts at 0.  1 a field, 0 the end,
 * -EBADMSG: what follows is none. */
SONDE_API int sonde_journal_next(const struct sonde_frame *entry, size_t *at,
				 struct sonde_journal_field *ret);
/* The first field of that name. */
SONDE_API bool sonde_journal_find(const struct sonde_frame *entry, const char *name,
				  struct sonde_journal_field *ret);
SONDE_API bool sonde_journal_is(const struct sonde_journal_field *field,
				const char *name);

#endif
