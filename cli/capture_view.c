/* See capture_view.h. */
#include "capture_view.h"

#include <errno.h>
#include <stdlib.h>

#include <sonde/dissect.h>

#include "render_packet.h"

struct capture_view {
	struct packet_view packets;
	struct output *output;
	struct sonde_dissector *dissector;
};

int capture_view_new(struct output *output, struct capture_view **ret,
		     struct sonde_error *err)
{
	struct capture_view *view = calloc(1, sizeof(*view));

	if (!view || sonde_dissector_new(&view->dissector) < 0) {
		free(view);
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "list",
				       "packets", NULL);
	}
	view->output = output;
	sonde_dissector_want_columns(view->dissector);
	if (output->has_color || output->has_json)
		sonde_dissector_want_headers(view->dissector);
	lines_init(&view->packets.lines, output);
	packet_time_init(&view->packets.time, (enum packet_time_format)0);
	view->packets.has_list = true;
	for (unsigned i = 0; i < PACKET_COLUMN_FIELD; i++)
		view->packets.columns[view->packets.column_count++].kind = (uint8_t)i;
	*ret = view;
	return 0;
}

void capture_view_free(struct capture_view *view)
{
	if (!view)
		return;
	sonde_dissector_free(view->dissector);
	free(view);
}

int capture_view_add(struct capture_view *view, const struct sonde_frame *frame,
		     struct sonde_error *err)
{
	struct sonde_dissection dissection;

	if (sonde_dissect(view->dissector, frame, &dissection) < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "list",
				       "packets", NULL);
	packet_time_see(&view->packets.time, frame);
	if (view->output->has_json)
		render_packet_json(&view->packets, frame, &dissection);
	else
		render_packet(&view->packets, frame, &dissection);
	packet_time_pass(&view->packets.time, frame, true);
	return 0;
}

void capture_view_flush(struct capture_view *view)
{
	lines_write(&view->packets.lines);
	output_flush(view->output);
}
