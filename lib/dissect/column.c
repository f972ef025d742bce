/* The Info column's text; see column.h. */
#include "dissect/column.h"

#include <string.h>

#include <sonde/text.h>

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
	memcpy(column->chars + column->used, chars, n);
	column->used += (uint32_t)n;
}

void column_add(struct column *column, const char *text)
{
	if (!column->is_off)
		column_add_bytes(column, text, strlen(text));
}

size_t column_digits(uint64_t number, char *to)
{
	static const uint64_t powers[] = {
		10,      100,      1000,      10000,      100000,
		1000000, 10000000, 100000000, 1000000000, 10000000000,
	};
	size_t n = 1, at;

	while (n <= sizeof(powers) / sizeof(powers[0]) && number >= powers[n - 1])
		n++;
	if (number <= UINT32_MAX) { /* nearly all: a division of 32 bits costs less */
		uint32_t left = (uint32_t)number;

		for (at = n; at > 0; left /= 10)
			to[--at] = (char)('0' + left % 10);
		return n;
	}
	for (uint64_t rest = number / powers[9]; rest >= 10; rest /= 10)
		n++;
	for (at = n; at > 0; number /= 10)
		to[--at] = (char)('0' + number % 10);
	return n;
}

void column_add_number(struct column *column, uint64_t number)
{
	char digits[20];

	if (!column->is_off)
		column_add_bytes(column, digits, column_digits(number, digits));
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

void column_add_pair(struct column *column, const char *word, uint64_t number)
{
	if (column->is_off)
		return;
	column_add(column, word);
	column_add_number(column, number);
}

static size_t host4(const uint8_t *bytes, char *to)
{
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (i > 0)
			to[n++] = '.';
		n += column_digits(bytes[i], to + n);
	}
	return n;
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
