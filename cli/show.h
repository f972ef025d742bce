/* A run, or what a file has of one, shown in the ways that were asked for: the same for
 * trace and explain. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "command.h"
#include "render.h"

/* clang-format off: rows of an option table */
#define SHOW_OPTIONS                                                                     \
	{.name = "text", .help = "print ladder and tables (this is the default)"},       \
		{.name = "markdown", .help = "print them as Markdown, for a report"},    \
		{.name = "html",                                                         \
		 .type = OPTION_FILE,                                                    \
		 .argument = "FILE",                                                     \
		 .help = "write a page, too, that shows the run in a browser and holds " \
			 "its capture"},                                                 \
		{.name = "svg",                                                          \
		 .type = OPTION_FILE,                                                    \
		 .argument = "FILE",                                                     \
		 .help = "draw the ladders as a picture, too, into FILE"},               \
		{.name = "show-secrets",                                                 \
		 .help = "show passwords as they were sent, not masked"},                \
	{                                                                                \
		.name = "full", .help = "draw all streams, all acknowledgements, and "   \
					"idle times at length"                           \
	}
/* clang-format on */

struct shown {
	const struct sonde_timeline *timeline;
	const struct sonde_findings *findings;
	const struct sonde_account *accounts; /* NULL: no sentences about streams */
	uint32_t stream;                      /* this one alone; 0: all */
	const char *capture; /* the file, for a page; NULL: none is made */
	const char *name;    /* it is shown by that; NULL: by its own */
};

/* 0 or -EINVAL with *err filled. */
int show_check(const struct command *command, const struct arguments *arguments,
	       struct sonde_error *err);
/* Whether the files can be written that will be, before anything is done for them. */
int show_probe(const struct arguments *arguments, struct sonde_error *err);
/* 0 or a negative errno with *err filled. */
int show_all(struct output *output, const struct shown *what,
	     const struct arguments *arguments, struct sonde_error *err);

#endif
