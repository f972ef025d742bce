/* The completion script of zsh, for compsys: it may lie in $fpath as _sonde, or be read. */
#include <string.h>

#include <sonde/text.h>

#include "command.h"
#include "completion.h"

enum { SPEC_CHARS = 1024 };

/* One specification of _arguments: '(-o --output)'{-o+,--output=}'[help]:FILE:_files' */
static void print_option(struct output *output, const struct option *option)
{
	const char *letter_end = option->type == OPTION_FLAG ? "" : "+";
	const char *name_end = option->type == OPTION_FLAG ? "" : "=";
	char storage[SPEC_CHARS];
	struct sonde_text spec;

	if (option->letter && !option->repeats)
		output_print(output, "'(-%c --%s)'", option->letter, option->name);
	if (option->repeats)
		output_print(output, "'*'");
	if (option->letter)
		output_print(output, "{-%c%s,--%s%s}", option->letter, letter_end,
			     option->name, name_end);
	else
		output_print(output, "--%s%s", option->name, name_end);
	sonde_text_init(&spec, storage, sizeof(storage));
	sonde_text_add(&spec, "[");
	for (const char *c = option->help; *c; c++)
		sonde_text_add(&spec, strchr("[]:\\", *c) ? "\\%c" : "%c", *c);
	sonde_text_add(&spec, "]");
	if (option->type != OPTION_FLAG)
		sonde_text_add(&spec, ":%s:", option->argument);
	if (option->type == OPTION_FILE)
		sonde_text_add(&spec, "_files");
	for (size_t i = 0; option->type == OPTION_CHOICE && option->choices[i]; i++)
		sonde_text_add(&spec, "%s%s%s", i > 0 ? " " : "(", option->choices[i],
			       option->choices[i + 1] ? "" : ")");
	completion_print_quoted(output, storage);
}

static void print_options(struct output *output, const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		output_print(output, "\t\t\t");
		print_option(output, o);
		output_print(output, " \\\n");
	}
}

static void print_operands(struct output *output, const struct command *command)
{
	if (command->flags & COMMAND_STOPS_AT_OPERAND) {
		output_print(output, "\t\t\t'(-)1:program:_command_names -e' "
				     "'*::argument:_normal' ;;\n");
		return;
	}
	if (!command->operand_word) {
		output_print(output, "\t\t\t;;\n");
		return;
	}
	output_print(output, "\t\t\t'%s:argument:",
		     command->flags & COMMAND_MANY_WORDS ? "*" : "1");
	for (size_t i = 0; command->operand_word(i); i++)
		output_print(output, "%s%s", i > 0 ? " " : "(", command->operand_word(i));
	output_print(output, ")' ;;\n");
}

static void print_commands(struct output *output)
{
	char storage[SPEC_CHARS];
	struct sonde_text text;

	for (size_t i = 0; commands[i]; i++) {
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "%s:%s", commands[i]->name, commands[i]->summary);
		output_print(output, "\t\t");
		completion_print_quoted(output, storage);
		output_print(output, "\n");
	}
}

void completion_print_zsh(struct output *output)
{
	output_print(output, "#compdef sonde\n"
			     "_sonde() {\n"
			     "\tlocal context state state_descr line\n"
			     "\ttypeset -A opt_args\n"
			     "\tlocal -a names\n"
			     "\tnames=(\n");
	print_commands(output);
	output_print(output, "\t)\n"
			     "\t_arguments -s -S -C \\\n");
	print_options(output, global_options);
	output_print(output, "\t\t\t'1:command:->command' '*::argument:->argument' "
			     "&& return\n"
			     "\tcase $state in\n"
			     "\tcommand) _describe command names ;;\n"
			     "\targument)\n"
			     "\t\tcase $line[1] in\n");
	for (size_t i = 0; commands[i]; i++) {
		output_print(output, "\t\t%s)\n\t\t\t_arguments -s -S \\\n",
			     commands[i]->name);
		print_options(output, commands[i]->options);
		print_options(output, global_options);
		print_operands(output, commands[i]);
	}
	output_print(output, "\t\tesac ;;\n"
			     "\tesac\n"
			     "}\n"
			     "if [[ $funcstack[1] == _sonde ]]; then _sonde \"$@\"; "
			     "else compdef _sonde sonde; fi\n");
}
