/* Which options of a scan go together. */
#include "scan_usage.h"

#include <errno.h>
#include <string.h>

#include "message.h"

/* No port is scanned: what is said about ports has no use. */
static int check_ping_only(const struct command *command,
			   const struct arguments *arguments)
{
	static const char *const of_ports[] = {
		"ports",   "udp",       "open",       "banner", "say",
		"timeout", "max-tries", "blind-rate", "reason", "source-pool"};

	for (size_t i = 0; i < sizeof(of_ports) / sizeof(of_ports[0]); i++)
		if (arguments_has(arguments, of_ports[i]))
			return message_usage(command->name,
					     "--ping only scans no ports: --%s has no "
					     "meaning with it",
					     of_ports[i]);
	return STATUS_DONE;
}

int scan_usage_check(const struct command *command, const struct arguments *arguments,
		     struct sonde_error *err)
{
	if (arguments->operand_count == 0 && !arguments_has(arguments, "targets"))
		return message_usage(command->name,
				     "name a target, as in: sonde scan localhost");
	if (arguments_refuse_both(arguments, command->name, "json", "format", err) < 0 ||
	    arguments_refuse_both(arguments, command->name, "say", "banner", err) < 0)
		return message_error(err);
	static const char *const of_tcp[] = {"max-tries", "blind-rate"};
	bool udp = arguments_has(arguments, "udp");
	for (size_t i = 0; udp && i < 2; i++)
		if (arguments_has(arguments, of_tcp[i]))
			return message_usage(command->name,
					     "--%s has a meaning with TCP only",
					     of_tcp[i]);
	if (!arguments_has(arguments, "udp-ping") &&
	    (arguments_has(arguments, "count") || arguments_has(arguments, "interval")))
		return message_usage(command->name,
				     "--count and --interval have a meaning "
				     "with --udp-ping only");
	if (!udp && arguments_has(arguments, "source-pool"))
		return message_usage(command->name,
				     "--source-pool has a meaning with --udp only");
	if (arguments_number(arguments, "format", SCAN_FORMAT_TEXT) == SCAN_FORMAT_GREP &&
	    arguments_has(arguments, "reason"))
		return message_usage(command->name, "--format grep has no place for a "
						    "--reason");
	if (arguments_number(arguments, "ping", SCAN_PING_AUTO) == SCAN_PING_ONLY)
		return check_ping_only(command, arguments);
	return STATUS_DONE;
}

int scan_usage_refuse_others(const struct command *command,
			     const struct arguments *arguments, const char *own,
			     struct sonde_error *err)
{
	static const char *const others[] = {
		"syn",     "connect", "udp",      "open",        "reason",    "exclude",
		"targets", "ping",    "max-rate", "blind-rate",  "format",    "max-tries",
		"banner",  "say",     "output",   "source-pool", "yes-i-may",
	};
	static const char *const of_ping[] = {"ports",    "timeout",  "count",
					      "interval", "udp-ping", "json"};
	bool is_ping = strcmp(own, "udp-ping") == 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if ((is_ping || strcmp(others[i], "yes-i-may") != 0) &&
		    arguments_refuse_both(arguments, command->name, own, others[i], err) <
			    0)
			return -EINVAL;
	for (size_t i = 0; !is_ping && i < sizeof(of_ping) / sizeof(of_ping[0]); i++)
		if (arguments_refuse_both(arguments, command->name, own, of_ping[i],
					  err) < 0)
			return -EINVAL;
	return 0;
}
