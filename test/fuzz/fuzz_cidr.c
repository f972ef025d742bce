/* Fuzz target: networks as text, and who is in them.
 *
 * Properties: what is read is written in one form, which is read as the same network; it
 * has no bits behind those that count; the network's own first and last address are in
 * it, and with one of the bits that count turned they are not; a set has an address
 * exactly where one of its networks has it, and a refusal leaves it as it was. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/cidr.h>

#include "base/address_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void turn_bit(struct sonde_address *address, unsigned bit)
{
	address->bytes[bit / 8] = (uint8_t)(address->bytes[bit / 8] ^ 0x80u >> bit % 8);
}

static void check_network(const struct sonde_cidr *cidr)
{
	unsigned all = cidr->network.family == SONDE_FAMILY_INET ? 32 : 128;
	struct sonde_address last = cidr->network;
	struct sonde_cidr again;
	char text[SONDE_CIDR_CHARS];

	require(cidr->bits <= all && cidr->network.port == 0);
	sonde_cidr_format(cidr, text);
	require(sonde_cidr_parse(text, "allow", &again, NULL) == 0);
	require(again.bits == cidr->bits);
	require(sonde_address_equal(&again.network, &cidr->network));

	require(sonde_cidr_has(cidr, &cidr->network));
	for (unsigned bit = cidr->bits; bit < all; bit++) {
		unsigned at = last.bytes[bit / 8] >> (7 - bit % 8) & 1;
		require(at == 0);
		turn_bit(&last, bit);
	}
	/* Of ::/80 to ::/95 the last one is a mapped address, which is of IPv4. */
	bool is_mapped = cidr->network.family == SONDE_FAMILY_INET6 &&
			 address_is_mapped(last.bytes);
	require(sonde_cidr_has(cidr, &last) == !is_mapped);
	for (unsigned bit = 0; bit < cidr->bits; bit++) {
		struct sonde_address other = last;
		turn_bit(&other, bit);
		require(!sonde_cidr_has(cidr, &other));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct sonde_cidr_set set;
	char text[1024];
	struct sonde_cidr one;
	struct sonde_error err = {0};

	if (n >= sizeof(text))
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';

	set.count = 0;
	int r = sonde_cidr_set_add(&set, text, "allow", &err);
	require(r == 0 || r == -EINVAL || r == -E2BIG);
	require(r == 0 ? set.count > 0 : set.count == 0 && *err.reason && *err.hint);
	for (size_t i = 0; i < set.count; i++) {
		check_network(&set.networks[i]);
		require(sonde_cidr_set_has(&set, &set.networks[i].network));
	}
	r = sonde_cidr_parse(text, "allow", &one, &err);
	require(r == 0 || (r == -EINVAL && *err.reason && *err.hint));
	require((r == 0) == (set.count == 1));
	return 0;
}
