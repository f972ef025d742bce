/* The tables: the lab's two, what went without packets, every statement, every packet.
 * Cells have the words of cli/render_cells.c, rows the order of the terminal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/dissect.h>
#include <sonde/text.h>

#include "base/array.h"
#include "cli/label.h"
#include "cli/render.h"
#include "page.h"

enum { TEXT_CHARS = 4096 };

/* ---- which rows ---- */

static int keep(struct page_rows *rows, uint32_t row)
{
	if (array_reserve(&rows->rows, &rows->room, rows->count + 1,
			  sizeof(rows->rows[0])) < 0)
		return -ENOMEM;
	rows->rows[rows->count++] = row;
	return 0;
}

static bool sent_passes(uint32_t i)
{
	return page_packet_passes(page.tables.sent[i].packet);
}

static bool completed_passes(uint32_t i)
{
	return page_statement_passes(page.tables.completed[i].statement);
}

static bool taken_passes(uint32_t i)
{
	const struct sonde_taken_row *row = &page.tables.taken[i];

	return (row->statement && page_statement_passes(row->statement)) ||
	       (row->by_statement && page_statement_passes(row->by_statement));
}

static bool statement_passes(uint32_t i)
{
	return page_statement_passes(i + 1);
}

static bool packet_passes(uint32_t i)
{
	return page_packet_passes(i + 1);
}

static int choose(struct page_rows *rows, uint32_t count, bool (*passes)(uint32_t))
{
	int r = 0;

	rows->count = 0;
	for (uint32_t i = 0; i < count && r >= 0; i++)
		if (passes(i))
			r = keep(rows, i);
	return r;
}

int page_choose_tables(void)
{
	const struct sonde_tables *tables = &page.tables;
	int r = choose(&page.sent, tables->sent_count, sent_passes);

	if (r >= 0)
		r = choose(&page.completed, tables->completed_count, completed_passes);
	if (r >= 0)
		r = choose(&page.taken, tables->taken_count, taken_passes);
	if (r >= 0)
		r = choose(&page.statements, page.timeline.statement_count,
			   statement_passes);
	if (r >= 0)
		r = choose(&page.packets, page.recording->packet_count, packet_passes);
	return r;
}

static const struct page_rows *rows_of(uint32_t kind)
{
	switch ((enum page_table)kind) {
	case TABLE_SENT:
		return &page.sent;
	case TABLE_COMPLETED:
		return &page.completed;
	case TABLE_TAKEN:
		return &page.taken;
	case TABLE_STATEMENTS:
		return &page.statements;
	case TABLE_PACKETS:
		return &page.packets;
	}
	return NULL;
}

int page_table_count(uint32_t kind)
{
	const struct page_rows *rows = rows_of(kind);

	return rows ? (int)rows->count : 0;
}

/* ---- their cells: {"cells":[...],"packet","statement","dim","error"} ---- */

static void say_cell(const char *text)
{
	/* An object with one member, so that page_say() makes it safe. */
	sonde_json_object_begin(&page.json);
	page_say("t", text);
	sonde_json_object_end(&page.json);
}

static void begin_row(void)
{
	sonde_json_object_begin(&page.json);
	sonde_json_key(&page.json, "cells");
	sonde_json_array_begin(&page.json);
}

static void end_row(uint32_t packet, uint32_t statement)
{
	if (packet)
		sonde_json_add_int(&page.json, "packet", packet);
	if (statement)
		sonde_json_add_int(&page.json, "statement", statement);
	sonde_json_object_end(&page.json);
}

static void say_statement(uint32_t statement, bool is_exact)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	if (!is_exact)
		sonde_text_add(&text, "perhaps ");
	if (statement)
		label_statement(&text, &page.timeline, statement);
	say_cell(storage);
}

static void say_number(uint32_t number)
{
	char storage[16];

	snprintf(storage, sizeof(storage), "%u", number);
	say_cell(storage);
}

static void add_sent(uint32_t i)
{
	const struct sonde_sent_row *row = &page.tables.sent[i];
	char storage[TEXT_CHARS];
	struct sonde_text text;

	begin_row();
	say_number(row->packet);
	sonde_text_init(&text, storage, sizeof(storage));
	label_packet(&text, &page.recording->packets[row->packet - 1], LABEL_LONG);
	say_cell(storage);
	sonde_text_init(&text, storage, sizeof(storage));
	cell_sender(&text, &page.timeline, row, true);
	say_cell(storage);
	sonde_json_array_end(&page.json);
	sonde_json_add_bool(&page.json, "dim", row->statement == 0);
	end_row(row->packet, row->statement);
}

static void add_completed(uint32_t i)
{
	const struct sonde_completed_row *row = &page.tables.completed[i];
	char storage[TEXT_CHARS];
	struct sonde_text text;
	enum ink ink;

	begin_row();
	say_statement(row->statement, true);
	sonde_text_init(&text, storage, sizeof(storage));
	cell_waited(&text, row);
	say_cell(storage);
	sonde_text_init(&text, storage, sizeof(storage));
	ink = cell_completed(&text, &page.timeline, row, true);
	say_cell(storage);
	sonde_json_array_end(&page.json);
	sonde_json_add_bool(&page.json, "dim", ink == INK_DIM);
	sonde_json_add_bool(&page.json, "error", ink == INK_ERROR);
	end_row(row->packet, row->statement);
}

static void add_taken(uint32_t i)
{
	const struct sonde_taken_row *row = &page.tables.taken[i];

	begin_row();
	if (row->bytes)
		say_number(row->bytes);
	else
		say_cell("");
	say_statement(row->by_statement, row->exact);
	say_statement(row->statement, true);
	sonde_json_array_end(&page.json);
	end_row(0, row->statement ? row->statement : row->by_statement);
}

static void add_statement(uint32_t i)
{
	const struct sonde_statement *statement = &page.timeline.statements[i];
	int64_t since_ns = statement->enter_ns - page.recording->started_ns;
	char storage[TEXT_CHARS];
	struct sonde_text text;
	bool is_error;

	begin_row();
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "%.3f", (double)since_ns / 1e6);
	say_cell(storage);
	say_statement(i + 1, true);
	sonde_text_init(&text, storage, sizeof(storage));
	if (statement->exit_ns)
		sonde_text_add_duration(&text, statement->exit_ns - statement->enter_ns);
	say_cell(storage);
	sonde_text_init(&text, storage, sizeof(storage));
	is_error = label_outcome(&text, &page.timeline, i + 1);
	say_cell(storage);
	sonde_json_array_end(&page.json);
	sonde_json_add_bool(&page.json, "error", is_error);
	end_row(0, i + 1);
}

/* Time, source, destination, protocol, length and info, as in `sonde read`. */
static void add_packet(uint32_t i)
{
	const struct sonde_packet *packet = &page.recording->packets[i];
	int64_t since_ns = packet->at_ns - page.recording->started_ns;
	const char *column = packets_columns(&page.columns, packet->frame);
	char storage[TEXT_CHARS];

	begin_row();
	say_number(packet->packet);
	snprintf(storage, sizeof(storage), "%.3f", (double)since_ns / 1e6);
	say_cell(storage);
	for (unsigned k = 0; k < 4; k++) {
		if (k == 3)
			say_number(packet->wire_length);
		say_cell(column ? column : "");
		column = column ? column + strlen(column) + 1 : NULL;
	}
	sonde_json_array_end(&page.json);
	sonde_json_add_bool(&page.json, "error",
			    packet->decoded.proto == SONDE_PACKET_TCP &&
				    packet->decoded.tcp_flags & SONDE_TCP_RST);
	end_row(packet->packet, 0);
}

void page_table(uint32_t kind, uint32_t first, uint32_t count)
{
	static void (*const add[])(uint32_t) = {
		[TABLE_SENT] = add_sent,      [TABLE_COMPLETED] = add_completed,
		[TABLE_TAKEN] = add_taken,    [TABLE_STATEMENTS] = add_statement,
		[TABLE_PACKETS] = add_packet,
	};
	const struct page_rows *rows = rows_of(kind);

	page_answer_begin();
	sonde_json_key(&page.json, "rows");
	sonde_json_array_begin(&page.json);
	for (size_t i = first; rows && i < rows->count && i < (size_t)first + count; i++)
		add[kind](rows->rows[i]);
	sonde_json_array_end(&page.json);
	page_answer_end();
}
