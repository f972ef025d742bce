/* Fuzz target: the page's half in C, with a capture file as its input.
 *
 * Properties: whatever the file, every function answers, and with JSON; what is asked for
 * beyond the end is answered with nothing.  The last line of the input, where it begins
 * with '#', is a filter. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "web/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { ROWS_MOST = 64, STREAMS_MOST = 8, PACKETS_MOST = 16, FOLD_MS = 100 };

/* What the browser lends: here it lives in UTC. */
double page_utc_offset(double local_s);

double page_utc_offset(double local_s)
{
	return local_s > 0 ? 3600 : 0;
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void expect_json(void)
{
	struct json_document document = {0};

	require(page_length() > 0);
	require(json_document_parse(&document, page_text(), page_length()) == 0);
	json_document_done(&document);
}

static void give(const void *bytes, size_t n)
{
	char *input = page_input((uint32_t)n);

	require(input);
	memcpy(input, bytes, n);
}

static void look_at_ladder(uint32_t stream, bool all, double fold_ms)
{
	uint32_t rows[ROWS_MOST];
	int count = page_ladder(stream, all, fold_ms);

	require(count >= 0);
	expect_json();
	require(count == 0 || page_times());
	for (uint32_t i = 0; i < ROWS_MOST; i++)
		rows[i] = i;
	give(rows, sizeof(rows));
	page_rows(ROWS_MOST); /* more than there are */
	expect_json();
	give("e", 1);
	require(page_search(0, false) < count);
	require(page_search(count, true) < count);
}

static void look_at_things(void)
{
	for (uint32_t kind = TABLE_SENT; kind <= TABLE_PACKETS; kind++) {
		int count = page_table_count(kind);

		require(count >= 0);
		page_table(kind, 0, ROWS_MOST);
		expect_json();
		page_table(kind, (uint32_t)count, 1);
		expect_json();
	}
	for (uint32_t i = 0; i <= PACKETS_MOST; i++) {
		page_packet(i);
		expect_json();
		page_statement(i);
		expect_json();
	}
	page_packet(UINT32_MAX);
	expect_json();
	page_statement(UINT32_MAX);
	expect_json();
	for (uint32_t stream = 1;
	     stream <= STREAMS_MOST && stream <= page.timeline.stream_count; stream++) {
		look_at_ladder(stream, true, 0);
		look_at_ladder(stream, false, FOLD_MS);
		require(page_row_of_packet(1) < (int)page.shown_count);
		require(page_row_of_statement(1) < (int)page.shown_count);
	}
	require(page_ladder(UINT32_MAX, false, 0) < 0);
}

static void filter_by(const void *text, size_t n)
{
	give(text, n);
	page_filter();
	expect_json();
	look_at_things();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const uint8_t *line = n ? memrchr(bytes, '\n', n) : NULL;
	size_t size = line && line + 1 < bytes + n && line[1] == '#'
			      ? (size_t)(line - bytes)
			      : n;
	void *room = page_reserve((uint32_t)size);

	require(room);
	memcpy(room, bytes, size);
	if (page_open((uint32_t)size) == 0) {
		expect_json();
		look_at_things();
		filter_by("tcp.len > 0", 11);
		if (size < n)
			filter_by(line + 2, n - size - 2);
		filter_by("", 0);
	} else {
		expect_json();
	}
	page_close();
	return 0;
}
