/* Help at 80 columns, from the command and option tables. */
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "help.h"

enum { HELP_WIDTH = 79, HELP_INDENT = 26 };

/* Prints words wrapped, from column `at` on; further lines begin at `indent`.  A line
 * feed in the text ends a line, and one that begins with a space is left as it is. */
static void print_wrapped(struct output *output, const char *text, int at, int indent)
{
	while (*text) {
		size_t n;

		if (*text == '\n') {
			output_print(output, "\n");
			at = 0;
			text++;
			continue;
		}
		if (at == 0 && *text == ' ') {
			n = strcspn(text, "\n");
			output_print(output, "%.*s", (int)n, text);
			at = (int)n;
			text += n;
			continue;
		}
		text += strspn(text, " ");
		n = strcspn(text, " \n");
		if (n == 0)
			continue;
		if (at > indent && at + 1 + (int)n > HELP_WIDTH) {
			output_print(output, "\n");
			at = 0;
		}
		if (at < indent) {
			output_print(output, "%*s", indent - at, "");
			at = indent;
		} else if (at > indent) {
			output_print(output, " ");
			at++;
		}
		output_print(output, "%.*s", (int)n, text);
		at += (int)n;
		text += n;
	}
	output_print(output, "\n");
}

static void print_options(struct output *output, const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		char left[64];
		struct sonde_text text;

		sonde_text_init(&text, left, sizeof(left));
		if (o->letter)
			sonde_text_add(&text, "  -%c, --%s", o->letter, o->name);
		else
			sonde_text_add(&text, "      --%s", o->name);
		if (o->argument)
			sonde_text_add(&text, " %s", o->argument);
		output_print(output, "%s", left);
		if ((int)text.used > HELP_INDENT - 2) {
			output_print(output, "\n");
			text.used = 0;
		}
		print_wrapped(output, o->help, (int)text.used, HELP_INDENT);
	}
}

/* Each form of use on a line of its own. */
static void print_usage(struct output *output, const struct command *command)
{
	const char *form = command->usage;
	const char *label = "Usage:";

	do {
		size_t n = strcspn(form, "\n");
		char line[512];
		int at =
			snprintf(line, sizeof(line), "%s sonde %s", label, command->name);

		output_print(output, "%s", line);
		snprintf(line, sizeof(line), "%.*s", (int)n, form);
		print_wrapped(output, line, at, 13);
		form += n;
		label = "      ";
	} while (*form++ == '\n');
}

void help_print_command(struct output *output, const struct command *command)
{
	print_usage(output, command);
	output_print(output, "\n%s.\n", command->summary);
	if (command->description) {
		output_print(output, "\n");
		print_wrapped(output, command->description, 0, 0);
	}
	if (command->options && command->options->name) {
		output_print(output, "\nOptions:\n");
		print_options(output, command->options);
	}
	output_print(output, "\nOptions of every command:\n");
	print_options(output, global_options);
}

void help_print(struct output *output)
{
	output_print(output, "Usage: sonde [OPTION]... COMMAND [ARGUMENT]...\n\n"
			     "Shows, explains and exercises what sockets do.\n\n"
			     "Commands:\n");
	for (size_t i = 0; commands[i]; i++)
		output_print(output, "  %-12s %s\n", commands[i]->name,
			     commands[i]->summary);
	output_print(output, "\nOptions, before or after the command:\n");
	print_options(output, global_options);
	output_print(output, "\nsonde help COMMAND tells more about one.\n");
}
