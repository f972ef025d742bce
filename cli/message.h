/* What is said to the person on standard error; data goes through output.h. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <sonde/error.h>

#include "output.h"

/* `sonde: OPERATION SUBJECT: REASON` and the hint.  Returns the exit status. */
int message_error(const struct sonde_error *err);

/* A usage error of a command: `sonde: OPERATION: REASON`, with the hint how to see its
 * help.  Returns STATUS_USAGE. */
int message_usage(const char *operation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* `sonde: TEXT`; nothing with -q. */
void message_note(const struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, also with -q. */
void message_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `hint: TEXT`, below one of the others. */
void message_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `sonde: TEXT` with -v only. */
void message_detail(const struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
