/* The options of strace for trace, and those of tshark and tcpdump for explain. */
#ifndef CLI_TRACE_FOREIGN_H
#define CLI_TRACE_FOREIGN_H

#include "option.h"

#define TRACE_FOREIGN_OF "strace or tshark"
#define EXPLAIN_FOREIGN_OF "tshark or tcpdump"

extern const struct foreign_option trace_foreign_options[];
extern const struct foreign_option explain_foreign_options[];

#endif
