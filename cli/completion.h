/* The scripts by which shells complete a command line, made from the tables of commands
 * and options. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "output.h"

void completion_print_bash(struct output *output);
void completion_print_zsh(struct output *output);
void completion_print_fish(struct output *output);

/* Prints 'a'\''b': a text in single quotes, as all three read it. */
void completion_print_quoted(struct output *output, const char *text);

#endif
