/* One packet in full: what sent it, what it completed, its fields and its bytes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/dissect.h>
#include <sonde/text.h>

#include "page.h"

enum { LABEL_CHARS = 2048 };

static struct {
	const uint8_t *bytes, *reassembled; /* borrowed: of the file, of the dissector */
} shown;

static void restart(void)
{
	sonde_dissector_free(page.dissector);
	page.dissector = NULL;
	page.dissected = 0;
	frames_end(&page.frames);
}

/* Dissects frames up to that one.  What a frame says depends on those before it, so they
 * go through the same dissector; it is kept, so that the next packet costs one frame. */
static int reach(uint32_t number, struct sonde_frame *ret_frame,
		 struct sonde_dissection *ret)
{
	int r;

	if (!page.dissector || number <= page.dissected) {
		restart();
		r = page_dissector_new(&page.dissector);
		if (r < 0)
			return r;
		sonde_dissector_want_all(page.dissector);
		frames_begin(&page.frames, page.bytes, page.size);
	}
	while (page.dissected < number) {
		r = frames_next(&page.frames, ret_frame);
		if (r <= 0)
			return r < 0 ? r : -ENOENT;
		r = sonde_dissect(page.dissector, ret_frame, ret);
		if (r < 0)
			return r;
		page.dissected = ret_frame->number;
	}
	return 0;
}

/* [depth, text, offset, length, flags, name]: an array, because there are many. */
static void add_field(const struct sonde_field *field)
{
	struct sonde_json *json = &page.json;
	const struct sonde_field_info *info = sonde_field_info(field->field);
	char line[LABEL_CHARS];

	sonde_field_format(field, line, sizeof(line));
	sonde_json_object_begin(json);
	sonde_json_add_int(json, "depth", field->depth);
	page_say("text", line);
	sonde_json_add_int(json, "at", field->offset);
	sonde_json_add_int(json, "length", field->length);
	if (field->source)
		sonde_json_add_int(json, "source", field->source);
	if (info)
		sonde_json_add_string(json, "name", info->name);
	sonde_json_object_end(json);
}

static void add_fields(const struct sonde_dissection *dissection)
{
	sonde_json_key(&page.json, "fields");
	sonde_json_array_begin(&page.json);
	for (size_t i = 0; i < dissection->field_count; i++)
		if (!(dissection->fields[i].flags & SONDE_FIELD_HIDDEN))
			add_field(&dissection->fields[i]);
	sonde_json_array_end(&page.json);
	if (dissection->is_cut)
		sonde_json_add_bool(&page.json, "fields_cut", true);
}

static void add_frame(uint32_t number)
{
	struct sonde_frame frame = {0};
	struct sonde_dissection dissection;
	int r = number ? reach(number, &frame, &dissection) : -ENOENT;

	shown.bytes = shown.reassembled = NULL;
	if (r < 0 || frame.number != number) {
		restart();
		return;
	}
	shown.bytes = frame.bytes;
	shown.reassembled = dissection.reassembled;
	sonde_json_add_int(&page.json, "size", frame.captured_length);
	sonde_json_add_int(&page.json, "wire_size", frame.wire_length);
	if (dissection.reassembled)
		sonde_json_add_int(&page.json, "reassembled_size",
				   (int64_t)dissection.reassembled_size);
	add_fields(&dissection);
}

const uint8_t *page_packet_bytes(uint32_t source)
{
	return source ? shown.reassembled : shown.bytes;
}

/* "sent", "released", "completed": what the join says of it. */
static void add_edge(const struct sonde_edge *edge)
{
	static const char *const kinds[] = {
		[SONDE_EDGE_SENT] = "sent",
		[SONDE_EDGE_RELEASED] = "released",
		[SONDE_EDGE_COMPLETED] = "completed",
		[SONDE_EDGE_TAKEN] = "taken",
	};
	static const char *const carries[] = {
		[SONDE_SYN] = "SYN",
		[SONDE_FIN] = "FIN",
		[SONDE_RST] = "RST",
	};
	struct sonde_json *json = &page.json;
	bool is_released = edge->kind == SONDE_EDGE_RELEASED;

	sonde_json_object_begin(json);
	sonde_json_add_string(json, "kind", kinds[edge->kind]);
	if (edge->kind == SONDE_EDGE_SENT && edge->carries != SONDE_DATA) {
		sonde_json_add_string(json, "carries", carries[edge->carries]);
	} else if (edge->kind == SONDE_EDGE_SENT) {
		sonde_json_add_int(json, "from", edge->from);
		sonde_json_add_int(json, "end", edge->to);
	}
	if (!edge->exact)
		sonde_json_add_bool(json, "perhaps", true);
	if (is_released && edge->release == SONDE_BY_PACKET) {
		sonde_json_add_int(json, "packet", edge->by_packet);
		page_say_packet("label", edge->by_packet);
	} else if (is_released && edge->release == SONDE_BY_TIMER) {
		sonde_json_add_string(json, "label", "a timer");
	} else if (edge->statement) {
		sonde_json_add_int(json, "statement", edge->statement);
		page_say_statement("label", edge->statement);
	}
	sonde_json_object_end(json);
}

static void add_edges(uint32_t packet)
{
	const struct sonde_timeline *timeline = &page.timeline;

	sonde_json_key(&page.json, "edges");
	sonde_json_array_begin(&page.json);
	for (uint32_t i = 0; i < timeline->edge_count; i++)
		if (timeline->edges[i].packet == packet)
			add_edge(&timeline->edges[i]);
	sonde_json_array_end(&page.json);
}

static void add_address(const char *key, const struct sonde_address *address)
{
	char text[SONDE_ADDRESS_CHARS];

	if (address->port)
		sonde_address_format(address, text);
	else
		sonde_address_format_host(address, text);
	sonde_json_add_string(&page.json, key, text);
}

void page_packet(uint32_t number)
{
	const struct sonde_recording *recording = page.recording;
	const struct sonde_packet_place *place;
	const struct sonde_packet *packet;
	struct sonde_json *json = &page.json;

	page_answer_begin();
	if (recording && number && number <= recording->packet_count) {
		packet = &recording->packets[number - 1];
		place = &page.timeline.packet_places[number - 1];
		sonde_json_add_int(json, "packet", number);
		sonde_json_add_int(json, "frame", packet->frame);
		page_say_packet("label", number);
		page_say_ms("ms", packet->at_ns);
		add_address("src", &packet->decoded.src);
		add_address("dst", &packet->decoded.dst);
		if (place->stream)
			sonde_json_add_int(json, "stream", place->stream);
		if (place->why)
			sonde_json_add_string(json, "why",
					      sonde_why_text((enum sonde_why)place->why));
		add_edges(number);
		add_frame(packet->frame);
	}
	page_answer_end();
}
