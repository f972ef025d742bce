/* The completion script of bash.
 *
 * Where "=" stands in COMP_WORDBREAKS, which is usual, bash gives --name=value as three
 * words and wants only the value back. */
#include "command.h"
#include "completion.h"

/* The rest of a case's pattern; a global option stands before the command, too. */
static void print_pattern(struct output *output, const struct command *command,
			  const struct option *option)
{
	const char *where = command ? command->name : "*";

	output_print(output, "%s:--%s", where, option->name);
	if (option->letter)
		output_print(output, "|%s:-%c", where, option->letter);
}

static void print_with_value(struct output *output, const struct command *command,
			     const struct option *options, const char **separator)
{
	for (const struct option *o = options; o && o->name; o++) {
		if (o->type == OPTION_FLAG)
			continue;
		output_print(output, "%s", *separator);
		print_pattern(output, command, o);
		*separator = " | ";
	}
}

/* What may follow an option; nothing is offered for numbers and other texts. */
static void print_values(struct output *output, const struct command *command,
			 const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		if (o->type != OPTION_FILE && o->type != OPTION_CHOICE)
			continue;
		output_print(output, "\t\t");
		print_pattern(output, command, o);
		if (o->type == OPTION_FILE) {
			output_print(output, ") _sonde_files ;;\n");
			continue;
		}
		output_print(output, ") _sonde_words '");
		for (size_t i = 0; o->choices[i]; i++)
			output_print(output, "%s%s", i > 0 ? " " : "", o->choices[i]);
		output_print(output, "' ;;\n");
	}
}

static void print_option_words(struct output *output, const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		output_print(output, " --%s", o->name);
		if (o->letter)
			output_print(output, " -%c", o->letter);
	}
}

static void print_operands(struct output *output, const struct command *command)
{
	if (command->flags & COMMAND_STOPS_AT_OPERAND)
		output_print(output, "\t%s:0) _sonde_program $i ;;\n", command->name);
	if (!command->operand_word)
		return;
	output_print(output, "\t%s:%s) _sonde_words '", command->name,
		     command->flags & COMMAND_MANY_WORDS ? "*" : "0");
	for (size_t i = 0; command->operand_word(i); i++)
		output_print(output, "%s%s", i > 0 ? " " : "", command->operand_word(i));
	output_print(output, "' ;;\n");
}

static void print_reading(struct output *output)
{
	const char *separator = "";

	output_print(output,
		     "_sonde() {\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} word='' command='' i\n"
		     "\tlocal operands=0 over='' value=''\n"
		     "\tCOMPREPLY=()\n"
		     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "\t\tword=${COMP_WORDS[i]}\n"
		     "\t\tcase ${over:-$command:$word} in\n"
		     "\t\t*:--) over=operand ;;\n"
		     "\t\t");
	for (size_t i = 0; commands[i]; i++)
		print_with_value(output, commands[i], commands[i]->options, &separator);
	print_with_value(output, NULL, global_options, &separator);
	output_print(output, ")\n"
			     "\t\t\t[[ ${COMP_WORDS[i+1]} != '=' ]] || ((i++))\n"
			     "\t\t\t((++i < COMP_CWORD)) || value=$command:$word ;;\n"
			     "\t\t*:-*) ;;\n"
			     "\t\t*)\n"
			     "\t\t\tif [[ ! $command ]]; then\n"
			     "\t\t\t\tcommand=$word\n"
			     "\t\t\telse\n"
			     "\t\t\t\t((++operands))\n"
			     "\t\t\t\tcase $command in\n");
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->flags & COMMAND_STOPS_AT_OPERAND)
			output_print(output, "\t\t\t\t%s) break ;;\n", commands[i]->name);
	}
	output_print(output, "\t\t\t\tesac\n"
			     "\t\t\tfi ;;\n"
			     "\t\tesac\n"
			     "\tdone\n");
}

void completion_print_bash(struct output *output)
{
	output_print(output,
		     "# bash completion of sonde\n"
		     "_sonde_words() {\n"
		     "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
		     "}\n"
		     "_sonde_files() {\n"
		     "\tcompopt -o filenames 2>/dev/null\n"
		     "\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		     "}\n"
		     "# The rest of the line is another program's.\n"
		     "_sonde_program() {\n"
		     "\tif declare -F _command_offset >/dev/null; then\n"
		     "\t\t_command_offset \"$1\"\n"
		     "\telif ((COMP_CWORD > $1)); then\n"
		     "\t\t_sonde_files\n"
		     "\telse\n"
		     "\t\tcompopt -o filenames 2>/dev/null\n"
		     "\t\tmapfile -t COMPREPLY < <(compgen -d -c -- \"$cur\" | sort -u)\n"
		     "\tfi\n"
		     "}\n");
	print_reading(output);
	output_print(output, "\tif [[ $value ]]; then\n"
			     "\t\t[[ $cur != '=' ]] || cur=''\n"
			     "\t\tcase $value in\n");
	for (size_t i = 0; commands[i]; i++)
		print_values(output, commands[i], commands[i]->options);
	print_values(output, NULL, global_options);
	output_print(output, "\t\tesac\n"
			     "\t\treturn\n"
			     "\tfi\n"
			     "\tif ((i < COMP_CWORD)); then\n"
			     "\t\t_sonde_program $i\n"
			     "\t\treturn\n"
			     "\tfi\n"
			     "\tif [[ $cur = -* && ! $over ]]; then\n"
			     "\t\tcase $command in\n"
			     "\t\t'') _sonde_words '");
	print_option_words(output, global_options);
	output_print(output, "' ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		output_print(output, "\t\t%s) _sonde_words '", commands[i]->name);
		print_option_words(output, commands[i]->options);
		print_option_words(output, global_options);
		output_print(output, "' ;;\n");
	}
	output_print(output, "\t\tesac\n"
			     "\t\treturn\n"
			     "\tfi\n"
			     "\tcase $command:$operands in\n"
			     "\t:0) _sonde_words '");
	for (size_t i = 0; commands[i]; i++)
		output_print(output, "%s%s", i > 0 ? " " : "", commands[i]->name);
	output_print(output, "' ;;\n");
	for (size_t i = 0; commands[i]; i++)
		print_operands(output, commands[i]);
	output_print(output, "\tesac\n"
			     "}\n"
			     "complete -F _sonde sonde\n");
}
