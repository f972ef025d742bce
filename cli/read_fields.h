/* sonde read --fields: the names that a filter may use. */
#ifndef CLI_READ_FIELDS_H
#define CLI_READ_FIELDS_H

#include "option.h"
#include "output.h"

/* Lists them, or those that begin with the operand.  Returns the exit status. */
int read_fields_list(const struct arguments *arguments, struct output *output);

#endif
