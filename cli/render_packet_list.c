/* Packets, a line each: the columns that Wireshark shows first, as wide as tshark has
 * them, or those that were asked for. */
#include <string.h>

#include <sonde/journal.h>

#include "packet_value.h"
#include "render_packet.h"

enum { NUMBER_WIDTH = 5, ADDRESS_WIDTH = 12, FIELD_WIDTH = 8 };

const char *const packet_column_words[] = {"number",   "time",   "source", "destination",
					   "protocol", "length", "info",   NULL};

static const char *ink_of(const struct sonde_dissection *dissection)
{
	const struct sonde_decoded *decoded = &dissection->decoded;

	/* Notes come in front of the Info text, in brackets. */
	if (decoded->proto == SONDE_PACKET_TCP && (decoded->tcp_flags & SONDE_TCP_RST))
		return "\033[31m";
	if (dissection->info && dissection->info[0] == '[')
		return "\033[33m";
	if (decoded->proto == SONDE_PACKET_TCP &&
	    (decoded->tcp_flags & (SONDE_TCP_SYN | SONDE_TCP_FIN)))
		return "\033[2m";
	return "";
}

/* Info is UTF-8 with arrows and perhaps more; elsewhere it becomes ASCII. */
static void add_text(struct lines *lines, const char *text)
{
	if (lines->output->has_utf8) {
		lines_text(lines, text);
		return;
	}
	for (; *text; text++) {
		if (!((unsigned char)*text & 0x80)) {
			lines_char(lines, *text);
		} else if (strncmp(text, "\xe2\x86\x92", 3) == 0) {
			lines_text(lines, "->");
			text += 2;
		} else if (((unsigned char)*text & 0xc0) != 0x80) {
			lines_char(lines, '?');
		}
	}
}

/* Addresses are ASCII: as many columns as bytes. */
static void add_address(struct lines *lines, const char *text, bool is_right)
{
	size_t n = strlen(text), padding = n < ADDRESS_WIDTH ? ADDRESS_WIDTH - n : 0;
	char *at = lines_room(lines, n + padding);

	if (is_right) {
		memset(at, ' ', padding);
		memcpy(at + padding, text, n);
	} else {
		memcpy(at, text, n);
		memset(at + n, ' ', padding);
	}
	lines_end(lines, at + n + padding);
}

static size_t add_values(struct packet_view *view, uint16_t field,
			 const struct sonde_dissection *dissection)
{
	size_t begin = view->lines.used;
	bool is_first = true;

	for (size_t i = 0; i < dissection->field_count; i++) {
		if (dissection->fields[i].field != field)
			continue;
		if (!is_first)
			lines_char(&view->lines, ',');
		is_first = false;
		packet_value_add(&view->lines, &view->time, &dissection->fields[i]);
	}
	return view->lines.used >= begin ? view->lines.used - begin : FIELD_WIDTH;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* A call: what it says stands where packets have their addresses and text. */
static void add_call(struct packet_view *view, const struct sonde_frame *frame)
{
	struct lines *lines = &view->lines;
	struct sonde_journal_field message;

	lines_text(lines, "call  ");
	if (sonde_journal_find(frame, "MESSAGE", &message))
		lines_escaped(lines, message.value, message.value_length);
}

static void add_column(struct packet_view *view, size_t i,
		       const struct sonde_frame *frame,
		       const struct sonde_dissection *dissection)
{
	const struct packet_column *column = &view->columns[i];
	struct lines *lines = &view->lines;
	bool is_last = i + 1 == view->column_count;
	size_t used;

	switch ((enum packet_column_kind)column->kind) {
	case PACKET_COLUMN_NUMBER:
		lines_number_right(lines, frame->number, NUMBER_WIDTH);
		break;
	case PACKET_COLUMN_TIME:
		packet_time_add(&view->time, frame, lines);
		break;
	case PACKET_COLUMN_SOURCE:
		add_address(lines, or_empty(dissection->source), true);
		if (!is_last && column[1].kind == PACKET_COLUMN_DESTINATION)
			lines_text(lines,
				   lines->output->has_utf8 ? " \xe2\x86\x92" : " ->");
		break;
	case PACKET_COLUMN_DESTINATION:
		add_address(lines, or_empty(dissection->destination), false);
		break;
	case PACKET_COLUMN_PROTOCOL:
		lines_text(lines, or_empty(dissection->protocol));
		break;
	case PACKET_COLUMN_LENGTH:
		lines_number(lines, frame->wire_length);
		break;
	case PACKET_COLUMN_INFO:
		add_text(lines, or_empty(dissection->info));
		break;
	case PACKET_COLUMN_FIELD:
		used = add_values(view, column->field, dissection);
		if (!is_last && used < FIELD_WIDTH)
			lines_spaces(lines, FIELD_WIDTH - used);
		break;
	}
}

void render_packet_list(struct packet_view *view, const struct sonde_frame *frame,
			const struct sonde_dissection *dissection)
{
	struct lines *lines = &view->lines;
	const char *ink = lines->output->has_color && frame->kind == SONDE_FRAME_PACKET
				  ? ink_of(dissection)
				  : "";

	lines_text(lines, ink);
	for (size_t i = 0; i < view->column_count; i++) {
		uint8_t kind = view->columns[i].kind;

		if (i > 0)
			lines_char(lines, ' ');
		if (frame->kind == SONDE_FRAME_JOURNAL && kind != PACKET_COLUMN_NUMBER &&
		    kind != PACKET_COLUMN_TIME) {
			add_call(view, frame);
			break;
		}
		add_column(view, i, frame, dissection);
	}
	if (ink[0])
		lines_text(lines, "\033[0m");
	lines_char(lines, '\n');
}

void render_packet_fields(struct packet_view *view,
			  const struct sonde_dissection *dissection)
{
	for (size_t i = 0; i < view->column_count; i++) {
		if (i > 0)
			lines_char(&view->lines, '\t');
		add_values(view, view->columns[i].field, dissection);
	}
	lines_char(&view->lines, '\n');
}
