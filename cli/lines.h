/* Text that is made a million lines a second: gathered here, then given to the output in
 * large pieces.  Nothing is interpreted by printf. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stddef.h>
#include <stdint.h>

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

void lines_add(struct lines *lines, const char *chars, size_t n);
void lines_text(struct lines *lines, const char *text);
void lines_char(struct lines *lines, char c);
void lines_spaces(struct lines *lines, size_t n);
void lines_number(struct lines *lines, uint64_t number);
/* At least `digits` digits, with zeros in front. */
void lines_digits(struct lines *lines, uint64_t number, unsigned digits);
void lines_hex(struct lines *lines, uint64_t number, unsigned digits);
/* Hexadecimal digits of each byte, with `separator` between them unless it is NUL. */
void lines_bytes(struct lines *lines, const uint8_t *bytes, size_t n, char separator);
/* Bytes from the network, made safe to show. */
void lines_escaped(struct lines *lines, const void *bytes, size_t n);
/* The same, but a backslash stays one, as in Wireshark. */
void lines_shown(struct lines *lines, const void *bytes, size_t n);
/* Columns that the UTF-8 text takes, every character being one wide. */
size_t lines_width(const char *text);
/* In `width` columns, to the left or to the right. */
void lines_left(struct lines *lines, const char *text, size_t width);
void lines_right(struct lines *lines, const char *text, size_t width);

#endif
