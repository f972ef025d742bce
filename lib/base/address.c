/* Addresses: to and from sockaddr, compared.  Their text is in address_text.c. */
#include <sonde/address.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/address_kind.h"

bool address_is_mapped(const uint8_t bytes[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

bool address_is_link_local(const uint8_t bytes[16])
{
	return (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
	       (bytes[0] == 0xff && (bytes[1] & 0x0f) == 0x02);
}

static struct sonde_address from_inet(const struct sockaddr_in *from)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET,
					.port = ntohs(from->sin_port)};

	memcpy(address.bytes, &from->sin_addr, 4);
	return address;
}

static struct sonde_address from_inet6(const struct sockaddr_in6 *from)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET6,
					.port = ntohs(from->sin6_port)};

	memcpy(address.bytes, &from->sin6_addr, 16);
	if (address_is_link_local(address.bytes))
		address.scope_id = from->sin6_scope_id;
	if (address_is_mapped(address.bytes)) {
		address.family = SONDE_FAMILY_INET;
		memcpy(address.bytes, address.bytes + 12, 4);
		memset(address.bytes + 4, 0, 12);
	}
	return address;
}

/* Names are told apart by 64 bits of FNV-1a; a path ends at its first NUL, an abstract
 * name, which begins with one, goes on to the end. */
static struct sonde_address from_unix(const struct sockaddr *from, socklen_t length)
{
	struct sonde_address address = {.family = SONDE_FAMILY_UNIX};
	const uint8_t *name =
		(const uint8_t *)from + offsetof(struct sockaddr_un, sun_path);
	size_t n = length > offsetof(struct sockaddr_un, sun_path)
			   ? length - offsetof(struct sockaddr_un, sun_path)
			   : 0;
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	if (n && name[0])
		n = strnlen((const char *)name, n);
	for (size_t i = 0; i < n; i++)
		digest = (digest ^ name[i]) * UINT64_C(0x100000001b3);
	if (n)
		memcpy(address.bytes, &digest, sizeof(digest));
	return address;
}

int sonde_address_from_sockaddr(const struct sockaddr *from, socklen_t length,
				struct sonde_address *ret)
{
	/* Copies: the bytes may come from another process's memory, cut and unaligned. */
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6 = {0};
	const socklen_t family_end =
		offsetof(struct sockaddr, sa_family) + sizeof(from->sa_family);
	sa_family_t family;

	if (length == 0) { /* what accept() and recvfrom() say of a peer without name */
		*ret = (struct sonde_address){0};
		return 0;
	}
	if (length < family_end)
		return -EINVAL;
	memcpy(&family, (const char *)from + offsetof(struct sockaddr, sa_family),
	       sizeof(family));
	switch (family) {
	case AF_INET:
		if (length < sizeof(inet))
			return -EINVAL;
		memcpy(&inet, from, sizeof(inet));
		*ret = from_inet(&inet);
		return 0;
	case AF_INET6:
		/* Linux takes the shape of RFC 2133, which has no scope, too. */
		if (length < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		memcpy(&inet6, from, length < sizeof(inet6) ? length : sizeof(inet6));
		*ret = from_inet6(&inet6);
		return 0;
	case AF_UNIX:
		*ret = from_unix(from, length);
		return 0;
	case AF_UNSPEC:
		*ret = (struct sonde_address){0};
		return 0;
	default:
		*ret = (struct sonde_address){.family = SONDE_FAMILY_OTHER};
		return 0;
	}
}

socklen_t sonde_address_to_sockaddr(const struct sonde_address *address,
				    struct sockaddr_storage *ret)
{
	struct sockaddr_in inet = {.sin_family = AF_INET};
	struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6};

	memset(ret, 0, sizeof(*ret));
	switch (address->family) {
	case SONDE_FAMILY_INET:
		inet.sin_port = htons(address->port);
		memcpy(&inet.sin_addr, address->bytes, 4);
		memcpy(ret, &inet, sizeof(inet));
		return sizeof(inet);
	case SONDE_FAMILY_INET6:
		inet6.sin6_port = htons(address->port);
		inet6.sin6_scope_id = address->scope_id;
		memcpy(&inet6.sin6_addr, address->bytes, 16);
		memcpy(ret, &inet6, sizeof(inet6));
		return sizeof(inet6);
	default:
		return 0;
	}
}

bool sonde_address_equal(const struct sonde_address *a, const struct sonde_address *b)
{
	return sonde_address_equal_host(a, b) && a->port == b->port;
}

int sonde_address_order_host(const struct sonde_address *a, const struct sonde_address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->scope_id != b->scope_id)
		return a->scope_id < b->scope_id ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool sonde_address_equal_host(const struct sonde_address *a,
			      const struct sonde_address *b)
{
	return a->family == b->family && a->scope_id == b->scope_id &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool sonde_address_is_any(const struct sonde_address *address)
{
	static const uint8_t zero[16];

	return (address->family == SONDE_FAMILY_INET ||
		address->family == SONDE_FAMILY_INET6) &&
	       memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

bool sonde_address_is_loopback(const struct sonde_address *address)
{
	static const uint8_t one[16] = {[15] = 1};

	if (address->family == SONDE_FAMILY_INET)
		return address->bytes[0] == 127;
	if (address->family != SONDE_FAMILY_INET6)
		return false;
	return memcmp(address->bytes, one, sizeof(one)) == 0 ||
	       (address_is_mapped(address->bytes) && address->bytes[12] == 127);
}
