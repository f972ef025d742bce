/* Fuzz target: targets and exclusions of a scan, as people and scripts write them.
 *
 * Properties: what is refused says why and adds nothing; of what is accepted, every
 * address has a number and every number its address, at the ends and in the middle; a set
 * without itself is empty.  No name server is asked. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scan/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Letters make a name, unless a colon makes an address of them. */
static bool is_numeric(const char *text)
{
	if (strchr(text, ':'))
		return text[strspn(text, "0123456789abcdefABCDEF.,-/:[]%")] == '\0';
	return text[strspn(text, "0123456789.,-/")] == '\0';
}

static void check_at(const struct hosts *hosts, uint64_t at)
{
	struct sonde_address address = hosts_at(hosts, at);

	if (hosts_size(hosts) < INT64_MAX)
		require(hosts_find(hosts, &address) == (int64_t)at);
}

static void check_set(struct hosts *hosts, const char *text)
{
	struct hosts without = {0};
	uint64_t size;

	require(hosts_settle(hosts, &without) == 0);
	size = hosts_size(hosts);
	require(size > 0 && hosts->count > 0);
	check_at(hosts, 0);
	check_at(hosts, size / 2);
	check_at(hosts, size - 1);
	for (size_t i = 1; i < hosts->count; i++)
		require(hosts->ranges[i].before > hosts->ranges[i - 1].before ||
			hosts->ranges[i].before == UINT64_MAX);
	require(hosts_parse(&without, text, NULL) == 0);
	require(hosts_settle(hosts, &without) == 0);
	require(hosts_size(hosts) == 0);
	hosts_done(&without);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_error err = {0};
	struct hosts hosts = {0};
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, bytes, n);
	text[n] = '\0';
	if (is_numeric(text)) {
		int r = hosts_parse(&hosts, text, &err);

		if (r == 0) {
			check_set(&hosts, text);
		} else {
			require(r < 0 && err.code == r && err.reason[0] != '\0');
			require(err.operation[0] != '\0');
		}
	}
	hosts_done(&hosts);
	free(text);
	return 0;
}
