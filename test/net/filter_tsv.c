/* Which frames of a capture display filters let through, over the public headers alone:
 *	filter_tsv FILE FILTER...
 *
 * A line for each filter: the frames' numbers, with blanks between them. */
#include <stdio.h>

#include <sonde/capture_file.h>
#include <sonde/filter.h>

static int fail(const char *what, const char *reason)
{
	fprintf(stderr, "filter_tsv: %s: %s\n", what, reason);
	return -1;
}

/* As `sonde read` does: only the fields that are asked for, and of one stream alone where
 * the filter wants no other. */
static int prepare(struct sonde_dissector *dissector, const struct sonde_filter *filter)
{
	uint32_t stream;
	bool is_tcp;

	if (sonde_filter_stream(filter, &is_tcp, &stream))
		sonde_dissector_only_stream(dissector, is_tcp, stream);
	return sonde_filter_want(filter, dissector);
}

static int pass(const char *path, struct sonde_dissector *dissector,
		struct sonde_filter *filter)
{
	struct sonde_capture_reader *reader;
	struct sonde_dissection found;
	struct sonde_frame frame;
	struct sonde_error err;
	const char *blank = "";
	int r;

	if (sonde_capture_reader_open(path, &reader, &err) < 0)
		return fail(path, err.reason);
	while ((r = sonde_capture_reader_next(reader, &frame, &err)) > 0) {
		if (sonde_dissect(dissector, &frame, &found) < 0)
			break;
		if (found.is_passed_over || sonde_filter_match(filter, &found) <= 0)
			continue;
		printf("%s%u", blank, frame.number);
		blank = " ";
	}
	putchar('\n');
	sonde_capture_reader_close(reader);
	return r ? fail(path, "not read to its end") : 0;
}

static int decide(const char *path, const char *text)
{
	const struct sonde_filter_means means = {.regex = sonde_regex_pcre2()};
	struct sonde_dissector *dissector = NULL;
	struct sonde_filter_place place;
	struct sonde_filter *filter;
	struct sonde_error err;
	int r = -1;

	if (sonde_filter_new(text, &means, &filter, &place, &err) < 0)
		return fail(text, err.reason);
	if (sonde_dissector_new(&dissector) == 0 && prepare(dissector, filter) == 0)
		r = pass(path, dissector, filter);
	sonde_dissector_free(dissector);
	sonde_filter_free(filter);
	return r;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	for (int i = 2; i < argc; i++)
		if (decide(argv[1], argv[i]) < 0)
			return 1;
	return 0;
}
