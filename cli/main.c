/* sonde: finds the command, reads the options, runs it, and sees to it that what it
 * printed arrived. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>
#include <sonde/version.h>

#include "clock.h"
#include "cmd.h"
#include "help.h"
#include "message.h"

/* clang-format off: one line a command */
const struct command *const commands[] = {
	&command_trace,
	&command_serve,
	&command_calc,
	&command_capture,
	&command_read,
	&command_follow,
	&command_explain,
	&command_connect,
	&command_listen,
	&command_scan,
	&command_help,
	&command_completion,
	NULL,
};
/* clang-format on */

static const char *const color_words[] = {"auto", "always", "never", NULL};

const struct option global_options[] = {
	{.name = "json", .help = "print one JSON object a line"},
	{.name = "color",
	 .type = OPTION_CHOICE,
	 .argument = "WHEN",
	 .help = "auto (on a terminal, unless NO_COLOR is set), always or never",
	 .choices = color_words},
	{.name = "verbose",
	 .letter = 'v',
	 .help = "say more on standard error",
	 .repeats = true},
	{.name = "quiet", .letter = 'q', .help = "say errors only"},
	{.name = "help", .letter = 'h', .help = "show this help"},
	{.name = "version", .help = "show the version"},
	{.name = NULL},
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

int command_not_known(const char *name)
{
	const char *words[sizeof(commands) / sizeof(commands[0])];
	const char *nearest;
	struct sonde_error err;
	size_t count = 0;

	for (; commands[count]; count++)
		words[count] = commands[count]->name;
	nearest = sonde_text_nearest(name, words, count);
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "command", name,
			"no such command");
	if (nearest)
		sonde_error_hint(&err, "did you mean %s?", nearest);
	else
		sonde_error_hint(&err, "sonde --help shows the commands");
	return message_error(&err);
}

static int print_version(const struct arguments *arguments, struct output *output)
{
	if (arguments_has(arguments, "json")) {
		output_json_start(output, clock_now_ns(CLOCK_REALTIME));
	} else {
		output_print(output, "sonde %s\n", sonde_version());
	}
	return STATUS_DONE;
}

static int run_command(const struct command *command, const struct arguments *arguments,
		       struct output *output)
{
	struct sonde_error err;
	const char *name = command ? command->name : "";

	if (arguments_refuse_both(arguments, name, "verbose", "quiet", &err) < 0 ||
	    arguments_refuse_both(arguments, name, "help", "json", &err) < 0 ||
	    arguments_refuse_both(arguments, name, "help", "version", &err) < 0)
		return message_error(&err);
	if (arguments_has(arguments, "help")) {
		if (command)
			help_print_command(output, command);
		else
			help_print(output);
		return STATUS_DONE;
	}
	if (arguments_has(arguments, "version"))
		return print_version(arguments, output);
	if (!command)
		return message_usage("", "a command is missing");
	if (output->has_json && output->color_choice == COLOR_ALWAYS) {
		sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, name,
				"--json --color always",
				"these two have no meaning together");
		return message_error(&err);
	}
	if (output->has_json && (command->flags & COMMAND_NO_JSON)) {
		sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, name, "--json",
				"has no meaning here");
		return message_error(&err);
	}
	return command->run(command, arguments, output);
}

/* Writes that failed are told here, for every command; a reader that went away is not. */
static int finish(struct output *output, int status)
{
	struct sonde_error err;

	if (output_finish(output, &err) == 0)
		return status;
	message_error(&err);
	return status == STATUS_DONE ? STATUS_TROUBLE : status;
}

/* Where a standard descriptor is closed, the next socket would get its number, and what is
 * printed would go to the network.  So something stands there that fails as if it were
 * closed (EBADF); programs that are started do not get it. */
static void occupy_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		int way = fd == 0 ? O_WRONLY : O_RDONLY;
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", way | O_CLOEXEC) < 0)
			return;
	}
}

int main(int argc, char **argv)
{
	struct option_syntax syntax = {.operation = "", .tables = {global_options}};
	const struct command *command = NULL;
	struct arguments arguments;
	struct output output;
	struct sonde_error err;
	int used, status;

	occupy_standard_descriptors();
	setlocale(LC_CTYPE, "");
	if (arguments_init(&arguments, argc) < 0) {
		fputs("sonde: start: out of memory\n", stderr);
		return STATUS_TROUBLE;
	}
	used = argc > 0 ? arguments_parse(&arguments, &syntax, argv + 1, argc - 1, true,
					  &err)
			: 0;
	if (used >= 0 && used + 1 < argc) {
		const char *name = argv[used + 1];

		command = command_find(name);
		if (!command) {
			status = command_not_known(name);
			goto out;
		}
		syntax.operation = command->name;
		syntax.tables[1] = command->options;
		syntax.foreign = command->foreign;
		syntax.foreign_of = command->foreign_of;
		syntax.stops_at_operand = command->flags & COMMAND_STOPS_AT_OPERAND;
		syntax.has_negative_operands = command->flags & COMMAND_NEGATIVE_OPERANDS;
		used = arguments_parse(&arguments, &syntax, argv + used + 2,
				       argc - used - 2, false, &err);
	}
	if (used < 0) {
		status = message_error(&err);
		goto out;
	}

	/* Writes to a closed pipe shall fail, not kill. */
	if (!command || !(command->flags & COMMAND_OWN_SIGNALS))
		signal(SIGPIPE, SIG_IGN);
	output_init(&output,
		    (enum color_choice)arguments_number(&arguments, "color", COLOR_AUTO));
	output.has_json = arguments_has(&arguments, "json");
	output.verbosity = arguments_has(&arguments, "quiet")
				   ? -1
				   : (int)arguments_count(&arguments, "verbose");
	status = finish(&output, run_command(command, &arguments, &output));
out:
	arguments_done(&arguments);
	return status;
}
