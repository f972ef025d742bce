/* Errors, notes and hints, on standard error.  Their words may come from the network or
 * from a program: control characters are escaped.  A backslash stays one: who formed the
 * message escaped what had to be.  At a terminal they are broken between words; elsewhere
 * a message is one line, which scripts look for. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "command.h"
#include "message.h"
#include "wrap.h"

enum {
	MESSAGE_CHARS = 2048,
	PRINTED_CHARS = 3 * MESSAGE_CHARS, /* broken into lines: a hint, too */
};

static void add_safely(struct sonde_text *line, const char *chars)
{
	sonde_text_add_shown(line, chars, strlen(chars));
}

/* Adds a line, or at a terminal lines; those that follow begin where the words after the
 * label do. */
static void add_line(struct sonde_text *to, const char *line)
{
	wrap_add(to, line, wrap_columns(STDERR_FILENO),
		 (unsigned)(strcspn(line, " ") + 1));
	sonde_text_add(to, "\n");
}

int message_error(const struct sonde_error *err)
{
	char storage[MESSAGE_CHARS], printed[PRINTED_CHARS];
	struct sonde_text line, lines;

	sonde_text_init(&lines, printed, sizeof(printed));
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "sonde: ");
	add_safely(&line, err->operation);
	if (err->operation[0] && err->subject[0])
		sonde_text_add(&line, " ");
	add_safely(&line, err->subject);
	if (err->operation[0] || err->subject[0])
		sonde_text_add(&line, ": ");
	add_safely(&line, err->reason);
	add_line(&lines, storage);
	if (err->hint[0]) {
		sonde_text_init(&line, storage, sizeof(storage));
		sonde_text_add(&line, "hint: ");
		add_safely(&line, err->hint);
		add_line(&lines, storage);
	}
	fputs(printed, stderr); /* in one piece */
	return (int)err->kind;
}

int message_usage(const char *operation, const char *format, ...)
{
	char reason[MESSAGE_CHARS];
	struct sonde_error err;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	sonde_error_set(&err, SONDE_ERROR_USAGE, -1, operation, "", "%s", reason);
	if (operation[0])
		sonde_error_hint(&err, "sonde help %s shows how it is used", operation);
	else
		sonde_error_hint(&err, "sonde --help shows the commands");
	return message_error(&err);
}

__attribute__((format(printf, 2, 0))) static void
say(const char *label, const char *format, va_list arguments)
{
	char plain[MESSAGE_CHARS], storage[MESSAGE_CHARS], printed[PRINTED_CHARS];
	struct sonde_text line, lines;

	vsnprintf(plain, sizeof(plain), format, arguments);
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%s: ", label);
	add_safely(&line, plain);
	sonde_text_init(&lines, printed, sizeof(printed));
	add_line(&lines, storage);
	fputs(printed, stderr);
}

void message_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("sonde", format, arguments);
	va_end(arguments);
}

void message_hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("hint", format, arguments);
	va_end(arguments);
}

void message_note(const struct output *output, const char *format, ...)
{
	va_list arguments;

	if (output->verbosity < 0)
		return;
	va_start(arguments, format);
	say("sonde", format, arguments);
	va_end(arguments);
}

void message_detail(const struct output *output, const char *format, ...)
{
	va_list arguments;

	if (output->verbosity < 1)
		return;
	va_start(arguments, format);
	say("sonde", format, arguments);
	va_end(arguments);
}
