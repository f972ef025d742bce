/* The options of connect and listen, read. */
#include "talk_options.h"

#include "message.h"

static int refuse_pairs(const struct arguments *arguments, const char *name,
			const struct talk_pair *pairs)
{
	struct sonde_error err;

	for (; pairs->a; pairs++)
		if (arguments_refuse_both(arguments, name, pairs->a, pairs->b, &err) < 0)
			return message_error(&err);
	return STATUS_DONE;
}

int talk_options_check(const struct arguments *arguments, const char *name,
		       const struct talk_pair *pairs, bool may_speak_tls)
{
	static const char *const of_tls[] = {"tls-name", "ca-file", "pin",     "cert",
					     "key",      "alpn",    "insecure"};
	static const struct talk_pair shared[] = {{"ipv4", "ipv6"},
						  {"unix", "ipv4"},
						  {"unix", "ipv6"},
						  {"tls", "udp"},
						  {NULL, NULL}};
	int status;

	for (size_t i = 0; !may_speak_tls && i < sizeof(of_tls) / sizeof(of_tls[0]); i++)
		if (arguments_has(arguments, of_tls[i]))
			return message_usage(name, "--%s needs --tls", of_tls[i]);
	status = refuse_pairs(arguments, name, shared);
	return status == STATUS_DONE ? refuse_pairs(arguments, name, pairs) : status;
}

enum sonde_transport talk_options_transport(const struct arguments *arguments)
{
	bool is_udp = arguments_has(arguments, "udp");

	if (arguments_has(arguments, "unix"))
		return is_udp ? SONDE_TRANSPORT_UNIX_DATAGRAM : SONDE_TRANSPORT_UNIX;
	return is_udp ? SONDE_TRANSPORT_UDP : SONDE_TRANSPORT_TCP;
}

enum sonde_family talk_options_family(const struct arguments *arguments)
{
	return arguments_has(arguments, "ipv4")   ? SONDE_FAMILY_INET
	       : arguments_has(arguments, "ipv6") ? SONDE_FAMILY_INET6
						  : SONDE_FAMILY_NONE;
}

void talk_options_read_tls(const struct arguments *arguments,
			   struct sonde_tls_options *ret)
{
	*ret = (struct sonde_tls_options){
		.name = arguments_text(arguments, "tls-name", NULL),
		.ca_file = arguments_text(arguments, "ca-file", NULL),
		.pin = arguments_text(arguments, "pin", NULL),
		.cert_file = arguments_text(arguments, "cert", NULL),
		.key_file = arguments_text(arguments, "key", NULL),
		.alpn = arguments_text(arguments, "alpn", NULL),
		.insecure = arguments_has(arguments, "insecure"),
	};
}
