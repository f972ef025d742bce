/* The Info column's text; see column.h. */
#include "dissect/column.h"

#include <string.h>

#include <sonde/text.h>

#include "base/put.h"

void column_clear(struct column *column)
{
	column->used = column->fence;
}

void column_fence(struct column *column)
{
	column->fence = column->used;
}

void column_start(struct column *column)
{
	column->used = column->fence = 0;
}

void column_add_bytes(struct column *column, const char *chars, size_t n)
{
	size_t room = COLUMN_BYTES - column->used;

	if (column->is_off)
		return;
	if (n > room) {
		n = room;
		/* Never within a UTF-8 sequence. */
		while (n > 0 && ((uint8_t)chars[n] & 0xc0) == 0x80)
			n--;
	}
	__builtin_memcpy(column->chars + column->used, chars, n); /* n is checked above */
	column->used += (uint32_t)n;
}

void column_add_number(struct column *column, uint64_t number)
{
	char digits[20];

	if (!column->is_off)
		column_add_bytes(column, digits, sonde_text_put_number(number, digits));
}

void column_add_signed(struct column *column, int64_t number)
{
	if (number < 0)
		column_add_bytes(column, "-", 1);
	column_add_number(column, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void column_add_hex(struct column *column, uint64_t number, unsigned digits)
{
	char chars[2 + 16] = "0x";
	unsigned n = 1;

	while (n < 16 && number >> 4 * n)
		n++;
	if (n < digits)
		n = digits < 16 ? digits : 16;
	for (unsigned i = 0; i < n; i++)
		chars[2 + i] = "0123456789abcdef"[number >> 4 * (n - 1 - i) & 0xf];
	column_add_bytes(column, chars, 2 + n);
}

void column_add_digits16(struct column *column, uint16_t number)
{
	char chars[4];

	for (int i = 0; i < 4; i++)
		chars[i] = "0123456789abcdef"[number >> (12 - 4 * i) & 0xf];
	column_add_bytes(column, chars, 4);
}

void column_add_escaped(struct column *column, const void *bytes, size_t n)
{
	struct sonde_text text;

	if (column->is_off)
		return;
	sonde_text_init(&text, column->chars + column->used,
			COLUMN_BYTES - column->used + 1);
	sonde_text_add_shown(&text, bytes, n);
	column->used += (uint32_t)text.used;
}

/* Writes a byte more. */
static size_t host4(const uint8_t *bytes, char *to)
{
	char *at = to;

	for (int i = 0; i < 4; i++) {
		unsigned part = bytes[i];

		if (part >= 100)
			*at++ = (char)('0' + part / 100);
		if (part >= 10)
			*at++ = (char)('0' + part / 10 % 10);
		*at++ = (char)('0' + part % 10);
		*at++ = '.';
	}
	return (size_t)(at - to) - 1;
}

static size_t host6(const struct sonde_address *address, char *to)
{
	struct sonde_address plain = *address;
	char text[SONDE_ADDRESS_CHARS];
	size_t n;

	plain.scope_id = 0;
	sonde_address_format_host(&plain, text);
	n = strlen(text);
	if (n > 45)
		n = 45;
	memcpy(to, text, n);
	return n;
}

size_t column_host(const struct sonde_address *address, char *to)
{
	if (address->family == SONDE_FAMILY_INET)
		return host4(address->bytes, to);
	if (address->family == SONDE_FAMILY_INET6)
		return host6(address, to);
	return 0;
}

void column_add_host(struct column *column, const struct sonde_address *address)
{
	char text[48];

	if (!column->is_off)
		column_add_bytes(column, text, column_host(address, text));
}

size_t column_ethernet(const uint8_t *bytes, char *to)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (int i = 0; i < 6; i++) {
		if (i > 0)
			to[n++] = ':';
		to[n++] = digits[bytes[i] >> 4];
		to[n++] = digits[bytes[i] & 0xf];
	}
	return n;
}

void column_put_first(struct column *column, const char *text)
{
	size_t n = strlen(text);

	if (column->is_off || n > COLUMN_BYTES - column->used)
		return;
	memmove(column->chars + n, column->chars, column->used);
	memcpy(column->chars, text, n);
	column->used += (uint32_t)n;
}

const char *column_text(struct column *column)
{
	column->chars[column->used] = '\0';
	return column->chars;
}
