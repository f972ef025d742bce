/* All ladders of a run: a list where there are several, then one after the other. */
#include <errno.h>
#include <stdio.h>

#include <sonde/text.h>

#include "canvas.h"
#include "label.h"
#include "render.h"

enum {
	LADDERS_SHOWN = 4,   /* without --full */
	STREAMS_LISTED = 40, /* the same */
	TEXT_CHARS = 512,
};

static void add_end(struct sonde_text *text, const struct sonde_timeline *timeline,
		    uint32_t socket, uint32_t program,
		    const struct sonde_address *address)
{
	const struct sonde_recording *recording = timeline->recording;

	if (socket) {
		label_process(text, recording,
			      program ? program : recording->sockets[socket - 1].program);
		sonde_text_add(text, " ");
	}
	label_socket(text, recording, socket, address);
}

/* "0  TCP, 12 packets", counted as Wireshark does, and as the JSON. */
static void add_head(struct sonde_text *text, const struct sonde_stream *stream)
{
	sonde_text_add(text, "%u  %s", stream->stream - 1, label_kind(stream->kind));
	if (stream->packet_count)
		sonde_text_add(text, ", %u packet%s", stream->packet_count,
			       stream->packet_count == 1 ? "" : "s");
}

static void print_text(struct output *output, const char *text, enum ink ink)
{
	struct canvas canvas;

	canvas_init(&canvas, output);
	canvas_text(&canvas, 0, canvas.width, text, ink);
	canvas_print(&canvas, output);
}

/* "  0  TCP, 12 packets  client.py 127.0.0.1:40112 → server.py 127.0.0.1:50000" */
static void print_list_row(struct output *output, const struct sonde_timeline *timeline,
			   const struct sonde_stream *stream)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add(&text, "  ");
	add_head(&text, stream);
	sonde_text_add(&text, "  ");
	add_end(&text, timeline, stream->client_socket, stream->client_program,
		&stream->client);
	sonde_text_add(&text, " %s ", output->has_utf8 ? "→" : "->");
	add_end(&text, timeline, stream->server_socket, stream->server_program,
		&stream->server);
	print_text(output, storage, INK_PLAIN);
}

static void print_list(struct output *output, const struct sonde_timeline *timeline,
		       bool is_full)
{
	uint32_t listed = timeline->stream_count;

	if (!is_full && listed > STREAMS_LISTED)
		listed = STREAMS_LISTED;
	output_print(output, "%u streams:\n", timeline->stream_count);
	for (uint32_t i = 1; i <= listed; i++)
		print_list_row(output, timeline, &timeline->streams[i - 1]);
	if (listed < timeline->stream_count)
		output_print(output, "  and %u more; --full lists all\n",
			     timeline->stream_count - listed);
	output_print(output, "\n");
}

static void print_legend(struct output *output)
{
	print_text(output,
		   output->has_utf8 ? "┃ in a call   ┇ blocked in it   ■ came back at "
				      "once   ▶● ended by this packet"
				    : "# in a call   : blocked in it   = came back at "
				      "once   >* ended by this packet",
		   INK_DIM);
}

int render_ladders(struct output *output, const struct sonde_timeline *timeline,
		   const struct render_options *options)
{
	const struct sonde_ladder_options how = {
		.all_acks = options->is_full,
		.fold_gap_ns = options->is_full ? 0 : RENDER_GAP_NS,
	};
	uint32_t first = 1, shown = timeline->stream_count;
	bool has_legend, is_cut;

	if (options->stream)
		first = shown = options->stream;
	else if (!options->is_full && shown > LADDERS_SHOWN)
		shown = LADDERS_SHOWN;
	if (timeline->stream_count > 1 && !options->stream)
		print_list(output, timeline, options->is_full);
	for (uint32_t stream = first; stream <= shown && !output_is_broken(output);
	     stream++) {
		struct sonde_ladder ladder;
		char storage[TEXT_CHARS];
		struct sonde_text text;
		int r = sonde_ladder_build(timeline, stream, &how, &ladder);

		if (r < 0)
			return r;
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add(&text, "stream ");
		add_head(&text, &timeline->streams[stream - 1]);
		print_text(output, storage, INK_BOLD);
		render_ladder(output, timeline, &ladder, options);
		sonde_ladder_done(&ladder);
		output_print(output, "\n");
	}
	/* Packets alone have no bars. */
	has_legend = shown && timeline->recording->program_count;
	is_cut = shown < timeline->stream_count && !options->stream;
	if (has_legend)
		print_legend(output);
	if (is_cut)
		output_print(output,
			     "%u of %u streams are drawn; --full draws all of them\n",
			     shown, timeline->stream_count);
	if (has_legend || is_cut)
		output_print(output, "\n");
	return 0;
}
