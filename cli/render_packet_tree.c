/* A packet in full: its fields as a tree, its bytes as a hex dump. */
#include <string.h>

#include <sonde/journal.h>

#include "render_packet.h"

enum { INDENT = 4, ROW_BYTES = 16, HALF_BYTES = 8, LABEL_CHARS = 2048 };

static void add_field(struct lines *lines, const struct sonde_field *field)
{
	char text[LABEL_CHARS];
	size_t n = sonde_field_format(field, text, sizeof(text));
	bool is_protocol = field->depth == 0 && lines->output->has_color;

	lines_spaces(lines, (size_t)INDENT * field->depth);
	if (is_protocol)
		lines_text(lines, "\033[1m");
	lines_add(lines, text, n < sizeof(text) ? n : sizeof(text) - 1);
	if (is_protocol)
		lines_text(lines, "\033[0m");
	lines_char(lines, '\n');
}

static void add_entry(struct lines *lines, const struct sonde_frame *frame)
{
	struct sonde_journal_field field;
	size_t at = 0;

	while (sonde_journal_next(frame, &at, &field) > 0) {
		lines_spaces(lines, INDENT);
		lines_escaped(lines, field.name, field.name_length);
		lines_text(lines, ": ");
		lines_escaped(lines, field.value, field.value_length);
		lines_char(lines, '\n');
	}
}

void render_packet_tree(struct packet_view *view, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection)
{
	for (size_t i = 0; i < dissection->field_count; i++) {
		if (!(dissection->fields[i].flags & SONDE_FIELD_HIDDEN))
			add_field(&view->lines, &dissection->fields[i]);
	}
	if (dissection->is_cut)
		lines_text(&view->lines, "[more fields than are shown]\n");
	if (frame->kind == SONDE_FRAME_JOURNAL)
		add_entry(&view->lines, frame);
	lines_char(&view->lines, '\n');
}

/* 16 bytes at most, at this offset. */
static void add_row(struct lines *lines, const uint8_t *bytes, size_t n, uint64_t offset)
{
	static const char digits[] = "0123456789abcdef";
	char *at;

	lines_hex(lines, offset, 4);
	/* Two blanks, the bytes with a blank between them, three blanks. */
	at = lines_room(lines, 2 + 3 * ROW_BYTES + 2 + ROW_BYTES + 1);
	memset(at, ' ', 2 + 3 * ROW_BYTES + 2);
	at += 2;
	for (size_t i = 0; i < n; i++) {
		at[3 * i] = digits[bytes[i] >> 4];
		at[3 * i + 1] = digits[bytes[i] & 15];
	}
	at += 3 * ROW_BYTES + 2;
	for (size_t i = 0; i < n; i++)
		*at++ = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '.';
	*at++ = '\n';
	lines_end(lines, at);
}

static void add_dump(struct lines *lines, const uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at < n; at += ROW_BYTES)
		add_row(lines, bytes + at, n - at < ROW_BYTES ? n - at : ROW_BYTES, at);
	lines_char(lines, '\n');
}

static void add_title(struct lines *lines, const char *title, size_t n)
{
	lines_text(lines, title);
	lines_text(lines, " (");
	lines_number(lines, n);
	lines_text(lines, n == 1 ? " byte):\n" : " bytes):\n");
}

static void add_bytes(struct packet_view *view, const struct sonde_frame *frame,
		      const struct sonde_dissection *dissection)
{
	struct lines *lines = &view->lines;

	if (dissection->reassembled)
		add_title(lines, "Frame", frame->captured_length);
	add_dump(lines, frame->bytes, frame->captured_length);
	if (dissection->reassembled) {
		add_title(lines, "Reassembled", dissection->reassembled_size);
		add_dump(lines, dissection->reassembled, dissection->reassembled_size);
	}
}

void render_packet(struct packet_view *view, const struct sonde_frame *frame,
		   const struct sonde_dissection *dissection)
{
	view->shown++;
	if (view->lines.output->has_json) {
		render_packet_json(view, frame, dissection);
		return;
	}
	if (view->has_list)
		render_packet_list(view, frame, dissection);
	if (view->has_tree)
		render_packet_tree(view, frame, dissection);
	if (view->has_fields)
		render_packet_fields(view, dissection);
	if (view->has_bytes)
		add_bytes(view, frame, dissection);
}
