/* The rows of one stream's ladder: all of them once, those in view when they are drawn.
 *
 * A filter takes rows out.  Idle times between two rows that stay run together, and a bar
 * whose statement passes keeps both of its ends. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "cli/label.h"
#include "page.h"

enum { TEXT_CHARS = 2048 };

static const struct sonde_ladder_row *row_at(size_t i)
{
	return &page.ladder.rows[page.shown[i].row];
}

static bool passes(const struct sonde_ladder_row *row)
{
	const struct sonde_edge *edge;

	switch ((enum sonde_ladder_kind)row->kind) {
	case SONDE_LADDER_PACKET:
		return page_packet_passes(row->packet);
	case SONDE_LADDER_PASS:
		edge = &page.timeline.edges[row->edge - 1];
		return (!edge->statement || page_statement_passes(edge->statement)) &&
		       (!edge->by_statement || page_statement_passes(edge->by_statement));
	case SONDE_LADDER_BEGIN:
	case SONDE_LADDER_END:
	case SONDE_LADDER_WHOLE:
		return page_statement_passes(row->statement);
	case SONDE_LADDER_GAP:
		break;
	}
	return true;
}

static int show(uint32_t row, int64_t gap_ns)
{
	if (array_reserve(&page.shown, &page.shown_room, page.shown_count + 1,
			  sizeof(*page.shown)) < 0)
		return -ENOMEM;
	page.shown[page.shown_count++] =
		(struct page_shown){.row = row, .gap_ns = gap_ns};
	return 0;
}

static int choose(void)
{
	const struct sonde_ladder *ladder = &page.ladder;
	uint32_t gap_row = 0;
	int64_t gap_ns = 0;
	int r = 0;

	page.shown_count = 0;
	for (uint32_t i = 0; i < ladder->row_count && r >= 0; i++) {
		const struct sonde_ladder_row *row = &ladder->rows[i];

		if (row->kind == SONDE_LADDER_GAP) {
			gap_row = gap_ns ? gap_row : i;
			gap_ns += row->gap_ns;
			continue;
		}
		if (!passes(row))
			continue;
		if (gap_ns && page.shown_count)
			r = show(gap_row, gap_ns);
		gap_ns = 0;
		if (r >= 0)
			r = show(i, 0);
	}
	return r;
}

/* Bars that are open, of one lane: which of the places side by side are taken. */
struct places {
	bool is_taken[256];
};

static uint8_t take_place(struct places *places)
{
	uint8_t place = 0;

	while (place < UINT8_MAX && places->is_taken[place])
		place++;
	places->is_taken[place] = true;
	return place;
}

static int add_bar(const struct sonde_ladder_row *row, uint32_t from, uint32_t to,
		   uint8_t depth)
{
	if (array_reserve(&page.bars, &page.bar_room, page.bar_count + 1,
			  sizeof(*page.bars)) < 0)
		return -ENOMEM;
	page.bars[page.bar_count++] = (struct page_bar){
		.statement = row->statement,
		.from = from,
		.to = to,
		.lane = row->lane & 1,
		.depth = depth,
	};
	return 0;
}

/* A bar that never ends goes down to the last row. */
static int find_bars(void)
{
	uint32_t *begun = array_new((size_t)page.timeline.statement_count + 1,
				    sizeof(*begun)); /* [statement]: bar, from 1 */
	struct places places[2] = {0};
	int r = begun ? 0 : -ENOMEM;

	page.bar_count = 0;
	for (size_t i = 0; i < page.shown_count && r >= 0; i++) {
		const struct sonde_ladder_row *row = row_at(i);
		struct places *lane = &places[row->lane & 1];
		uint8_t depth;

		if (row->kind == SONDE_LADDER_END && begun[row->statement]) {
			struct page_bar *bar = &page.bars[begun[row->statement] - 1];

			bar->to = (uint32_t)i;
			lane->is_taken[bar->depth] = false;
		} else if (row->kind == SONDE_LADDER_BEGIN) {
			r = add_bar(row, (uint32_t)i, (uint32_t)page.shown_count - 1,
				    take_place(lane));
			begun[row->statement] = (uint32_t)page.bar_count;
		} else if (row->kind == SONDE_LADDER_WHOLE ||
			   row->kind == SONDE_LADDER_END) {
			depth = take_place(lane);
			lane->is_taken[depth] = false;
			r = add_bar(row, (uint32_t)i, (uint32_t)i, depth);
			begun[row->statement] = (uint32_t)page.bar_count;
		}
	}
	array_free(begun);
	return r;
}

static int find_times(void)
{
	int64_t started_ns = page.recording->started_ns;

	if (array_reserve(&page.times, &page.time_room, page.shown_count + 1,
			  sizeof(*page.times)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < page.shown_count; i++)
		page.times[i] = row_at(i)->kind == SONDE_LADDER_GAP
					? NAN
					: (double)(row_at(i)->at_ns - started_ns) / 1e6;
	return 0;
}

int page_choose_rows(void)
{
	int r = choose();

	if (r >= 0)
		r = find_bars();
	if (r >= 0)
		r = find_times();
	if (r < 0)
		page.shown_count = page.bar_count = 0;
	return r;
}

static void add_lane(const struct sonde_lane *lane)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_json_object_begin(&page.json);
	sonde_text_init(&text, storage, sizeof(storage));
	if (lane->program)
		label_process(&text, page.recording, lane->program);
	page_say("program", storage);
	sonde_text_init(&text, storage, sizeof(storage));
	label_socket(&text, page.recording, lane->socket, &lane->address);
	page_say("address", storage);
	sonde_json_object_end(&page.json);
}

int page_ladder(uint32_t stream, uint32_t all_acks, double fold_ms)
{
	const struct sonde_ladder_options options = {
		.all_acks = all_acks != 0,
		.fold_gap_ns = (int64_t)(fold_ms * 1e6),
	};
	int r;

	if (!page.recording || stream == 0 || stream > page.timeline.stream_count)
		return -EINVAL;
	sonde_ladder_done(&page.ladder);
	r = sonde_ladder_build(&page.timeline, stream, &options, &page.ladder);
	if (r < 0)
		page.ladder = (struct sonde_ladder){0};
	else
		r = page_choose_rows();
	if (r < 0)
		return r;
	page_answer_begin();
	sonde_json_add_int(&page.json, "rows", (int64_t)page.shown_count);
	sonde_json_add_int(&page.json, "acks_folded", page.ladder.acks_folded);
	sonde_json_key(&page.json, "lanes");
	sonde_json_array_begin(&page.json);
	add_lane(&page.ladder.lanes[0]);
	add_lane(&page.ladder.lanes[1]);
	sonde_json_array_end(&page.json);
	page_answer_end();
	return (int)page.shown_count;
}

const double *page_times(void)
{
	return page.times;
}

/* ---- words ---- */

/* "9 sock.recv(1024)", "9 → 8 bytes, 1.23 ms": as the terminal's ladder has them. */
static bool add_statement(struct sonde_text *text, const struct sonde_ladder_row *row)
{
	const struct sonde_timeline *timeline = &page.timeline;
	const struct sonde_statement *statement =
		&timeline->statements[row->statement - 1];
	bool is_error = false;

	if (row->kind == SONDE_LADDER_END)
		label_statement_key(text, timeline, row->statement);
	else
		label_statement_in_lane(text, timeline, row->statement);
	if (row->kind == SONDE_LADDER_BEGIN)
		return false;
	sonde_text_add(text, " → ");
	is_error = label_outcome(text, timeline, row->statement);
	if (statement->blocked == SONDE_YES && statement->exit_ns) {
		sonde_text_add(text, ", ");
		sonde_text_add_duration(text, statement->exit_ns - statement->enter_ns);
	}
	return is_error;
}

static bool add_words(struct sonde_text *text, size_t i)
{
	const struct sonde_ladder_row *row = row_at(i);
	const struct sonde_packet *packet;

	switch ((enum sonde_ladder_kind)row->kind) {
	case SONDE_LADDER_BEGIN:
	case SONDE_LADDER_END:
	case SONDE_LADDER_WHOLE:
		return add_statement(text, row);
	case SONDE_LADDER_PACKET:
		packet = &page.recording->packets[row->packet - 1];
		sonde_text_add(text, "%u ", row->packet);
		label_packet(text, packet, LABEL_LONG);
		if (page.timeline.packet_places[row->packet - 1].is_retransmission)
			sonde_text_add(text, " again");
		return packet->decoded.tcp_flags & SONDE_TCP_RST;
	case SONDE_LADDER_PASS:
		label_pass(text, &page.timeline, &page.timeline.edges[row->edge - 1],
			   LABEL_LONG);
		return false;
	case SONDE_LADDER_GAP:
		sonde_text_add_duration(text, page.shown[i].gap_ns);
		sonde_text_add(text, " idle");
		return false;
	}
	return false;
}

static const char *const kind_words[] = {
	[SONDE_LADDER_BEGIN] = "begin", [SONDE_LADDER_END] = "end",
	[SONDE_LADDER_WHOLE] = "whole", [SONDE_LADDER_PACKET] = "packet",
	[SONDE_LADDER_GAP] = "gap",     [SONDE_LADDER_PASS] = "pass",
};

static void add_row(size_t i)
{
	const struct sonde_ladder_row *row = row_at(i);
	struct sonde_json *json = &page.json;
	char storage[TEXT_CHARS];
	struct sonde_text text;
	bool is_error;

	sonde_json_object_begin(json);
	sonde_json_add_int(json, "row", (int64_t)i);
	sonde_json_add_string(json, "kind", kind_words[row->kind]);
	if (row->kind != SONDE_LADDER_GAP)
		page_say_ms("ms", row->at_ns);
	sonde_json_add_int(json, "lane", row->lane);
	sonde_json_add_int(json, "to", row->to_lane);
	if (row->kind == SONDE_LADDER_PACKET)
		sonde_json_add_int(json, "packet", row->packet);
	else if (row->kind == SONDE_LADDER_PASS)
		sonde_json_add_int(json, "statement",
				   page.timeline.edges[row->edge - 1].statement);
	else if (row->kind != SONDE_LADDER_GAP)
		sonde_json_add_int(json, "statement", row->statement);
	if (row->completes) {
		sonde_json_add_int(json, "completed", row->completed);
		page_say_statement("completed_label", row->completed);
	}
	sonde_text_init(&text, storage, sizeof(storage));
	is_error = add_words(&text, i);
	page_say("words", storage);
	if (is_error)
		sonde_json_add_bool(json, "error", true);
	sonde_json_object_end(json);
}

static void say_bar(const struct page_bar *bar)
{
	const struct sonde_statement *statement =
		&page.timeline.statements[bar->statement - 1];

	sonde_json_array_begin(&page.json);
	sonde_json_int(&page.json, bar->lane);
	sonde_json_int(&page.json, bar->from);
	sonde_json_int(&page.json, bar->to);
	sonde_json_int(&page.json, bar->statement);
	sonde_json_int(&page.json, statement->blocked == SONDE_YES);
	sonde_json_int(&page.json, bar->depth);
	sonde_json_array_end(&page.json);
}

void page_rows(uint32_t count)
{
	uint32_t first = 0, last = 0;

	page_answer_begin();
	sonde_json_key(&page.json, "rows");
	sonde_json_array_begin(&page.json);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&last, page.input + i * sizeof(last), sizeof(last));
		first = i ? first : last;
		if (last < page.shown_count)
			add_row(last);
	}
	sonde_json_array_end(&page.json);
	sonde_json_key(&page.json, "bars");
	sonde_json_array_begin(&page.json);
	for (size_t i = 0; i < page.bar_count && page.bars[i].from <= last; i++)
		if (page.bars[i].to >= first)
			say_bar(&page.bars[i]);
	sonde_json_array_end(&page.json);
	page_answer_end();
}

/* ---- where something is ---- */

int page_row_of_packet(uint32_t packet)
{
	for (size_t i = 0; i < page.shown_count; i++)
		if (row_at(i)->kind == SONDE_LADDER_PACKET && row_at(i)->packet == packet)
			return (int)i;
	return -1;
}

int page_row_of_statement(uint32_t statement)
{
	for (size_t i = 0; i < page.bar_count; i++)
		if (page.bars[i].statement == statement)
			return (int)page.bars[i].from;
	return -1;
}

int page_search(int from, int is_backwards)
{
	int count = (int)page.shown_count;

	for (int i = is_backwards ? from - 1 : from; i >= 0 && i < count;
	     i += is_backwards ? -1 : 1) {
		char storage[TEXT_CHARS];
		struct sonde_text text;

		sonde_text_init(&text, storage, sizeof(storage));
		add_words(&text, (size_t)i);
		if (strcasestr(storage, page.input))
			return i;
	}
	return -1;
}
