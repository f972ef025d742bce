/* sonde help [COMMAND] */
#include "cmd.h"
#include "help.h"
#include "message.h"

static const char *command_word(size_t i)
{
	return commands[i] ? commands[i]->name : NULL;
}

static int run(const struct command *command, const struct arguments *arguments,
	       struct output *output)
{
	const struct command *about;

	if (arguments->operand_count > 1)
		return message_usage(command->name, "one command at a time");
	if (arguments->operand_count == 0) {
		help_print(output);
		return STATUS_DONE;
	}
	about = command_find(arguments->operands[0]);
	if (!about)
		return command_not_known(arguments->operands[0]);
	help_print_command(output, about);
	return STATUS_DONE;
}

const struct command command_help = {
	.name = "help",
	.summary = "Tell how a command is used",
	.usage = "[COMMAND]",
	.flags = COMMAND_NO_JSON,
	.operand_word = command_word,
	.run = run,
};
