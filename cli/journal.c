/* Journal entries in the Journal Export Format: NAME=VALUE lines, and where a value is
 * no plain text NAME, a length of eight bytes (little-endian) and the value. */
#include "journal.h"

#include <stdint.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

bool journal_next(const struct sonde_frame *frame, size_t *at, const char **ret_name,
		  size_t *ret_name_length, const char **ret_value,
		  size_t *ret_value_length)
{
	const char *text = (const char *)frame->bytes + *at;
	size_t left = frame->captured_length - *at, value_length = 0;
	const char *end = left ? memchr(text, '\n', left) : NULL;
	const char *equals;

	if (!end || end == text)
		return false;
	*ret_name = text;
	equals = memchr(text, '=', (size_t)(end - text));
	if (equals) {
		*ret_name_length = (size_t)(equals - text);
		*ret_value = equals + 1;
		*ret_value_length = (size_t)(end - equals - 1);
		*at += (size_t)(end - text) + 1;
		return true;
	}
	*ret_name_length = (size_t)(end - text);
	left -= *ret_name_length + 1;
	if (left < LENGTH_BYTES)
		return false;
	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		value_length |= (size_t)(uint8_t)end[1 + i] << 8 * i;
	left -= LENGTH_BYTES;
	if (value_length > left)
		return false;
	*ret_value = end + 1 + LENGTH_BYTES;
	*ret_value_length = value_length;
	*at += *ret_name_length + 1 + LENGTH_BYTES + value_length;
	if (*at < frame->captured_length && frame->bytes[*at] == '\n')
		++*at;
	return true;
}

bool journal_find(const struct sonde_frame *frame, const char *name,
		  const char **ret_value, size_t *ret_value_length)
{
	const char *found;
	size_t at = 0, length;

	while (journal_next(frame, &at, &found, &length, ret_value, ret_value_length)) {
		if (strlen(name) == length && memcmp(name, found, length) == 0)
			return true;
	}
	return false;
}
