/* Cells of one line; see canvas.h. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <sonde/text.h>

#include "canvas.h"

enum { GLYPH_CODES = 10 };

/* What one character of a text becomes: itself, or an escape of several characters. */
struct glyph {
	uint32_t codes[GLYPH_CODES];
	unsigned count;
	int width; /* columns; 0 combines with the one before */
	size_t bytes;
};

static void escape(struct glyph *glyph, char letter, unsigned code, int digits)
{
	char shown[GLYPH_CODES + 1];
	int n = digits ? snprintf(shown, sizeof(shown), "\\%c%0*x", letter, digits, code)
		       : snprintf(shown, sizeof(shown), "\\%c", letter);

	glyph->count = (unsigned)n;
	glyph->width = n;
	for (int i = 0; i < n; i++)
		glyph->codes[i] = (unsigned char)shown[i];
}

/* Most of all text: each is a column. */
static bool is_plain(char letter)
{
	return letter >= 0x20 && letter < 0x7f;
}

/* The next character of text, which is not at its end. */
static struct glyph take_glyph(const struct canvas *canvas, const char *text)
{
	struct glyph glyph = {.bytes = 1, .count = 1, .width = 1};
	unsigned char byte = (unsigned char)text[0];
	unsigned code = byte;
	size_t n;
	bool reorders;

	if (byte >= 0x20 && byte < 0x7f) {
		glyph.codes[0] = byte;
		return glyph;
	}
	if (byte == '\t') {
		glyph.codes[0] = ' ';
		return glyph;
	}
	if (byte == '\n' || byte == '\r') {
		escape(&glyph, byte == '\n' ? 'n' : 'r', 0, 0);
		return glyph;
	}
	n = sonde_text_decode_utf8(text, strnlen(text, 4), &code);
	if (n < 2) {
		escape(&glyph, 'x', byte, 2);
		return glyph;
	}
	glyph.bytes = n;
	reorders =
		(code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
	glyph.width = canvas->has_utf8 && !reorders ? wcwidth((wchar_t)code) : -1;
	if (glyph.width < 0)
		escape(&glyph, code > 0xffff ? 'U' : 'u', code, code > 0xffff ? 6 : 4);
	else
		glyph.codes[0] = code;
	return glyph;
}

static void clear(struct canvas *canvas)
{
	memset(canvas->cells, 0, sizeof(canvas->cells));
}

void canvas_init(struct canvas *canvas, const struct output *output)
{
	canvas->width = output->width < CANVAS_COLUMNS ? output->width : CANVAS_COLUMNS;
	canvas->has_utf8 = output->has_utf8;
	clear(canvas);
}

static void set_cell(struct canvas *canvas, unsigned column, uint32_t code, enum ink ink)
{
	struct canvas_cell *cell;

	if (column >= canvas->width)
		return;
	cell = &canvas->cells[column];
	memset(cell, 0, sizeof(*cell));
	cell->codes[0] = code;
	cell->ink = (uint8_t)ink;
}

void canvas_sign(struct canvas *canvas, unsigned column, const char *sign, char plain,
		 enum ink ink)
{
	unsigned code = (unsigned char)plain;

	if (canvas->has_utf8)
		sonde_text_decode_utf8(sign, strlen(sign), &code);
	set_cell(canvas, column, code, ink);
}

static void put_glyph(struct canvas *canvas, unsigned column, const struct glyph *glyph,
		      enum ink ink)
{
	if (glyph->width == 0) {
		struct canvas_cell *before;
		unsigned i = 0;

		if (column == 0)
			return;
		before = &canvas->cells[column - 1];
		while (i < CANVAS_MARKS && before->codes[i])
			i++;
		if (i > 0 && i < CANVAS_MARKS)
			before->codes[i] = glyph->codes[0];
		return;
	}
	for (unsigned i = 0; i < glyph->count; i++)
		set_cell(canvas, column + i, glyph->codes[i], ink);
	if (glyph->count == 1 && glyph->width == 2 && column + 1 < canvas->width) {
		set_cell(canvas, column + 1, 0, ink);
		canvas->cells[column + 1].is_tail = true;
	}
}

unsigned canvas_measure(const struct canvas *canvas, const char *text)
{
	unsigned columns = 0;

	while (*text) {
		struct glyph glyph;

		if (is_plain(*text)) {
			columns++;
			text++;
			continue;
		}
		glyph = take_glyph(canvas, text);
		columns += (unsigned)glyph.width;
		text += glyph.bytes;
	}
	return columns;
}

unsigned canvas_text(struct canvas *canvas, unsigned column, unsigned width,
		     const char *text, enum ink ink)
{
	bool is_cut = canvas_measure(canvas, text) > width;
	unsigned dots = canvas->has_utf8 ? 1 : 2;
	unsigned room = is_cut ? (width > dots ? width - dots : 0) : width;
	unsigned used = 0;

	while (*text) {
		struct glyph glyph;

		if (is_plain(*text) && used < room) {
			set_cell(canvas, column + used++, (unsigned char)*text++, ink);
			continue;
		}
		glyph = take_glyph(canvas, text);
		if (used + (unsigned)glyph.width > room)
			break;
		put_glyph(canvas, column + used, &glyph, ink);
		used += (unsigned)glyph.width;
		text += glyph.bytes;
	}
	if (!is_cut)
		return used;
	for (unsigned i = 0; i < dots && used < width; i++)
		canvas_sign(canvas, column + used++, "…", '.', ink);
	return used;
}

size_t canvas_break(const struct canvas *canvas, const char *text, unsigned width)
{
	size_t at = 0, good = 0;
	unsigned used = 0, good_columns = 0;

	while (text[at]) {
		struct glyph glyph = take_glyph(canvas, text + at);

		if (used + (unsigned)glyph.width > width)
			break;
		used += (unsigned)glyph.width;
		at += glyph.bytes;
		/* After a space, a comma, an opening bracket; a dot, not in a number. */
		if (strchr(" ,([{=", text[at - 1]) ||
		    (text[at - 1] == '.' && !(text[at] >= '0' && text[at] <= '9'))) {
			good = at;
			good_columns = used;
		}
	}
	if (text[at] == '\0' || good_columns < width / 2)
		return at;
	return good;
}

static size_t encode(uint32_t code, char ret[4])
{
	if (code < 0x80) {
		ret[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		ret[0] = (char)(0xc0 | (code >> 6));
		ret[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		ret[0] = (char)(0xe0 | (code >> 12));
		ret[1] = (char)(0x80 | ((code >> 6) & 0x3f));
		ret[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | (code >> 18));
	ret[1] = (char)(0x80 | ((code >> 12) & 0x3f));
	ret[2] = (char)(0x80 | ((code >> 6) & 0x3f));
	ret[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static const char *ink_sequence(enum ink ink)
{
	switch (ink) {
	case INK_DIM:
		return "\033[2m";
	case INK_BOLD:
		return "\033[1m";
	case INK_CLIENT:
		return "\033[36m";
	case INK_SERVER:
		return "\033[33m";
	case INK_ERROR:
		return "\033[31m";
	case INK_PLAIN:
		break;
	}
	return "\033[0m";
}

void canvas_print(struct canvas *canvas, struct output *output)
{
	enum ink ink = INK_PLAIN;
	unsigned end = canvas->width;
	char line[CANVAS_COLUMNS * CANVAS_MARKS * 4];
	size_t used = 0;

	line[0] = '\0';
	while (end > 0 && !canvas->cells[end - 1].is_tail &&
	       (canvas->cells[end - 1].codes[0] == 0 ||
		canvas->cells[end - 1].codes[0] == ' '))
		end--;
	for (unsigned column = 0; column < end; column++) {
		const struct canvas_cell *cell = &canvas->cells[column];
		uint32_t first = cell->codes[0] ? cell->codes[0] : ' ';

		if (cell->is_tail)
			continue;
		if (output->has_color && first != ' ' && cell->ink != ink) {
			output_bytes(output, line, used);
			used = 0;
			if (ink != INK_PLAIN)
				output_print(output, "%s", ink_sequence(INK_PLAIN));
			if (cell->ink != INK_PLAIN)
				output_print(output, "%s", ink_sequence(cell->ink));
			ink = cell->ink;
		}
		used += encode(first, line + used);
		for (unsigned i = 1; i < CANVAS_MARKS && cell->codes[i]; i++)
			used += encode(cell->codes[i], line + used);
	}
	output_bytes(output, line, used);
	if (ink != INK_PLAIN)
		output_print(output, "%s", ink_sequence(INK_PLAIN));
	output_bytes(output, "\n", 1);
	clear(canvas);
}

/* What canvas_break() lets stand in a line ends where code may be broken, too; sentences,
 * and the names in them, only between words where there is one. */
static size_t break_words(const char *text, size_t n)
{
	size_t at = n;

	if (!text[n] || text[n - 1] == ' ')
		return n;
	while (at > 0 && text[at - 1] != ' ')
		at--;
	return at > n / 2 ? at : n;
}

void canvas_wrap(struct output *output, unsigned indent, const char *text, enum ink ink)
{
	struct canvas canvas;
	char line[CANVAS_COLUMNS * CANVAS_MARKS * 4];

	canvas_init(&canvas, output);
	while (*text) {
		size_t n = canvas_break(&canvas, text, canvas.width - indent);

		if (n == 0 || n >= sizeof(line))
			break;
		n = break_words(text, n);
		memcpy(line, text, n);
		line[n] = '\0';
		canvas_text(&canvas, indent, canvas.width - indent, line, ink);
		canvas_print(&canvas, output);
		text += n;
		text += strspn(text, " ");
	}
}
