/* What connect and listen have in common on the command line. */
#ifndef CLI_TALK_OPTIONS_H
#define CLI_TALK_OPTIONS_H

#include <stdint.h>

#include <sonde/connect.h>

#include "command.h"

/* Rows of their option tables. */
#define TALK_OPTION_UNIX                                                                 \
	{                                                                                \
		.name = "unix", .letter = 'U',                                           \
		.help = "a Unix socket: its path, or @NAME for an abstract one"          \
	}
#define TALK_OPTION_IPV4                                                                 \
	{                                                                                \
		.name = "ipv4", .letter = '4', .help = "IPv4 addresses only"             \
	}
#define TALK_OPTION_IPV6                                                                 \
	{                                                                                \
		.name = "ipv6", .letter = '6', .help = "IPv6 addresses only"             \
	}
#define TALK_OPTION_CRLF                                                                 \
	{                                                                                \
		.name = "crlf", .letter = 'C',                                           \
		.help = "send the end of a line as CR LF, as most text protocols want "  \
			"it"                                                             \
	}
#define TALK_OPTION_KEY                                                                  \
	{                                                                                \
		.name = "key", .type = OPTION_FILE, .argument = "FILE",                  \
		.help = "with TLS: its key (PEM), where it is not in the same file"      \
	}
#define TALK_OPTION_ALPN                                                                 \
	{                                                                                \
		.name = "alpn", .type = OPTION_TEXT, .argument = "NAMES",                \
		.help = "with TLS: protocols to agree on, with commas: h2,http/1.1"      \
	}

/* Two options that have no meaning together; NULL NULL ends a list. */
struct talk_pair {
	const char *a, *b;
};

/* Refuses pairs of the list, and of what both commands refuse; and options of TLS where it
 * cannot be spoken.  The exit status. */
int talk_options_check(const struct arguments *arguments, const char *name,
		       const struct talk_pair *pairs, bool may_speak_tls);
enum sonde_transport talk_options_transport(const struct arguments *arguments);
enum sonde_family talk_options_family(const struct arguments *arguments);
/* Strings are the arguments'. */
void talk_options_read_tls(const struct arguments *arguments,
			   struct sonde_tls_options *ret);

#endif
