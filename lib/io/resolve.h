/* Where to: endpoints as a user writes them, names looked up.
 *
 * Errors name the value, the reason and the remedy; their kind is USAGE for a text that
 * cannot be meant and NETWORK for a name that nobody knows. */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>

#define RESOLVE_HOST_CHARS 256 /* a DNS name has 253 at most */

struct resolve_endpoint {
	/* A name or a numeric address without brackets; "" for this machine's loopback;
	 * "*" for every interface. */
	char host[RESOLVE_HOST_CHARS];
	uint16_t port;
};

/* "HOST:PORT", "[IPV6]:PORT", "HOST PORT", ":PORT", "*:PORT"; PORT is
 * 0 to 65535, or a name of /etc/services.  Asks no name server.  0 or a negative errno. */
int resolve_parse(const char *text, struct resolve_endpoint *ret,
		  struct sonde_error *err);
/* The same from two words; host "" is loopback. */
int resolve_parse_pair(const char *host, const char *port, struct resolve_endpoint *ret,
		       struct sonde_error *err);

/* The addresses of an endpoint, in the order in which they should be tried (RFC 6724, or
 * IPv4 before IPv6 for "", "*" and localhost, which need no look-up), each once, at most
 * `room`; blocks while a name server is asked.  LIMIT_ADDRESSES is room enough.  Returns
 * their number, at least 1, or a negative errno. */
int resolve_lookup(const struct resolve_endpoint *endpoint, struct sonde_address *ret,
		   size_t room, struct sonde_error *err);

#endif
