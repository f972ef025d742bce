/* Network addresses as values: 24 bytes, comparable, without sockaddr's families of
 * shapes. */
#ifndef SONDE_ADDRESS_H
#define SONDE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <sonde/export.h>

enum sonde_family {
	SONDE_FAMILY_NONE = 0, /* not known, or not yet given */
	SONDE_FAMILY_INET,
	SONDE_FAMILY_INET6,
	SONDE_FAMILY_UNIX, /* bytes: a digest of the name, 0 where it has none; no port */
	SONDE_FAMILY_OTHER,
};

struct sonde_address {
	uint8_t family;    /* enum sonde_family */
	uint16_t port;     /* host order */
	uint32_t scope_id; /* IPv6 link-local only, otherwise 0 */
	uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest 0 */
};

#define SONDE_ADDRESS_CHARS 72 /* "[xxxx:...%4294967295]:65535" and its NUL */

/* IPv4-mapped IPv6 addresses (::ffff:192.0.2.1, RFC 4291 2.5.5.2) become IPv4. */
SONDE_API int sonde_address_from_sockaddr(const struct sockaddr *from, socklen_t length,
					  struct sonde_address *ret);
/* Returns the length used; 0 for a family that has no sockaddr here. */
SONDE_API socklen_t sonde_address_to_sockaddr(const struct sonde_address *address,
					      struct sockaddr_storage *ret);

/* "127.0.0.1:50000", "[2001:db8::1]:50000" (RFC 5952), "*:50000" for any, "unix", "?". */
SONDE_API void sonde_address_format(const struct sonde_address *address,
				    char ret[SONDE_ADDRESS_CHARS]);
/* The host alone: "127.0.0.1", "2001:db8::1", "0.0.0.0", "::". */
SONDE_API void sonde_address_format_host(const struct sonde_address *address,
					 char ret[SONDE_ADDRESS_CHARS]);
/* A numeric host, IPv4 (four decimal numbers) or IPv6 (with or without brackets, %scope
 * as a number); sets the port to 0.  0 or -EINVAL. */
SONDE_API int sonde_address_parse_host(const char *text, struct sonde_address *ret);

SONDE_API bool sonde_address_equal(const struct sonde_address *a,
				   const struct sonde_address *b); /* host and port */
/* Below, at or above 0: by family, scope, then host.  In this order hosts are told. */
SONDE_API int sonde_address_order_host(const struct sonde_address *a,
				       const struct sonde_address *b);
SONDE_API bool sonde_address_equal_host(const struct sonde_address *a,
					const struct sonde_address *b);
SONDE_API bool
sonde_address_is_any(const struct sonde_address *address); /* 0.0.0.0, :: */
SONDE_API bool sonde_address_is_loopback(const struct sonde_address *address);

#endif
