/* A table of fixed size, whatever an attacker invents: each source may stand in one of a
 * few slots.  Where others have them all, it takes over the one that is the least ahead,
 * with its debt: who fills the table slows down himself and, at the worst, those who share
 * his slots. */
#include "serve/rate.h"

#include <string.h>

#include "base/chance.h"
#include "base/clock.h"

enum { WAYS = 4 };

#define INTERVAL_NS (NS_PER_S / LIMIT_SOURCE_RATE)

static void network_of(const struct sonde_address *source, uint8_t ret[16])
{
	memset(ret, 0, 16);
	memcpy(ret, source->bytes, source->family == SONDE_FAMILY_INET6 ? 8 : 4);
	ret[15] = source->family;
}

static uint64_t hash(uint64_t seed, const uint8_t network[16])
{
	uint64_t halves[2];

	memcpy(halves, network, sizeof(halves));
	uint64_t state = seed ^ halves[0];
	state = chance_next(&state) ^ halves[1];
	return chance_next(&state);
}

static struct rate_source *find(struct rate *rate, const uint8_t network[16])
{
	uint64_t first = hash(rate->seed, network);
	struct rate_source *found = NULL;

	for (uint64_t i = 0; i < WAYS; i++) {
		struct rate_source *at = &rate->sources[(first + i) % LIMIT_SOURCES];
		if (memcmp(at->network, network, sizeof(at->network)) == 0)
			return at;
		if (!found || at->ahead_until_ns < found->ahead_until_ns)
			found = at;
	}
	memcpy(found->network, network, sizeof(found->network));
	return found;
}

bool rate_admit(struct rate *rate, const struct sonde_address *source, int64_t now_ns)
{
	uint8_t network[16];

	network_of(source, network);
	struct rate_source *at = find(rate, network);
	if (at->ahead_until_ns < now_ns)
		at->ahead_until_ns = now_ns;
	if (at->ahead_until_ns - now_ns > (LIMIT_SOURCE_BURST - 1) * INTERVAL_NS)
		return false;
	at->ahead_until_ns += INTERVAL_NS;
	return true;
}
