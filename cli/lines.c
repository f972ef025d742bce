/* Text that is made a million lines a second. */
#include "lines.h"

#include <string.h>

#include <sonde/text.h>

void lines_init(struct lines *lines, struct output *output)
{
	lines->output = output;
	lines->used = 0;
}

void lines_write(struct lines *lines)
{
	output_bytes(lines->output, lines->chars, lines->used);
	lines->used = 0;
}

void lines_add_long(struct lines *lines, const char *chars, size_t n)
{
	while (n > sizeof(lines->chars) - lines->used) {
		size_t part = sizeof(lines->chars) - lines->used;

		memcpy(lines->chars + lines->used, chars, part);
		lines->used += part;
		chars += part;
		n -= part;
		lines_write(lines);
	}
	memcpy(lines->chars + lines->used, chars, n);
	lines->used += n;
}

void lines_spaces(struct lines *lines, size_t n)
{
	while (n-- > 0)
		lines_char(lines, ' ');
}

void lines_digits(struct lines *lines, uint64_t number, unsigned digits)
{
	char text[20];
	size_t n = sonde_text_put_number(number, text);

	for (; n < digits; digits--)
		lines_char(lines, '0');
	lines_add(lines, text, n);
}

void lines_number(struct lines *lines, uint64_t number)
{
	char *at = lines_room(lines, 20);

	lines_end(lines, at + sonde_text_put_number(number, at));
}

void lines_number_right(struct lines *lines, uint64_t number, size_t width)
{
	char text[20];
	size_t n = sonde_text_put_number(number, text);

	if (n < width)
		lines_spaces(lines, width - n);
	lines_add(lines, text, n);
}

void lines_hex(struct lines *lines, uint64_t number, unsigned digits)
{
	char text[16];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[number % 16];
		number /= 16;
	} while (number > 0);
	while (sizeof(text) - at < digits && at > 0)
		text[--at] = '0';
	lines_add(lines, text + at, sizeof(text) - at);
}

void lines_bytes(struct lines *lines, const uint8_t *bytes, size_t n, char separator)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && separator)
			lines_char(lines, separator);
		lines_char(lines, "0123456789abcdef"[bytes[i] >> 4]);
		lines_char(lines, "0123456789abcdef"[bytes[i] & 15]);
	}
}

static void add_safely(struct lines *lines, const void *bytes, size_t n,
		       void (*add)(struct sonde_text *, const void *, size_t))
{
	const char *from = bytes;
	char storage[512];
	struct sonde_text text;

	/* Pieces of which each fits when all of it is escaped (\u202e: 3 bytes to 6). */
	while (n > 0) {
		size_t part = n < 96 ? n : 96;

		while (part < n && part > 90 &&
		       ((unsigned char)from[part] & 0xc0) == 0x80)
			part--;
		sonde_text_init(&text, storage, sizeof(storage));
		add(&text, from, part);
		lines_add(lines, storage, text.used);
		from += part;
		n -= part;
	}
}

void lines_escaped(struct lines *lines, const void *bytes, size_t n)
{
	add_safely(lines, bytes, n, sonde_text_add_escaped);
}

void lines_shown(struct lines *lines, const void *bytes, size_t n)
{
	add_safely(lines, bytes, n, sonde_text_add_shown);
}

/* Columns that the UTF-8 text takes, every character being one wide. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void lines_right(struct lines *lines, const char *text, size_t width)
{
	size_t used = width_of(text);

	if (used < width)
		lines_spaces(lines, width - used);
	lines_text(lines, text);
}
