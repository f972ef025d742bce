/* Networks in CIDR notation, and sets of them.
 *
 * A network decides who may come in, so what may be misunderstood is refused rather than
 * guessed at: bits behind the network's, short forms (10/8 is 10.0.0.0/8 to some and
 * 0.0.0.10/8 to others), names (which may change after they were looked up). */
#include <sonde/cidr.h>

#include <errno.h>
#include <string.h>

#include <sonde/text.h>

#include "base/address_kind.h"

enum {
	INET_BITS = 32,
	INET6_BITS = 128,
	MAPPED_BITS = 96, /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */
};

static unsigned bits_of(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET ? INET_BITS : INET6_BITS;
}

/* Leaves the first `bits` bits of the address. */
static struct sonde_address cut_host(const struct sonde_address *address, unsigned bits)
{
	struct sonde_address network = *address;

	network.port = 0;
	for (unsigned i = bits / 8; i < sizeof(network.bytes); i++) {
		unsigned kept = i == bits / 8 ? bits % 8 : 0;
		network.bytes[i] =
			(uint8_t)(network.bytes[i] & (0xff00u >> kept & 0xffu));
	}
	return network;
}

static struct sonde_address unmapped(const struct sonde_address *address)
{
	struct sonde_address inet = {.family = SONDE_FAMILY_INET, .port = address->port};

	if (address->family != SONDE_FAMILY_INET6 || !address_is_mapped(address->bytes))
		return *address;
	memcpy(inet.bytes, address->bytes + 12, 4);
	return inet;
}

/* --- reading */

struct cidr_text {
	const char *chars;
	size_t length;
	const char *operation;
	struct sonde_error *err;
};

static int refuse(const struct cidr_text *text, const char *reason)
{
	char shown[160];
	struct sonde_text subject;

	sonde_text_init(&subject, shown, sizeof(shown));
	sonde_text_add_escaped(&subject, text->chars, text->length);
	return sonde_error_set(text->err, SONDE_ERROR_USAGE, -EINVAL, text->operation,
			       *shown ? shown : "\"\"", "%s", reason);
}

static int refuse_address(const struct cidr_text *text, const char *host)
{
	refuse(text, "it is no network");
	if (strcmp(host, "*") == 0)
		sonde_error_hint(text->err, "write 0.0.0.0/0 for all of IPv4, ::/0 for "
					    "all of IPv6");
	else if (host[strspn(host, "0123456789.")] == '\0')
		sonde_error_hint(text->err, "write all four numbers of the address, "
					    "without zeros before them: 192.0.2.0/24");
	else
		sonde_error_hint(text->err, "write an address and how many of its bits "
					    "count: 192.0.2.0/24 or 2001:db8::/32");
	return -EINVAL;
}

static int refuse_bits(const struct cidr_text *text, const struct sonde_address *address)
{
	bool is_inet = address->family == SONDE_FAMILY_INET;

	refuse(text, is_inet ? "behind the slash stands a number from 0 to 32"
			     : "behind the slash stands a number from 0 to 128");
	sonde_error_hint(text->err, "it says how many bits of the address count: %s",
			 is_inet ? "192.0.2.0/24 is 192.0.2.0 to 192.0.2.255"
				 : "2001:db8::/32");
	return -EINVAL;
}

static int refuse_host_bits(const struct cidr_text *text,
			    const struct sonde_address *address,
			    const struct sonde_cidr *meant)
{
	char host[SONDE_ADDRESS_CHARS], network[SONDE_CIDR_CHARS];

	sonde_address_format_host(address, host);
	sonde_cidr_format(meant, network);
	refuse(text, "the address has bits behind those that count");
	sonde_error_hint(text->err, "write %s for the network, or %s for that host alone",
			 network, host);
	return -EINVAL;
}

static int parse(const struct cidr_text *text, struct sonde_cidr *ret)
{
	char chars[SONDE_CIDR_CHARS];
	struct sonde_address address;
	long long bits;

	if (text->length >= sizeof(chars) || memchr(text->chars, '\0', text->length))
		return refuse_address(text, "");
	memcpy(chars, text->chars, text->length);
	chars[text->length] = '\0';
	char *slash = strchr(chars, '/');
	if (slash)
		*slash++ = '\0';
	if (sonde_address_parse_host(chars, &address) < 0)
		return refuse_address(text, chars);
	bits = bits_of(&address);
	if (slash && (*slash < '0' || *slash > '9' ||
		      sonde_text_parse_int(slash, 0, bits_of(&address), &bits) < 0))
		return refuse_bits(text, &address);
	if (bits >= MAPPED_BITS && address.family == SONDE_FAMILY_INET6 &&
	    address_is_mapped(address.bytes)) {
		address = unmapped(&address);
		bits -= MAPPED_BITS;
	}
	struct sonde_cidr cidr = {.network = cut_host(&address, (unsigned)bits),
				  .bits = (unsigned)bits};
	if (!sonde_address_equal_host(&cidr.network, &address))
		return refuse_host_bits(text, &address, &cidr);
	*ret = cidr;
	return 0;
}

int sonde_cidr_parse(const char *text, const char *operation, struct sonde_cidr *ret,
		     struct sonde_error *err)
{
	const struct cidr_text whole = {text, strlen(text), operation, err};

	return parse(&whole, ret);
}

void sonde_cidr_format(const struct sonde_cidr *cidr, char ret[SONDE_CIDR_CHARS])
{
	char host[SONDE_ADDRESS_CHARS];
	struct sonde_text text;

	sonde_address_format_host(&cidr->network, host);
	sonde_text_init(&text, ret, SONDE_CIDR_CHARS);
	sonde_text_add(&text, "%s/%u", host, cidr->bits);
}

/* --- asking */

static bool has(const struct sonde_cidr *cidr, const struct sonde_address *address)
{
	unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;
	const uint8_t *a = cidr->network.bytes, *b = address->bytes;

	if (cidr->network.family != address->family)
		return false;
	if (cidr->network.scope_id && cidr->network.scope_id != address->scope_id)
		return false;
	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool sonde_cidr_has(const struct sonde_cidr *cidr, const struct sonde_address *address)
{
	const struct sonde_address plain = unmapped(address);

	return has(cidr, &plain);
}

int sonde_cidr_set_add(struct sonde_cidr_set *set, const char *text,
		       const char *operation, struct sonde_error *err)
{
	size_t count = set->count;

	for (const char *at = text, *end;; at = end + 1) {
		end = at + strcspn(at, ",");
		const struct cidr_text part = {at, (size_t)(end - at), operation, err};
		if (count == SONDE_CIDR_SET_MOST) {
			refuse(&part, "too many networks");
			sonde_error_hint(err, "at most %d can be named: join neighbours",
					 SONDE_CIDR_SET_MOST);
			return -E2BIG;
		}
		int r = parse(&part, &set->networks[count]);
		if (r < 0)
			return r;
		count++;
		if (!*end)
			break;
	}
	set->count = count;
	return 0;
}

bool sonde_cidr_set_has(const struct sonde_cidr_set *set,
			const struct sonde_address *address)
{
	const struct sonde_address plain = unmapped(address);

	for (size_t i = 0; i < set->count; i++) {
		if (has(&set->networks[i], &plain))
			return true;
	}
	return false;
}
