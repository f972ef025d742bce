/* Text in storage of a fixed size; bytes escaped for a reader. */
#include <sonde/text.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void sonde_text_init(struct sonde_text *text, char *storage, size_t capacity)
{
	*text = (struct sonde_text){.chars = storage, .capacity = capacity};
	storage[0] = '\0';
}

/* Ends the text for good: what is added later is left out too, so that the text stays a
 * prefix of what was meant. */
static void cut_at(struct sonde_text *text, size_t n)
{
	text->used = utf8_whole(text->chars, n);
	text->chars[text->used] = '\0';
	text->cut = true;
}

void sonde_text_add_list(struct sonde_text *text, const char *format, va_list arguments)
{
	size_t left = text->capacity - text->used;
	int n;

	if (text->cut)
		return;
	n = vsnprintf(text->chars + text->used, left, format, arguments);
	if (n < 0)
		cut_at(text, text->used);
	else if ((size_t)n >= left)
		cut_at(text, text->capacity - 1);
	else
		text->used += n;
}

void sonde_text_add(struct sonde_text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	sonde_text_add_list(text, format, arguments);
	va_end(arguments);
}

void sonde_text_add_bytes(struct sonde_text *text, const char *chars, size_t n)
{
	size_t left = text->capacity - text->used - 1;

	if (text->cut || n == 0)
		return;
	if (n > left) {
		memcpy(text->chars + text->used, chars, left);
		cut_at(text, text->capacity - 1);
		return;
	}
	memcpy(text->chars + text->used, chars, n);
	text->used += n;
	text->chars[text->used] = '\0';
}

/* Adds all n characters or none: half an escape would say something else. */
static void add_unit(struct sonde_text *text, const char *chars, size_t n)
{
	if (n > text->capacity - text->used - 1)
		cut_at(text, text->used);
	else
		sonde_text_add_bytes(text, chars, n);
}

static bool reorders(unsigned code)
{
	return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void add_hex(struct sonde_text *text, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char unit[8];
		int length = snprintf(unit, sizeof(unit), "\\x%02x", bytes[i]);

		add_unit(text, unit, length);
	}
}

static const char *short_escape(unsigned code)
{
	switch (code) {
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	case '\0':
		return "\\0";
	case '\\':
		return "\\\\";
	default:
		return NULL;
	}
}

static void add_safely(struct sonde_text *text, const void *bytes, size_t n,
		       bool keeps_backslash)
{
	const unsigned char *at = bytes;

	for (size_t i = 0, length; i < n && !text->cut; i += length) {
		const char *escape;
		unsigned code;
		char unit[8];

		length = utf8_step(at + i, n - i, &code);
		escape = keeps_backslash && code == '\\' ? NULL : short_escape(code);
		if (escape) {
			add_unit(text, escape, 2);
		} else if (code == UTF8_BAD || code < 0x20 ||
			   (code >= 0x7f && code <= 0x9f)) {
			add_hex(text, at + i, length);
		} else if (reorders(code)) {
			snprintf(unit, sizeof(unit), "\\u%04X", code);
			add_unit(text, unit, 6);
		} else {
			add_unit(text, (const char *)at + i, length);
		}
	}
}

void sonde_text_add_escaped(struct sonde_text *text, const void *bytes, size_t n)
{
	add_safely(text, bytes, n, false);
}

void sonde_text_add_shown(struct sonde_text *text, const void *bytes, size_t n)
{
	add_safely(text, bytes, n, true);
}

size_t sonde_text_decode_utf8(const void *bytes, size_t n, unsigned *ret_code)
{
	unsigned code;
	size_t length = utf8_step(bytes, n, &code);

	if (code == UTF8_BAD)
		return 0;
	*ret_code = code;
	return length;
}

bool sonde_text_is_utf8(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	unsigned code;

	while (n > 0) {
		size_t length = utf8_step(at, n, &code);

		if (code == UTF8_BAD)
			return false;
		at += length;
		n -= length;
	}
	return true;
}

size_t sonde_text_whole_utf8(const void *bytes, size_t n)
{
	return utf8_whole(bytes, n);
}
