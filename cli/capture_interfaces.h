/* capture -D: the interfaces of this machine. */
#ifndef CLI_CAPTURE_INTERFACES_H
#define CLI_CAPTURE_INTERFACES_H

#include "output.h"

/* Lists them.  Returns the exit status. */
int capture_interfaces_list(struct output *output);

#endif
