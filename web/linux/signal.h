/* Signals as Linux numbers them (asm-generic): a recording holds who was ended by which. */
#ifndef LINUX_SIGNAL_H
#define LINUX_SIGNAL_H

#define SIGPIPE 13

/* "PIPE"; NULL for a number without a name. */
const char *sigabbrev_np(int signal);

#endif
