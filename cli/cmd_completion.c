/* sonde completion bash|zsh|fish: prints a script that the shell reads.
 *
 *	bash: source <(sonde completion bash)
 *	zsh:  sonde completion zsh > a folder of $fpath/_sonde
 *	fish: sonde completion fish | source */
#include <string.h>

#include <sonde/text.h>

#include "cmd.h"
#include "message.h"

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const char *shell_word(size_t i)
{
	return i < 3 ? shells[i] : NULL;
}

/* 'a'\''b': a text in single quotes, for a shell. */
static void print_quoted(struct output *output, const char *text)
{
	output_print(output, "'");
	for (; *text; text++) {
		if (*text == '\'')
			output_print(output, "'\\''");
		else
			output_print(output, "%c", *text);
	}
	output_print(output, "'");
}

static void print_bash_words(struct output *output, const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		output_print(output, " --%s", o->name);
		if (o->letter)
			output_print(output, " -%c", o->letter);
	}
}

/* What may follow an option that takes a value. */
static void print_bash_values(struct output *output, const struct command *command,
			      const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		if (o->type == OPTION_FLAG)
			continue;
		output_print(output, "\t%s:--%s", command ? command->name : "*", o->name);
		if (o->letter)
			output_print(output, "|%s:-%c", command ? command->name : "*",
				     o->letter);
		output_print(output, ") ");
		if (o->type == OPTION_FILE) {
			output_print(output, "mapfile -t COMPREPLY < "
					     "<(compgen -f -- \"$cur\")");
		} else if (o->type == OPTION_CHOICE) {
			output_print(output, "mapfile -t COMPREPLY < <(compgen -W '");
			for (size_t i = 0; o->choices[i]; i++)
				output_print(output, "%s%s", i ? " " : "", o->choices[i]);
			output_print(output, "' -- \"$cur\")");
		} else {
			output_print(output, ":");
		}
		output_print(output, "; return ;;\n");
	}
}

static void print_bash(struct output *output)
{
	output_print(output, "# bash completion of sonde\n"
			     "_sonde() {\n"
			     "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
			     "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} command='' i\n"
			     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			     "\t\tcase ${COMP_WORDS[i]} in\n"
			     "\t\t--color) ((i++)) ;;\n"
			     "\t\t-*) ;;\n"
			     "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
			     "\t\tesac\n"
			     "\tdone\n"
			     "\tCOMPREPLY=()\n"
			     "\tcase $command:$prev in\n");
	for (size_t i = 0; commands[i]; i++)
		print_bash_values(output, commands[i], commands[i]->options);
	print_bash_values(output, NULL, global_options);
	output_print(output, "\tesac\n\tlocal words\n\tcase $command in\n\t'') words='");
	for (size_t i = 0; commands[i]; i++)
		output_print(output, "%s%s", i ? " " : "", commands[i]->name);
	print_bash_words(output, global_options);
	output_print(output, "' ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		output_print(output, "\t%s) words='", c->name);
		for (size_t k = 0; c->operand_word && c->operand_word(k); k++)
			output_print(output, "%s%s", k ? " " : "", c->operand_word(k));
		print_bash_words(output, c->options);
		print_bash_words(output, global_options);
		output_print(output, "' ;;\n");
	}
	output_print(output, "\t*) return ;;\n"
			     "\tesac\n"
			     "\tmapfile -t COMPREPLY < "
			     "<(compgen -W \"$words\" -- \"$cur\")\n"
			     "}\n"
			     "complete -o default -F _sonde sonde\n");
}

/* One specification of zsh's _arguments: '(-o
 * --output)'{-o+,--output=}'[help]:FILE:_files'
 */
static void print_zsh_options(struct output *output, const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		char storage[1024];
		struct sonde_text spec;

		output_print(output, "\t\t\t");
		if (o->letter && !o->repeats)
			output_print(output, "'(-%c --%s)'", o->letter, o->name);
		if (o->repeats)
			output_print(output, "'*'");
		if (o->letter)
			output_print(output, "{-%c%s,--%s%s}", o->letter,
				     o->type == OPTION_FLAG ? "" : "+", o->name,
				     o->type == OPTION_FLAG ? "" : "=");
		else
			output_print(output, "--%s%s", o->name,
				     o->type == OPTION_FLAG ? "" : "=");
		sonde_text_init(&spec, storage, sizeof(storage));
		sonde_text_add(&spec, "[");
		for (const char *c = o->help; *c; c++)
			sonde_text_add(&spec, strchr("[]:\\", *c) ? "\\%c" : "%c", *c);
		sonde_text_add(&spec, "]");
		if (o->type != OPTION_FLAG)
			sonde_text_add(&spec, ":%s:", o->argument);
		if (o->type == OPTION_FILE)
			sonde_text_add(&spec, "_files");
		for (size_t i = 0; o->type == OPTION_CHOICE && o->choices[i]; i++)
			sonde_text_add(&spec, "%s%s%s", i ? " " : "(", o->choices[i],
				       o->choices[i + 1] ? "" : ")");
		print_quoted(output, storage);
		output_print(output, " \\\n");
	}
}

static void print_zsh(struct output *output)
{
	output_print(output, "#compdef sonde\n"
			     "_sonde() {\n"
			     "\tlocal context state state_descr line\n"
			     "\ttypeset -A opt_args\n"
			     "\tlocal -a commands\n"
			     "\tcommands=(\n");
	for (size_t i = 0; commands[i]; i++) {
		char storage[256];
		struct sonde_text text;

		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "%s:%s", commands[i]->name, commands[i]->summary);
		output_print(output, "\t\t");
		print_quoted(output, storage);
		output_print(output, "\n");
	}
	output_print(output, "\t)\n"
			     "\t_arguments -C \\\n");
	print_zsh_options(output, global_options);
	output_print(output, "\t\t\t'1:command:->command' '*::argument:->argument' "
			     "&& return\n"
			     "\tcase $state in\n"
			     "\tcommand) _describe command commands ;;\n"
			     "\targument)\n"
			     "\t\tcase $line[1] in\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		output_print(output, "\t\t%s)\n\t\t\t_arguments \\\n", c->name);
		print_zsh_options(output, c->options);
		print_zsh_options(output, global_options);
		output_print(output, "\t\t\t'*:argument:");
		for (size_t k = 0; c->operand_word && c->operand_word(k); k++)
			output_print(output, "%s%s", k ? " " : "(", c->operand_word(k));
		output_print(output, "%s' ;;\n",
			     c->operand_word && c->operand_word(0) ? ")" : "_files");
	}
	output_print(output, "\t\tesac ;;\n"
			     "\tesac\n"
			     "}\n"
			     "if [[ $funcstack[1] == _sonde ]]; then _sonde \"$@\"; "
			     "else compdef _sonde sonde; fi\n");
}

static void print_fish_options(struct output *output, const char *command,
			       const struct option *options)
{
	for (const struct option *o = options; o && o->name; o++) {
		output_print(output, "complete -c sonde");
		if (command)
			output_print(output, " -n '__fish_seen_subcommand_from %s'",
				     command);
		output_print(output, " -l %s", o->name);
		if (o->letter)
			output_print(output, " -s %c", o->letter);
		if (o->type == OPTION_FILE)
			output_print(output, " -r -F");
		else if (o->type != OPTION_FLAG)
			output_print(output, " -x");
		for (size_t i = 0; o->type == OPTION_CHOICE && o->choices[i]; i++)
			output_print(output, "%s%s%s", i ? " " : " -a '", o->choices[i],
				     o->choices[i + 1] ? "" : "'");
		output_print(output, " -d ");
		print_quoted(output, o->help);
		output_print(output, "\n");
	}
}

static void print_fish(struct output *output)
{
	output_print(output, "# fish completion of sonde\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		output_print(output,
			     "complete -c sonde -n __fish_use_subcommand -f -a %s -d ",
			     c->name);
		print_quoted(output, c->summary);
		output_print(output, "\n");
		for (size_t k = 0; c->operand_word && c->operand_word(k); k++)
			output_print(output,
				     "complete -c sonde -n '__fish_seen_subcommand_from "
				     "%s' -f -a %s\n",
				     c->name, c->operand_word(k));
		print_fish_options(output, c->name, c->options);
	}
	print_fish_options(output, NULL, global_options);
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct sonde_error err;
	const char *shell, *nearest;

	if (arguments->operand_count != 1)
		return message_usage(command->name, "name one shell: bash, zsh or fish");
	shell = arguments->operands[0];
	if (strcmp(shell, "bash") == 0) {
		print_bash(output);
	} else if (strcmp(shell, "zsh") == 0) {
		print_zsh(output);
	} else if (strcmp(shell, "fish") == 0) {
		print_fish(output);
	} else {
		nearest = sonde_text_nearest(shell, shells, 3);
		sonde_error_set(&err, SONDE_ERROR_USAGE, -1, command->name, shell,
				"not a shell that is known here");
		if (nearest)
			sonde_error_hint(&err, "did you mean %s?", nearest);
		else
			sonde_error_hint(&err, "bash, zsh or fish");
		return message_error(&err);
	}
	return STATUS_DONE;
}

const struct command command_completion = {
	.name = "completion",
	.summary = "Print the completion script of a shell",
	.usage = "bash|zsh|fish",
	.description = "bash: source <(sonde completion bash)\n"
		       "zsh: sonde completion zsh > ~/.zfunc/_sonde, with ~/.zfunc in "
		       "$fpath before compinit\n"
		       "fish: sonde completion fish | source",
	.flags = COMMAND_NO_JSON,
	.operand_word = shell_word,
	.run = run,
};
