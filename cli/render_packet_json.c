/* Packets as NDJSON: an event each, with the columns, and with fields where they were
 * asked for. */
#include <string.h>

#include <sonde/journal.h>

#include "packet_value.h"
#include "render_packet.h"

static void add_time(struct output *output, const struct sonde_frame *frame)
{
	if (frame->at_ns == INT64_MIN)
		sonde_json_add_null(&output->json, "at_ns");
	else
		output_event_time(output, "at_ns", frame->at_ns);
}

static void add_end(struct output *output, const char *key,
		    const struct sonde_address *address)
{
	if (address->family != SONDE_FAMILY_INET && address->family != SONDE_FAMILY_INET6)
		return;
	sonde_json_key(&output->json, key);
	sonde_json_object_begin(&output->json);
	output_event_address(output, address);
	sonde_json_object_end(&output->json);
}

static void add_columns(struct output *output, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection)
{
	struct sonde_json *json = &output->json;

	sonde_json_add_string(json, "source", dissection->source);
	sonde_json_add_string(json, "destination", dissection->destination);
	sonde_json_add_string(json, "protocol", dissection->protocol);
	sonde_json_add_int(json, "length", frame->wire_length);
	sonde_json_add_string(json, "info", dissection->info);
	add_end(output, "src", &dissection->decoded.src);
	add_end(output, "dst", &dissection->decoded.dst);
	if (dissection->has_stream)
		sonde_json_add_int(json, "stream", dissection->stream);
}

/* "fields":{"tcp.port":[40000,80]}, of those chosen. */
static void add_chosen(const struct packet_view *view, struct sonde_json *json,
		       const struct sonde_dissection *dissection)
{
	sonde_json_key(json, "fields");
	sonde_json_object_begin(json);
	for (size_t i = 0; i < view->column_count; i++) {
		uint16_t field = view->columns[i].field;
		bool is_begun = false;

		if (view->columns[i].kind != PACKET_COLUMN_FIELD)
			continue;
		for (size_t k = 0; k < dissection->field_count; k++) {
			if (dissection->fields[k].field != field)
				continue;
			if (!is_begun) {
				sonde_json_key(json, sonde_field_info(field)->name);
				sonde_json_array_begin(json);
				is_begun = true;
			}
			packet_value_add_json(json, &dissection->fields[k]);
		}
		if (is_begun)
			sonde_json_array_end(json);
	}
	sonde_json_object_end(json);
}

/* "tree":[{"name":"ip.src","depth":1,"offset":26,"length":4,"value":...}]. */
static void add_tree(struct sonde_json *json, const struct sonde_dissection *dissection)
{
	sonde_json_key(json, "tree");
	sonde_json_array_begin(json);
	for (size_t i = 0; i < dissection->field_count; i++) {
		const struct sonde_field *field = &dissection->fields[i];

		sonde_json_object_begin(json);
		sonde_json_add_string(json, "name", sonde_field_info(field->field)->name);
		sonde_json_add_int(json, "depth", field->depth);
		sonde_json_add_int(json, "offset", field->offset);
		sonde_json_add_int(json, "length", field->length);
		if (field->source)
			sonde_json_add_bool(json, "reassembled", true);
		if (field->flags & SONDE_FIELD_GENERATED)
			sonde_json_add_bool(json, "generated", true);
		if (field->flags & SONDE_FIELD_HIDDEN)
			sonde_json_add_bool(json, "hidden", true);
		sonde_json_key(json, "value");
		packet_value_add_json(json, field);
		sonde_json_object_end(json);
	}
	sonde_json_array_end(json);
	if (dissection->is_cut)
		sonde_json_add_bool(json, "cut", true);
}

static void add_comments(struct sonde_json *json, const struct sonde_frame *frame)
{
	if (frame->comment_count == 0)
		return;
	sonde_json_key(json, "comments");
	sonde_json_array_begin(json);
	for (size_t i = 0; i < frame->comment_count; i++)
		sonde_json_string_n(json, frame->comments[i].text,
				    frame->comments[i].length);
	sonde_json_array_end(json);
}

static void add_entry(struct sonde_json *json, const struct sonde_frame *frame)
{
	struct sonde_journal_field field;
	size_t at = 0;
	char key[64];

	sonde_json_key(json, "journal");
	sonde_json_object_begin(json);
	while (sonde_journal_next(frame, &at, &field) > 0) {
		if (field.name_length >= sizeof(key))
			continue;
		memcpy(key, field.name, field.name_length);
		key[field.name_length] = '\0';
		sonde_json_key(json, key);
		sonde_json_string_n(json, field.value, field.value_length);
	}
	sonde_json_object_end(json);
}

void render_packet_json(struct packet_view *view, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection)
{
	bool is_packet = frame->kind == SONDE_FRAME_PACKET;
	struct output *output = view->lines.output;
	struct sonde_json *json =
		output_event_begin(output, is_packet ? "packet" : "journal");

	sonde_json_add_int(json, "frame", frame->number);
	add_time(output, frame);
	if (is_packet)
		add_columns(output, frame, dissection);
	else
		add_entry(json, frame);
	if (view->has_tree)
		add_tree(json, dissection);
	else if (view->has_chosen && is_packet)
		add_chosen(view, json, dissection);
	if (is_packet)
		add_comments(json, frame);
	if (view->has_bytes && is_packet) {
		sonde_json_key(json, "base64");
		sonde_json_base64(json, frame->bytes, frame->captured_length);
	}
	output_event_end(output);
}
