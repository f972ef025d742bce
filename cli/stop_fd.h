/* SIGINT and SIGTERM for what ends early with what it has by then. */
#ifndef CLI_STOP_FD_H
#define CLI_STOP_FD_H

/* From here on the first of the two signals makes the descriptor readable, and the next one
 * ends the program at once, whatever it does; what was ignored stays ignored.  -1: there is
 * none, and already the first ends it.  Once in a process; it stays open. */
int stop_fd_open(void);

#endif
