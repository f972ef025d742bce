/* Fuzz target: ports of a scan, as people and scripts write them.
 *
 * Properties: what is refused says why and leaves the set as it was; what is accepted
 * names at least one port, never port 0, and adding it again changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scan/ports.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct ports ports, before;
	static uint16_t list[65536];
	struct sonde_error err = {0};
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, bytes, n);
	text[n] = '\0';
	memset(&ports, 0, sizeof(ports));
	int r = ports_parse(&ports, text, &err);
	if (r == 0) {
		size_t count = ports_count(&ports);

		require(count > 0 && ports_list(&ports, list) == count);
		require(list[0] > 0);
		for (size_t i = 1; i < count; i++)
			require(list[i] > list[i - 1]);
		before = ports;
		require(ports_parse(&ports, text, NULL) == 0);
		require(memcmp(&ports, &before, sizeof(ports)) == 0);
	} else {
		require(r < 0 && err.code == r && err.reason[0] != '\0');
		require(ports_count(&ports) == 0);
	}
	free(text);
	return 0;
}
