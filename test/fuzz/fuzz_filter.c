/* Fuzz target: display filters.
 *
 * Properties: what is refused names a place within the text and a reason; what is accepted
 * has a text that is accepted, is its own text, and decides alike; and a frame of which only
 * the fields that the filter wants were made is decided as one of which all were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/filter.h>

#include "../unit/dissect/filter_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What the filter says of every frame, as bits. */
static unsigned decide(struct sonde_filter *filter, bool wants_all)
{
	struct sonde_dissector *dissector;
	unsigned answers = 0;

	require(sonde_dissector_new(&dissector) == 0);
	if (wants_all)
		sonde_dissector_want_all(dissector);
	else
		require(sonde_filter_want(filter, dissector) == 0);
	for (unsigned i = 0; i < FILTER_FRAMES; i++) {
		struct sonde_frame frame = filter_frames[i];
		struct sonde_dissection dissection;
		int r;

		frame.number = i + 1;
		require(sonde_dissect(dissector, &frame, &dissection) == 0);
		r = sonde_filter_match(filter, &dissection);
		require(r == 0 || r == 1);
		answers |= (unsigned)r << i;
	}
	sonde_dissector_free(dissector);
	return answers;
}

static void check_accepted(struct sonde_filter *filter,
			   const struct sonde_filter_means *means)
{
	const char *text = sonde_filter_text(filter);
	struct sonde_filter *again;
	unsigned answers = decide(filter, true);

	require(answers == decide(filter, false));
	/* A text of its own may be longer than what is accepted. */
	if (sonde_filter_new(text, means, &again, NULL, NULL) < 0) {
		require(strlen(text) > 10000);
		return;
	}
	require(strcmp(sonde_filter_text(again), text) == 0);
	require(decide(again, false) == answers);
	sonde_filter_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sonde_filter_means means = {.regex = sonde_regex_pcre2()};
	struct sonde_filter_place place = {.at = SIZE_MAX};
	struct sonde_error err = {0};
	struct sonde_filter *filter;
	char *text = malloc(n + 1);
	int r;

	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, bytes, n);
	text[n] = '\0';
	r = sonde_filter_new(text, &means, &filter, &place, &err);
	if (r == 0) {
		check_accepted(filter, &means);
		sonde_filter_free(filter);
	} else {
		size_t size = strlen(text);

		require(r == -EINVAL && err.code == r && err.reason[0] != '\0');
		require(place.at <= size && place.length <= size - place.at);
	}
	free(text);
	return 0;
}
