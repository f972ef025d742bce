/* States and reasons as words; nmap's, where it has one. */
#include <sonde/scan.h>

#include <assert.h>

const char *sonde_scan_state_name(enum sonde_scan_state state)
{
	static const char *const names[] = {
		[SONDE_SCAN_UNKNOWN] = "unknown",
		[SONDE_SCAN_OPEN] = "open",
		[SONDE_SCAN_CLOSED] = "closed",
		[SONDE_SCAN_FILTERED] = "filtered",
		[SONDE_SCAN_OPEN_FILTERED] = "open|filtered",
		[SONDE_SCAN_UNREACHABLE] = "unreachable",
	};

	static_assert(sizeof(names) / sizeof(names[0]) == SONDE_SCAN_STATES,
		      "a name each");
	return names[state];
}

/* RFC 792, 1122 and 1812. */
static const char *icmp_name(uint8_t type, uint8_t code)
{
	static const char *const unreachable[] = {
		"net-unreach",       "host-unreach",     "proto-unreach",
		"port-unreach",      "fragmentation",    "source-route",
		"net-unknown",       "host-unknown",     "source-isolated",
		"net-prohibited",    "host-prohibited",  "net-tos",
		"host-tos",          "admin-prohibited", "precedence",
		"precedence-cutoff",
	};

	if (type == 3)
		return code < sizeof(unreachable) / sizeof(unreachable[0])
			       ? unreachable[code]
			       : "dest-unreach";
	return type == 11 ? "time-exceeded" : "icmp";
}

/* RFC 4443. */
static const char *icmp6_name(uint8_t type, uint8_t code)
{
	static const char *const unreachable[] = {
		"no-route",     "admin-prohibited", "beyond-scope", "addr-unreach",
		"port-unreach", "failed-policy",    "reject-route",
	};

	if (type == 1)
		return code < sizeof(unreachable) / sizeof(unreachable[0])
			       ? unreachable[code]
			       : "dest-unreach";
	return type == 3 ? "time-exceeded" : "icmp6";
}

const char *sonde_scan_reason_name(const struct sonde_scan_event *event)
{
	switch (event->reason) {
	case SONDE_SCAN_SYN_ACK:
		return "syn-ack";
	case SONDE_SCAN_RST:
		return "reset";
	case SONDE_SCAN_ICMP:
		return event->address.family == SONDE_FAMILY_INET6
			       ? icmp6_name(event->icmp_type, event->icmp_code)
			       : icmp_name(event->icmp_type, event->icmp_code);
	case SONDE_SCAN_UDP_REPLY:
		return "udp-response";
	case SONDE_SCAN_REFUSED:
		return sonde_error_name(event->error_number);
	case SONDE_SCAN_ECHO_REPLY:
		return "echo-reply";
	case SONDE_SCAN_NEIGHBOUR:
		return event->address.family == SONDE_FAMILY_INET6 ? "nd-response"
								   : "arp-response";
	case SONDE_SCAN_LOCAL:
		return "localhost-response";
	case SONDE_SCAN_USER:
		return "user-set";
	case SONDE_SCAN_NO_RESPONSE:
	default:
		return "no-response";
	}
}
