/* The capture that the page holds: opened, joined, and given up again. */
#include "page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/recording_file.h>

#include "base/array.h"

struct page page;

void *page_reserve(uint32_t size)
{
	page_close();
	if (array_reserve(&page.bytes, &page.room, (size_t)size + 1, 1) < 0)
		return NULL;
	page.size = size;
	return page.bytes;
}

const uint8_t *page_bytes(void)
{
	return page.bytes;
}

char *page_input(uint32_t size)
{
	if (array_reserve(&page.input, &page.input_room, (size_t)size + 1, 1) < 0)
		return NULL;
	page.input[size] = '\0';
	return page.input;
}

const char *page_text(void)
{
	return page.json.chars;
}

/* 0: there was no memory for the answer. */
uint32_t page_length(void)
{
	return sonde_json_error(&page.json) ? 0 : (uint32_t)page.json.used;
}

static void free_rows(struct page_rows *rows)
{
	array_free(rows->rows);
	*rows = (struct page_rows){0};
}

/* All but the bytes, which may be shown again. */
static void forget(void)
{
	struct page empty = {
		.bytes = page.bytes,
		.size = page.size,
		.room = page.room,
		.input = page.input,
		.input_room = page.input_room,
		.json = page.json,
		.shows_secrets = page.shows_secrets,
	};

	sonde_ladder_done(&page.ladder);
	sonde_dissector_free(page.dissector);
	frames_end(&page.frames);
	packets_forget(&page.columns);
	array_free(page.shown);
	array_free(page.bars);
	array_free(page.times);
	array_free(page.frame_passes);
	array_free(page.statement_passes);
	free_rows(&page.sent);
	free_rows(&page.completed);
	free_rows(&page.taken);
	free_rows(&page.statements);
	free_rows(&page.packets);
	sonde_accounts_free(page.accounts);
	sonde_findings_done(&page.findings);
	sonde_tables_done(&page.tables);
	sonde_timeline_done(&page.timeline);
	sonde_heard_free(page.heard);
	sonde_recording_free(page.recording);
	page = empty;
}

void page_close(void)
{
	forget();
	array_free(page.bytes);
	page.bytes = NULL;
	page.size = page.room = 0;
}

void page_show_secrets(uint32_t are_shown)
{
	page.shows_secrets = are_shown != 0;
}

int page_dissector_new(struct sonde_dissector **ret)
{
	int r = sonde_dissector_new(ret);

	if (r >= 0 && page.shows_secrets)
		sonde_dissector_show_secrets(*ret);
	return r;
}

static int load_frames(struct page_frames *frames, struct sonde_loader *loader)
{
	struct sonde_frame frame;
	int r;

	while ((r = frames_next(frames, &frame)) > 0) {
		page.frame_count = frame.number;
		r = sonde_loader_add(loader, &frame);
		if (r >= 0)
			r = sonde_heard_add(page.heard, &frame);
		if (r < 0)
			return r;
	}
	return r;
}

/* What the file says of itself, in the words of sonde_recording_load(). */
static int note_facts(const struct page_frames *frames)
{
	char text[120];

	if (page.recording->drops_unknown && frames->parser.has_dropped) {
		page.recording->drops_unknown = false;
		page.recording->packets_dropped += frames->parser.dropped;
	}
	if (!frames->is_cut)
		return 0;
	snprintf(
		text, sizeof(text),
		"the file ends within a packet, at byte %llu: what is before it is shown",
		(unsigned long long)frames->at);
	return sonde_recording_add_note(page.recording, SONDE_WARNING, text, NULL) ==
			       -ENOMEM
		       ? -ENOMEM
		       : 0;
}

static int load(struct page_frames *frames)
{
	struct sonde_loader *loader = NULL;
	int r = sonde_heard_new(&page.heard);

	if (r >= 0 && page.shows_secrets)
		sonde_heard_show_secrets(page.heard);
	if (r >= 0)
		r = sonde_loader_new(&loader);
	if (r >= 0)
		r = load_frames(frames, loader);
	if (r >= 0)
		r = sonde_loader_finish(loader, &page.recording);
	sonde_loader_free(loader);
	if (r >= 0)
		r = note_facts(frames);
	return r;
}

static int join(void)
{
	const struct sonde_findings_options wanted = {.show_secrets = page.shows_secrets};
	struct sonde_timeline *timeline = &page.timeline;
	int r = sonde_timeline_build(page.recording, timeline);

	if (r < 0) {
		*timeline = (struct sonde_timeline){0};
		return r;
	}
	r = sonde_tables_build(timeline, &page.tables);
	if (r >= 0)
		r = sonde_findings_build_with(timeline, &wanted, &page.findings);
	/* Calls tell more than packets. */
	if (r >= 0 && !page.recording->call_count)
		r = sonde_accounts_build(timeline, page.heard, &page.accounts);
	return r < 0 ? r : page_choose_tables();
}

static void answer_error(int code, const struct page_frames *frames)
{
	page_answer_begin();
	page_say("error", code == -EBADMSG && frames->reason
				  ? frames->reason
				  : "there is no memory for it");
	if (code == -EBADMSG && frames->parser.format == CAPTURE_UNKNOWN)
		page_say("hint", "sonde reads pcap and pcapng files");
	page_answer_end();
}

int page_open(uint32_t size)
{
	struct page_frames frames;
	int r;

	forget();
	page.size = size;
	frames_begin(&frames, page.bytes, size);
	r = load(&frames);
	if (r >= 0)
		r = join();
	if (r < 0) {
		answer_error(r, &frames);
		forget();
	} else {
		page_answer_overview();
		r = 0;
	}
	frames_end(&frames);
	return r;
}
