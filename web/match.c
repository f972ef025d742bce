/* The display filter: which frames pass, and which statements with them.
 *
 * A statement passes where one of its calls' own rows in the file does
 * (systemd_journal.code_line == 9), or where it sent, or was completed by, a packet that
 * does: so a filter on packets leaves the lines of the source that they belong to. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "page.h"

#ifdef __wasm__
#define FROM_PAGE(name) __attribute__((import_module("page"), import_name(name)))
#else
#define FROM_PAGE(name)
#endif

/* The browser's time zone; seconds as numbers that JavaScript has, too. */
FROM_PAGE("utc_offset") double page_utc_offset(double local_s);

static int64_t utc_offset_s(int64_t local_s)
{
	return (int64_t)page_utc_offset((double)local_s);
}

bool page_packet_passes(uint32_t packet)
{
	uint32_t frame = page.recording->packets[packet - 1].frame;

	return !page.frame_passes ||
	       (frame && frame <= page.frame_count && page.frame_passes[frame - 1]);
}

bool page_statement_passes(uint32_t statement)
{
	return !page.statement_passes || page.statement_passes[statement - 1];
}

/* 16-bit units, as JavaScript counts the characters of a text. */
static size_t units_of(const char *text, size_t n)
{
	size_t units = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)text[i];

		units += ((byte & 0xc0) != 0x80) + (byte >= 0xf0);
	}
	return units;
}

static void answer_refusal(const struct sonde_error *err,
			   const struct sonde_filter_place *place)
{
	size_t size = strlen(page.input);
	size_t at = place->at < size ? place->at : size;
	size_t length = place->length < size - at ? place->length : size - at;

	page_answer_begin();
	page_say("reason", err->reason);
	if (err->subject[0])
		page_say("subject", err->subject);
	if (err->hint[0])
		page_say("hint", err->hint);
	sonde_json_add_int(&page.json, "at", (int64_t)units_of(page.input, at));
	sonde_json_add_int(&page.json, "length",
			   (int64_t)units_of(page.input + at, length));
	page_answer_end();
}

/* *ret_passed: how many packets; with -ELOOP, at which frame. */
static int match_frames(struct sonde_filter *filter, struct sonde_dissector *dissector,
			uint8_t *passes, uint32_t *ret_passed)
{
	struct page_frames frames;
	struct sonde_dissection dissection;
	struct sonde_frame frame;
	uint32_t passed = 0;
	int r;

	frames_begin(&frames, page.bytes, page.size);
	while ((r = frames_next(&frames, &frame)) > 0) {
		if (frame.number == 0 || frame.number > page.frame_count)
			continue;
		r = sonde_dissect(dissector, &frame, &dissection);
		if (r >= 0)
			r = sonde_filter_match(filter, &dissection);
		if (r < 0)
			break;
		passes[frame.number - 1] = (uint8_t)r;
		/* A call has a frame, too, but it is packets that are counted. */
		passed += r && frame.kind == SONDE_FRAME_PACKET;
	}
	frames_end(&frames);
	*ret_passed = r == -ELOOP ? frame.number : passed;
	return r == -ENOMEM || r == -ELOOP ? r : 0;
}

static void match_statements(uint8_t *passes)
{
	const struct sonde_timeline *timeline = &page.timeline;
	const struct sonde_recording *recording = page.recording;

	for (uint32_t i = 0; i < recording->call_count; i++) {
		uint32_t frame = recording->calls[i].frame;
		uint32_t statement = timeline->statement_of_call[i];

		if (statement && frame && frame <= page.frame_count &&
		    page.frame_passes[frame - 1])
			passes[statement - 1] = 1;
	}
	for (uint32_t i = 0; i < timeline->edge_count; i++) {
		const struct sonde_edge *edge = &timeline->edges[i];

		if (edge->statement && edge->packet && page_packet_passes(edge->packet))
			passes[edge->statement - 1] = 1;
	}
}

static void forget_filter(void)
{
	array_free(page.frame_passes);
	array_free(page.statement_passes);
	page.frame_passes = page.statement_passes = NULL;
	page.frames_passed = page.recording ? page.recording->packet_count : 0;
}

static int apply(struct sonde_filter *filter, struct sonde_filter_place *ret_place,
		 struct sonde_error *err)
{
	uint8_t *passes = array_new((size_t)page.frame_count + 1, 1);
	uint8_t *statements = array_new((size_t)page.timeline.statement_count + 1, 1);
	struct sonde_dissector *dissector = NULL;
	uint32_t passed = 0;
	int r = passes && statements ? page_dissector_new(&dissector) : -ENOMEM;

	if (r >= 0)
		r = sonde_filter_want(filter, dissector);
	if (r >= 0)
		r = match_frames(filter, dissector, passes, &passed);
	if (r == -ELOOP)
		sonde_filter_trouble(filter, passed, ret_place, err);
	sonde_dissector_free(dissector);
	if (r < 0) {
		array_free(passes);
		array_free(statements);
		return r;
	}
	forget_filter();
	page.frame_passes = passes;
	page.statement_passes = statements;
	page.frames_passed = passed;
	match_statements(statements);
	return 0;
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t")] == '\0';
}

int page_filter(void)
{
	const struct sonde_filter_means means = {
		.regex = page_regex(),
		.utc_offset_s = utc_offset_s,
	};
	struct sonde_filter_place place = {0};
	struct sonde_filter *filter = NULL;
	struct sonde_error err = {0};
	int r = 0;

	if (!page.recording || !page.input)
		return 0;
	if (is_blank(page.input)) {
		forget_filter();
	} else {
		r = sonde_filter_new(page.input, &means, &filter, &place, &err);
		if (r >= 0)
			r = apply(filter, &place, &err);
		sonde_filter_free(filter);
	}
	if (r >= 0)
		r = page_choose_rows();
	if (r >= 0)
		r = page_choose_tables();
	if (r == -ENOMEM)
		sonde_error_set(&err, SONDE_ERROR_TROUBLE, r, "filter", "", NULL);
	if (r < 0) {
		answer_refusal(&err, &place);
		return 0;
	}
	page_answer_begin();
	sonde_json_add_int(&page.json, "packets", page.frames_passed);
	sonde_json_add_int(&page.json, "of", page.recording->packet_count);
	page_answer_end();
	return 1;
}
