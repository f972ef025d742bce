/* The commands of main's table, each in its cmd_<name>.c. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "command.h"

extern const struct command command_calc;
extern const struct command command_capture;
extern const struct command command_completion;
extern const struct command command_connect;
extern const struct command command_explain;
extern const struct command command_follow;
extern const struct command command_help;
extern const struct command command_listen;
extern const struct command command_read;
extern const struct command command_scan;
extern const struct command command_serve;
extern const struct command command_trace;

#endif
