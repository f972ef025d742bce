/* Durations that somebody chose, in words. */
#include "talk/duration.h"

#include <inttypes.h>

#include <sonde/text.h>

#include "base/clock.h"

void duration_format(int64_t duration_ns, char ret[DURATION_CHARS])
{
	struct sonde_text text;

	sonde_text_init(&text, ret, DURATION_CHARS);
	if (duration_ns % NS_PER_S == 0)
		sonde_text_add(&text, "%" PRId64 " s", duration_ns / NS_PER_S);
	else if (duration_ns % NS_PER_MS == 0)
		sonde_text_add(&text, "%" PRId64 " ms", duration_ns / NS_PER_MS);
	else
		sonde_text_add_duration(&text, duration_ns);
}
