/* Fuzz target: scripts of `sonde connect`.
 *
 * Properties: what is read has steps with rising lines that exist, and each has what its
 * verb needs; what is not names a line that exists, a reason and a hint. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_step(const struct script_step *step)
{
	bool has_text = step->verb == SCRIPT_SEND || step->verb == SCRIPT_LINE ||
			step->verb == SCRIPT_EXPECT || step->verb == SCRIPT_EXPECT_REGEX;

	require((step->bytes != NULL) == has_text);
	require((step->regex != NULL) == (step->verb == SCRIPT_EXPECT_REGEX));
	require(step->within_ns >= 0);
	if (step->verb == SCRIPT_EXPECT)
		require(step->count > 0);
	if (step->verb == SCRIPT_LINE)
		require(step->bytes[step->count - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_script *script;
	struct sonde_error err;
	unsigned lines = 1, line = 0;

	for (size_t i = 0; i < n; i++)
		lines += bytes[i] == '\n';
	if (sonde_script_new("s", (const char *)bytes, n, &script, &err) < 0) {
		require(sscanf(err.subject, "s:%u", &line) == 1);
		require(line >= 1 && line <= lines);
		require(err.reason[0] && err.hint[0]);
		return 0;
	}
	require(script->count > 0);
	for (size_t i = 0; i < script->count; i++) {
		require(script->steps[i].line > line && script->steps[i].line <= lines);
		line = script->steps[i].line;
		check_step(&script->steps[i]);
		require(i + 1 == script->count || script->steps[i].verb != SCRIPT_CLOSE);
	}
	sonde_script_free(script);
	return 0;
}
