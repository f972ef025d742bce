/* Fuzz target: address words of the command line, "HOST:PORT" and Unix paths.
 *
 * Properties: what is read, written as [HOST]:PORT or HOST:PORT, is read as the same; what
 * is refused has a reason and a hint; a Unix path comes back as it was. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/resolve.h"
#include "talk/unix_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { CHARS = 512 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_endpoint(const char *text)
{
	struct resolve_endpoint endpoint, again;
	struct sonde_error err = {0};
	char back[CHARS];

	if (resolve_parse(text, &endpoint, &err) < 0) {
		require(err.kind == SONDE_ERROR_USAGE && err.reason[0]);
		return;
	}
	snprintf(back, sizeof(back), strchr(endpoint.host, ':') ? "[%s]:%u" : "%s:%u",
		 endpoint.host, endpoint.port);
	require(resolve_parse(back, &again, &err) == 0);
	require(strcmp(again.host, endpoint.host) == 0 && again.port == endpoint.port);
}

static void check_unix(const char *text)
{
	struct sockaddr_un address;
	struct sonde_error err = {0};
	socklen_t length;
	char back[CHARS];

	if (unix_path_parse(text, &address, &length, &err) < 0) {
		require(err.kind == SONDE_ERROR_USAGE && err.reason[0] && err.hint[0]);
		return;
	}
	require(length <= sizeof(address));
	unix_path_format(&address, length, back, sizeof(back));
	require(strcmp(back, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char text[CHARS / 2];

	if (n >= sizeof(text))
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	check_endpoint(text);
	check_unix(text);
	return 0;
}
