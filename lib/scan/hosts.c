/* Sets of addresses: ranges of 128-bit numbers, IPv4 in the first four bytes of each. */
#include "scan/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

void hosts_done(struct hosts *hosts)
{
	array_free(hosts->ranges);
	*hosts = (struct hosts){0};
}

static unsigned width(const struct host_range *range)
{
	return range->family == SONDE_FAMILY_INET ? 4 : 16;
}

static uint64_t read_low(const uint8_t *bytes, unsigned n)
{
	uint64_t low = 0;

	for (unsigned i = n > 8 ? n - 8 : 0; i < n; i++)
		low = low << 8 | bytes[i];
	return low;
}

/* b - a, at most UINT64_MAX - 1; a <= b. */
static uint64_t distance(const uint8_t *a, const uint8_t *b, unsigned n)
{
	uint64_t low_a = read_low(a, n), low_b = read_low(b, n), high = 0;

	if (n > 8)
		high = read_low(b, 8) - read_low(a, 8) - (low_b < low_a);
	if (high > 0 || low_b - low_a == UINT64_MAX)
		return UINT64_MAX - 1;
	return low_b - low_a;
}

static void add(uint8_t *bytes, unsigned n, uint64_t amount)
{
	for (unsigned i = n; i-- > 0 && amount > 0;) {
		amount += bytes[i];
		bytes[i] = (uint8_t)amount;
		amount >>= 8;
	}
}

static bool step(uint8_t *bytes, unsigned n, int by) /* false: over the end */
{
	for (unsigned i = n; i-- > 0;) {
		bytes[i] = (uint8_t)(bytes[i] + by);
		if (bytes[i] != (by > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

/* Family and scope first: ranges of two kinds never touch. */
static int compare_kind(const struct host_range *a, const struct host_range *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->scope_id != b->scope_id)
		return a->scope_id < b->scope_id ? -1 : 1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct host_range *one = a, *other = b;
	int r = compare_kind(one, other);

	return r ? r : memcmp(one->first, other->first, sizeof(one->first));
}

static void merge(struct hosts *hosts)
{
	size_t kept = 0;

	if (hosts->count > 1)
		qsort(hosts->ranges, hosts->count, sizeof(hosts->ranges[0]), compare);
	for (size_t i = 0; i < hosts->count; i++) {
		struct host_range *range = &hosts->ranges[i];
		struct host_range *last = kept ? &hosts->ranges[kept - 1] : NULL;
		uint8_t next[16];

		if (last && compare_kind(last, range) == 0) {
			memcpy(next, last->last, sizeof(next));
			if (!step(next, width(last), 1) ||
			    memcmp(range->first, next, sizeof(next)) <= 0) {
				if (memcmp(range->last, last->last, sizeof(next)) > 0)
					memcpy(last->last, range->last, sizeof(next));
				continue;
			}
		}
		hosts->ranges[kept++] = *range;
	}
	hosts->count = kept;
}

static int add_range(struct hosts *hosts, const struct host_range *range)
{
	int r = array_reserve(&hosts->ranges, &hosts->room, hosts->count + 1,
			      sizeof(hosts->ranges[0]));

	if (r == 0)
		hosts->ranges[hosts->count++] = *range;
	return r;
}

/* The first of the merged ranges that does not end before `range` begins. */
static size_t first_behind(const struct hosts *hosts, const struct host_range *range)
{
	size_t low = 0, high = hosts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct host_range *other = &hosts->ranges[middle];
		int order = compare_kind(other, range);

		if (order == 0)
			order = memcmp(other->last, range->first, sizeof(other->last));
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What is left of a range without those of `without`, which are merged. */
static int add_rest(struct hosts *hosts, struct host_range range,
		    const struct hosts *without)
{
	for (size_t i = first_behind(without, &range); i < without->count; i++) {
		const struct host_range *hole = &without->ranges[i];
		struct host_range before = range;
		int r;

		if (compare_kind(hole, &range) != 0 ||
		    memcmp(hole->first, range.last, sizeof(hole->first)) > 0)
			break;
		if (memcmp(hole->first, range.first, sizeof(hole->first)) > 0) {
			memcpy(before.last, hole->first, sizeof(before.last));
			step(before.last, width(&range), -1);
			r = add_range(hosts, &before);
			if (r < 0)
				return r;
		}
		memcpy(range.first, hole->last, sizeof(range.first));
		if (memcmp(hole->last, range.last, sizeof(hole->last)) >= 0 ||
		    !step(range.first, width(&range), 1))
			return 0;
	}
	return add_range(hosts, &range);
}

int hosts_settle(struct hosts *hosts, struct hosts *without)
{
	struct hosts rest = {0};
	uint64_t before = 0;
	int r = 0;

	merge(hosts);
	merge(without);
	for (size_t i = 0; i < hosts->count && r == 0; i++)
		r = add_rest(&rest, hosts->ranges[i], without);
	if (r < 0) {
		hosts_done(&rest);
		return r;
	}
	for (size_t i = 0; i < rest.count; i++) {
		struct host_range *range = &rest.ranges[i];
		uint64_t size = distance(range->first, range->last, width(range)) + 1;

		range->before = before;
		before = size > UINT64_MAX - before ? UINT64_MAX : before + size;
	}
	hosts_done(hosts);
	*hosts = rest;
	return 0;
}

uint64_t hosts_size(const struct hosts *hosts)
{
	const struct host_range *last;
	uint64_t size;

	if (!hosts->count)
		return 0;
	last = &hosts->ranges[hosts->count - 1];
	size = distance(last->first, last->last, width(last)) + 1;
	return size > UINT64_MAX - last->before ? UINT64_MAX : last->before + size;
}

struct sonde_address hosts_at(const struct hosts *hosts, uint64_t at)
{
	size_t low = 0, high = hosts->count;
	struct sonde_address address = {0};
	const struct host_range *range;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (hosts->ranges[middle].before <= at)
			low = middle;
		else
			high = middle;
	}
	range = &hosts->ranges[low];
	address.family = range->family;
	address.scope_id = range->scope_id;
	memcpy(address.bytes, range->first, sizeof(address.bytes));
	add(address.bytes, width(range), at - range->before);
	return address;
}

int64_t hosts_find(const struct hosts *hosts, const struct sonde_address *address)
{
	struct host_range key = {.family = address->family,
				 .scope_id = address->scope_id};
	size_t low = 0, high = hosts->count;

	memcpy(key.first, address->bytes, sizeof(key.first));
	while (low < high) { /* the first range that begins behind the address */
		size_t middle = low + (high - low) / 2;

		if (compare(&hosts->ranges[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return -1;
	const struct host_range *range = &hosts->ranges[low - 1];
	if (compare_kind(range, &key) != 0 ||
	    memcmp(key.first, range->last, sizeof(key.first)) > 0)
		return -1;
	return (int64_t)(range->before + distance(range->first, key.first, width(range)));
}
