/* One piece of memory: packets are added at its end and taken from its beginning, and
 * what is left moves to the front when that is the smaller half. */
#include "record/held.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

static size_t size_of(uint32_t captured_length)
{
	return (sizeof(struct ring_packet) + captured_length + 7) & ~(size_t)7;
}

void held_done(struct held *held)
{
	array_free(held->bytes);
	*held = (struct held){0};
}

int held_add(struct held *held, const struct ring_packet *packet)
{
	size_t size = size_of(packet->captured_length);

	if (held->end - held->begin + size > LIMIT_HELD_BYTES)
		return -E2BIG;
	if (held->begin > held->end / 2) {
		memmove(held->bytes, held->bytes + held->begin, held->end - held->begin);
		held->end -= held->begin;
		held->begin = 0;
	}
	if (array_reserve(&held->bytes, &held->capacity, held->end + size, 1) < 0)
		return -ENOMEM;
	memcpy(held->bytes + held->end, packet, sizeof(*packet));
	memcpy(held->bytes + held->end + sizeof(*packet), packet->bytes,
	       packet->captured_length);
	held->end += size;
	return 0;
}

bool held_first(const struct held *held, struct ring_packet *ret)
{
	if (held->begin == held->end)
		return false;
	memcpy(ret, held->bytes + held->begin, sizeof(*ret));
	ret->bytes = held->bytes + held->begin + sizeof(*ret);
	return true;
}

void held_remove_first(struct held *held)
{
	struct ring_packet first;

	if (held_first(held, &first))
		held->begin += size_of(first.captured_length);
	if (held->begin == held->end)
		held->begin = held->end = 0;
}
