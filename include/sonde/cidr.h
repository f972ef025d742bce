/* Networks as "192.0.2.0/24" and "2001:db8::/32" (CIDR, RFC 4632 and RFC 4291 2.3), and
 * small sets of them: who may come, who may not. */
#ifndef SONDE_CIDR_H
#define SONDE_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>

struct sonde_cidr {
	/* Port 0; behind the first `bits` bits only zeros.  A scope_id, of a link-local
	 * network, is that of the only link which is meant; 0: of every link. */
	struct sonde_address network;
	unsigned bits; /* at most 32 of IPv4, 128 of IPv6 */
};

#define SONDE_CIDR_CHARS 80 /* an address, "/128" and a NUL */
#define SONDE_CIDR_SET_MOST 128

/* ADDRESS/BITS, or an address alone: that one host.  A network below ::ffff:0:0/96 becomes
 * the one of IPv4.  Refused is an address with bits behind the network's (192.0.2.7/24
 * may be meant as the host or as the network).  0, or -EINVAL with *err filled; operation
 * is what the network is wanted for: "allow". */
SONDE_API int sonde_cidr_parse(const char *text, const char *operation,
			       struct sonde_cidr *ret, struct sonde_error *err);

/* "192.0.2.0/24"; also of one host: "192.0.2.7/32". */
SONDE_API void sonde_cidr_format(const struct sonde_cidr *cidr,
				 char ret[SONDE_CIDR_CHARS]);

/* Of an address of another family: false.  The address's port does not matter;
 * ::ffff:192.0.2.1 is 192.0.2.1. */
SONDE_API bool sonde_cidr_has(const struct sonde_cidr *cidr,
			      const struct sonde_address *address);

/* Begins as zeros; is the caller's, and may be copied. */
struct sonde_cidr_set {
	size_t count;
	struct sonde_cidr networks[SONDE_CIDR_SET_MOST];
};

/* Adds one network, or several with commas between them.  Where one of them cannot be
 * added, none is: -EINVAL, or -E2BIG, with *err filled. */
SONDE_API int sonde_cidr_set_add(struct sonde_cidr_set *set, const char *text,
				 const char *operation, struct sonde_error *err);
/* Whether one of the networks has it; of an empty set: false. */
SONDE_API bool sonde_cidr_set_has(const struct sonde_cidr_set *set,
				  const struct sonde_address *address);

#endif
