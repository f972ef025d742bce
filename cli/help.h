/* --help, made from the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "command.h"

void help_print(struct output *output); /* of sonde itself */
void help_print_command(struct output *output, const struct command *command);

#endif
