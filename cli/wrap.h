/* Words for a terminal: a line that is too long for it goes on below, indented, and no
 * word is torn. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <sonde/text.h>

/* Columns of the terminal behind a descriptor; 0 where it is none, or does not know. */
unsigned wrap_columns(int fd);

/* Adds a text (without line feeds), broken into lines of `columns`, of which all but the
 * first begin at `indent`; 0 leaves it one line.  There is a line feed between lines, and
 * none behind the last.  A terminal of a few columns is left to break lines itself. */
void wrap_add(struct sonde_text *to, const char *text, unsigned columns, unsigned indent);

#endif
