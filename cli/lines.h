/* Text that is made a million lines a second: gathered here, then given to the output in
 * large pieces.  Nothing is interpreted by printf. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "output.h"

enum { LINES_BYTES = 1 << 16 };

struct lines {
	struct output *output; /* borrowed */
	size_t used;
	char chars[LINES_BYTES];
};

void lines_init(struct lines *lines, struct output *output);
/* Hands on what was gathered. */
void lines_write(struct lines *lines);

/* A place for n characters (LINES_BYTES at most) behind what there is; lines_end() says
 * where what was put there ends. */
static inline char *lines_room(struct lines *lines, size_t n)
{
	if (n > sizeof(lines->chars) - lines->used)
		lines_write(lines);
	return lines->chars + lines->used;
}

static inline void lines_end(struct lines *lines, const char *end)
{
	lines->used = (size_t)(end - lines->chars);
}

void lines_add_long(struct lines *lines, const char *chars, size_t n);

static inline void lines_add(struct lines *lines, const char *chars, size_t n)
{
	if (n > sizeof(lines->chars) - lines->used) {
		lines_add_long(lines, chars, n);
		return;
	}
	memcpy(lines->chars + lines->used, chars, n);
	lines->used += n;
}

static inline void lines_text(struct lines *lines, const char *text)
{
	lines_add(lines, text, strlen(text));
}

static inline void lines_char(struct lines *lines, char c)
{
	*lines_room(lines, 1) = c;
	lines->used++;
}

void lines_spaces(struct lines *lines, size_t n);
void lines_number(struct lines *lines, uint64_t number);
void lines_number_right(struct lines *lines, uint64_t number, size_t width);
/* At least `digits` digits, with zeros in front. */
void lines_digits(struct lines *lines, uint64_t number, unsigned digits);
void lines_hex(struct lines *lines, uint64_t number, unsigned digits);
/* Hexadecimal digits of each byte, with `separator` between them unless it is NUL. */
void lines_bytes(struct lines *lines, const uint8_t *bytes, size_t n, char separator);
/* Bytes from the network, made safe to show. */
void lines_escaped(struct lines *lines, const void *bytes, size_t n);
/* The same, but a backslash stays one, as in Wireshark. */
void lines_shown(struct lines *lines, const void *bytes, size_t n);
/* In `width` columns, to the right. */
void lines_right(struct lines *lines, const char *text, size_t width);

#endif
