/* Journal entries of a capture file. */
#include <sonde/journal.h>

#include <errno.h>
#include <string.h>

#include "base/wire.h"

/* A line, its newline passed over; NULL: it has none. */
static const char *read_line(struct wire_reader *reader, size_t *ret_length)
{
	const uint8_t *from = reader->bytes + reader->at;
	const uint8_t *to = memchr(from, '\n', wire_left(reader));

	if (!to)
		return NULL;
	*ret_length = (size_t)(to - from);
	wire_skip(reader, *ret_length + 1);
	return (const char *)from;
}

int sonde_journal_next(const struct sonde_frame *entry, size_t *at,
		       struct sonde_journal_field *ret)
{
	struct sonde_journal_field field;
	struct wire_reader reader;
	const char *equals;
	uint64_t low, n;
	size_t length;

	wire_reader_init(&reader, entry->bytes, entry->captured_length);
	wire_skip(&reader, *at);
	/* Zeros may fill the entry up, and an empty line may end it. */
	if (!wire_left(&reader) || reader.bytes[reader.at] == '\0' ||
	    reader.bytes[reader.at] == '\n')
		return 0;
	field.name = read_line(&reader, &length);
	if (!field.name)
		return -EBADMSG;
	equals = memchr(field.name, '=', length);
	if (equals == field.name)
		return -EBADMSG;
	if (equals) {
		field.name_length = (size_t)(equals - field.name);
		field.value = equals + 1;
		field.value_length = length - field.name_length - 1;
	} else {
		low = wire_read_le32(&reader); /* little-endian in any section */
		n = (uint64_t)wire_read_le32(&reader) << 32 | low;
		if (n >= wire_left(&reader))
			return -EBADMSG;
		field.value = (const char *)wire_read_bytes(&reader, (size_t)n);
		if (wire_read_u8(&reader) != '\n')
			return -EBADMSG;
		field.name_length = length;
		field.value_length = (size_t)n;
	}
	*ret = field;
	*at = reader.at;
	return 1;
}

bool sonde_journal_is(const struct sonde_journal_field *field, const char *name)
{
	return strlen(name) == field->name_length &&
	       memcmp(name, field->name, field->name_length) == 0;
}

bool sonde_journal_find(const struct sonde_frame *entry, const char *name,
			struct sonde_journal_field *ret)
{
	struct sonde_journal_field field;
	size_t at = 0;

	while (sonde_journal_next(entry, &at, &field) > 0) {
		if (sonde_journal_is(&field, name)) {
			*ret = field;
			return true;
		}
	}
	return false;
}
