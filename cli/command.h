/* A command: a name in main's table, an option table, a function.  One file a command
 * (cmd_<name>.c), one line in the table of main.c. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "option.h"
#include "output.h"

/* The exit statuses of every command but trace, which has its program's. */
enum status {
	STATUS_DONE = 0,
	STATUS_NETWORK = 1,    /* the network or the peer said no */
	STATUS_USAGE = 2,      /* the command line */
	STATUS_PERMISSION = 3, /* a capability is missing */
	STATUS_TROUBLE = 4,    /* disk full, out of memory, descriptor limit */
};

enum {
	/* Options end at the first operand: the rest belongs to another program. */
	COMMAND_STOPS_AT_OPERAND = 0x1,
	/* "-7" is an operand. */
	COMMAND_NEGATIVE_OPERANDS = 0x2,
	/* Its output has no JSON form: --json is a usage error. */
	COMMAND_NO_JSON = 0x4,
	/* SIGPIPE is left as it was found; the command sees to it. */
	COMMAND_OWN_SIGNALS = 0x8,
	/* Every operand is one of operand_word, not only the first. */
	COMMAND_MANY_WORDS = 0x10,
};

struct command {
	const char *name;
	const char *summary; /* one line, no full stop, at most 60 columns */
	/* What follows the name on the command line; several forms, one a line. */
	const char *usage;
	const char *description;      /* NULL, or paragraphs for --help; wrapped there */
	const struct option *options; /* ends with an empty name; NULL none */
	unsigned flags;               /* COMMAND_* */
	const struct foreign_option *foreign; /* NULL none */
	const char *foreign_of;               /* the programs that they are of */
	/* The words that an operand may begin with, for completion; NULL past the last,
	 * and NULL where there are none. */
	const char *(*operand_word)(size_t i);
	/* Returns the exit status.  What fails is printed by the command itself
	 * (message.h); write errors of the output are main's business. */
	int (*run)(const struct command *command, const struct arguments *arguments,
		   struct output *output);
};

/* main.c; ends with NULL. */
extern const struct command *const commands[];
extern const struct option global_options[];

const struct command *command_find(const char *name);
/* Prints `sonde: command NAME: not known` with the nearest one; returns STATUS_USAGE. */
int command_not_known(const char *name);

#endif
