/* Standard input and output, and the signals that end a talk, as descriptors. */
#ifndef CLI_TALK_FDS_H
#define CLI_TALK_FDS_H

#include <stdbool.h>

/* The descriptor moves elsewhere, and its number gets /dev/null: the library closes it
 * when its direction is over, and a reader must then see the end.  flags: O_RDONLY or
 * O_WRONLY.  -1 where it was closed. */
int talk_fds_take(int fd, int flags);

/* From here on SIGINT and SIGTERM become readable, and with has_editor SIGWINCH and
 * SIGTSTP. The descriptor, or -1. */
int talk_fds_open_signals(bool has_editor);

/* As one of those two signals, where they are readable: nobody can read what is printed. */
void talk_fds_stop(void);

#endif
