/* The completion script of fish. */
#include "command.h"
#include "completion.h"

static void print_with_value(struct output *output, const char *command,
			     const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		if (o->type == OPTION_FLAG)
			continue;
		output_print(output, " '%s --%s'", command, o->name);
		if (o->letter)
			output_print(output, " '%s -%c'", command, o->letter);
	}
}

/* Two functions that read the line: the command and its operands until here, and whether
 * they are as the condition of a completion says. */
static void print_functions(struct output *output)
{
	output_print(output, "function __sonde_words\n"
			     "\tset -l words (commandline -opc)\n"
			     "\tset -e words[1]\n"
			     "\tset -l command ''\n"
			     "\tset -l skip 0\n"
			     "\tset -l over 0\n"
			     "\tfor word in $words\n"
			     "\t\tif test $skip = 1\n"
			     "\t\t\tset skip 0\n"
			     "\t\t\tcontinue\n"
			     "\t\tend\n"
			     "\t\tif test $over = 0\n"
			     "\t\t\tswitch \"$command $word\"\n"
			     "\t\t\tcase '* --'\n"
			     "\t\t\t\tset over 1\n"
			     "\t\t\t\tcontinue\n"
			     "\t\t\tcase");
	for (size_t i = 0; commands[i]; i++)
		print_with_value(output, commands[i]->name, commands[i]->options);
	print_with_value(output, "*", global_options);
	output_print(output, "\n"
			     "\t\t\t\tset skip 1\n"
			     "\t\t\t\tcontinue\n"
			     "\t\t\tend\n"
			     "\t\t\tstring match -q -- '-*' $word; and continue\n"
			     "\t\tend\n"
			     "\t\techo -- $word\n"
			     "\t\tcontains -- \"$command\"");
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->flags & COMMAND_STOPS_AT_OPERAND)
			output_print(output, " %s", commands[i]->name);
	}
	output_print(output, "; and set over 1\n"
			     "\t\ttest -n \"$command\"; or set command $word\n"
			     "\tend\n"
			     "end\n"
			     "# COMMAND [COUNT]: COMMAND, and so many operands after it\n"
			     "function __sonde_at\n"
			     "\tset -l words (__sonde_words)\n"
			     "\ttest \"$words[1]\" = \"$argv[1]\"; or return 1\n"
			     "\tset -q argv[2]; or return 0\n"
			     "\ttest (count $words) = (math $argv[2] + 1)\n"
			     "end\n"
			     "# The rest of the line is another program's.\n"
			     "function __sonde_program\n"
			     "\tset -l words (__sonde_words) (commandline -ct)\n"
			     "\tset -e words[1]\n"
			     "\tstring match -qr -- '^(-|$)' \"$words\"; or complete -C "
			     "\"$words\"\n"
			     "end\n");
}

static void print_options(struct output *output, const struct command *command,
			  const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		output_print(output, "complete -c sonde -n '__sonde_at %s%s'",
			     command ? command->name : "\"\"",
			     command && command->flags & COMMAND_STOPS_AT_OPERAND ? " 0"
										  : "");
		output_print(output, " -l %s", o->name);
		if (o->letter)
			output_print(output, " -s %c", o->letter);
		if (o->type == OPTION_FILE)
			output_print(output, " -r -F");
		else if (o->type != OPTION_FLAG)
			output_print(output, " -x");
		for (size_t i = 0; o->type == OPTION_CHOICE && o->choices[i]; i++)
			output_print(output, "%s%s%s", i > 0 ? " " : " -a '",
				     o->choices[i], o->choices[i + 1] ? "" : "'");
		output_print(output, " -d ");
		completion_print_quoted(output, o->help);
		output_print(output, "\n");
	}
}

static void print_command(struct output *output, const struct command *command)
{
	output_print(output, "complete -c sonde -n '__sonde_at \"\"' -a %s -d ",
		     command->name);
	completion_print_quoted(output, command->summary);
	output_print(output, "\n");
	if (command->flags & COMMAND_STOPS_AT_OPERAND)
		output_print(output,
			     "complete -c sonde -n '__sonde_at %s' -a "
			     "'(__sonde_program)'\n",
			     command->name);
	for (size_t i = 0; command->operand_word && command->operand_word(i); i++)
		output_print(output, "complete -c sonde -n '__sonde_at %s%s' -a %s\n",
			     command->name,
			     command->flags & COMMAND_MANY_WORDS ? "" : " 0",
			     command->operand_word(i));
	print_options(output, command, command->options);
	print_options(output, command, global_options);
}

void completion_print_fish(struct output *output)
{
	output_print(output, "# fish completion of sonde\n");
	print_functions(output);
	output_print(output, "complete -c sonde -f\n");
	for (size_t i = 0; commands[i]; i++)
		print_command(output, commands[i]);
	print_options(output, NULL, global_options);
}
