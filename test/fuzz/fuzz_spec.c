/* Fuzz target: the SPEC of a server, which people and scripts write.
 *
 * Properties: what is refused says why, and is refused alike without a place for the
 * reason; what is accepted names a service of the table with a transport that it has, and
 * can be given back twice; and no file is looked at. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_accepted(struct serve_spec *spec)
{
	require(service_find(spec->service->name) == spec->service);
	require(spec->transports != 0);
	require((spec->transports & ~spec->service->transports) == 0);
	require((spec->config != NULL) == (spec->service->config_bytes > 0));
	require(!spec->once || spec->service->has_answers);
	require(spec->file_text == NULL);
	require((spec->file_name != NULL) == (spec->file_option != NULL));
	serve_spec_done(spec);
	serve_spec_done(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_error err = {0};
	struct serve_spec spec;
	char *text = malloc(n + 1);

	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, bytes, n);
	text[n] = '\0';

	int r = serve_spec_parse(text, &spec, &err);
	if (r == 0) {
		check_accepted(&spec);
		require(serve_spec_parse(text, &spec, NULL) == 0);
		serve_spec_done(&spec);
	} else {
		require(r < 0 && err.code == r && err.kind != SONDE_ERROR_NONE);
		require(err.reason[0] != '\0' && err.operation[0] != '\0');
		require(serve_spec_parse(text, &spec, NULL) == r);
	}
	free(text);
	return 0;
}
