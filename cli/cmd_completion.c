/* sonde completion bash|zsh|fish: prints a script that the shell reads.
 *
 *	bash: source <(sonde completion bash)
 *	zsh:  sonde completion zsh > a folder of $fpath/_sonde
 *	fish: sonde completion fish | source */
#include <string.h>

#include <sonde/text.h>

#include "cmd.h"
#include "completion.h"
#include "message.h"

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const char *shell_word(size_t i)
{
	return i < 3 ? shells[i] : NULL;
}

void completion_print_quoted(struct output *output, const char *text)
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

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	struct sonde_error err;
	const char *shell, *nearest;

	if (arguments->operand_count != 1)
		return message_usage(command->name, "name one shell: bash, zsh or fish");
	shell = arguments->operands[0];
	if (strcmp(shell, "bash") == 0) {
		completion_print_bash(output);
	} else if (strcmp(shell, "zsh") == 0) {
		completion_print_zsh(output);
	} else if (strcmp(shell, "fish") == 0) {
		completion_print_fish(output);
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
