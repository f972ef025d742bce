/* The list of packets, with the dissector's columns.
 *
 * They are made once, for all packets in the order of the file, when the list is first
 * looked at: an Info text speaks of what came before. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/dissect.h>

#include "base/array.h"
#include "packets.h"
#include "page.h"

enum { COLUMNS = 4 };

static const char *column_of(const struct sonde_dissection *dissection, unsigned i)
{
	const char *const columns[COLUMNS] = {dissection->source, dissection->destination,
					      dissection->protocol, dissection->info};

	return columns[i] ? columns[i] : "";
}

static int keep(struct page_columns *columns, uint32_t frame,
		const struct sonde_dissection *dissection)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		const char *text = column_of(dissection, i);
		size_t n = strlen(text) + 1;

		if (array_reserve(&columns->chars, &columns->room, columns->used + n, 1) <
		    0)
			return -ENOMEM;
		if (i == 0)
			columns->starts[frame - 1] = (uint32_t)columns->used + 1;
		memcpy(columns->chars + columns->used, text, n);
		columns->used += n;
	}
	return 0;
}

static int fill(struct page_columns *columns)
{
	struct sonde_dissector *dissector = NULL;
	struct sonde_dissection dissection;
	struct page_frames frames;
	struct sonde_frame frame;
	int r = page_dissector_new(&dissector);

	if (r < 0)
		return r;
	sonde_dissector_want_columns(dissector);
	frames_begin(&frames, page.bytes, page.size);
	while (r >= 0 && frames_next(&frames, &frame) > 0) {
		r = sonde_dissect(dissector, &frame, &dissection);
		if (r >= 0 && frame.kind == SONDE_FRAME_PACKET &&
		    frame.number <= page.frame_count)
			r = keep(columns, frame.number, &dissection);
	}
	frames_end(&frames);
	sonde_dissector_free(dissector);
	return r;
}

void packets_forget(struct page_columns *columns)
{
	array_free(columns->starts);
	array_free(columns->chars);
	*columns = (struct page_columns){0};
}

const char *packets_columns(struct page_columns *columns, uint32_t frame)
{
	if (!columns->starts) {
		columns->starts = array_new((size_t)page.frame_count + 1,
					    sizeof(columns->starts[0]));
		if (!columns->starts || fill(columns) < 0) {
			packets_forget(columns);
			return NULL;
		}
	}
	if (!frame || frame > page.frame_count || !columns->starts[frame - 1])
		return NULL;
	return columns->chars + columns->starts[frame - 1] - 1;
}
