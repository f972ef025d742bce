/* The Info column's text, made a million times a second: numbers are written by hand. */
#ifndef DISSECT_COLUMN_H
#define DISSECT_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sonde/address.h>

enum { COLUMN_BYTES = 1024 };

struct column {
	bool is_off; /* nobody wants it */
	uint32_t used, fence;
	char chars[COLUMN_BYTES + 8]; /* what does not fit is left out */
};

/* Empties it, but for what stands before the fence: the transport's notes stay in front
 * of what an application has to say. */
void column_clear(struct column *column);
void column_fence(struct column *column);
void column_start(struct column *column);
void column_add_bytes(struct column *column, const char *chars, size_t n);
static inline void column_add(struct column *column, const char *text)
{
	if (!column->is_off)
		column_add_bytes(column, text, strlen(text));
}
void column_add_number(struct column *column, uint64_t number);
void column_add_signed(struct column *column, int64_t number);
/* 0x and at least `digits` digits. */
void column_add_hex(struct column *column, uint64_t number, unsigned digits);
/* Four digits without 0x. */
void column_add_digits16(struct column *column, uint16_t number);
/* Bytes of the network, made safe; a backslash stays one, as in Wireshark. */
void column_add_escaped(struct column *column, const void *bytes, size_t n);
/* " Seq=17": a word and a number. */
static inline void column_add_pair(struct column *column, const char *word,
				   uint64_t number)
{
	if (column->is_off)
		return;
	column_add_bytes(column, word, strlen(word));
	column_add_number(column, number);
}
void column_add_host(struct column *column, const struct sonde_address *address);
/* Before what is there. */
void column_put_first(struct column *column, const char *text);
/* Ends the text by NUL and gives it. */
const char *column_text(struct column *column);

/* "192.0.2.1" or, as RFC 5952 says, "2001:db8::1": at most 45, in room for 46. */
size_t column_host(const struct sonde_address *address, char *to);
/* "02:00:00:00:00:01" */
size_t column_ethernet(const uint8_t *bytes, char *to);

#endif
