/* The cursor.  Every access passes through wire_read_bytes() or take(), where the error
 * sticks. */
#include "base/wire.h"

#include <string.h>

void wire_reader_init(struct wire_reader *reader, const void *bytes, size_t size)
{
	/* A pointer that may be moved by 0 even where there are no bytes. */
	static const uint8_t nothing;

	*reader = (struct wire_reader){.bytes = bytes ? bytes : &nothing,
				       .size = bytes ? size : 0};
}

size_t wire_left(const struct wire_reader *reader)
{
	return reader->failed ? 0 : reader->size - reader->at;
}

const uint8_t *wire_read_bytes(struct wire_reader *reader, size_t n)
{
	const uint8_t *bytes;

	if (reader->failed || n > reader->size - reader->at) {
		reader->failed = true;
		return NULL;
	}
	bytes = reader->bytes + reader->at;
	reader->at += n;
	return bytes;
}

void wire_skip(struct wire_reader *reader, size_t n)
{
	wire_read_bytes(reader, n);
}

uint8_t wire_read_u8(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 1);

	return bytes ? bytes[0] : 0;
}

uint16_t wire_read_be16(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 2);

	return bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0;
}

uint32_t wire_read_be32(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 4);

	return bytes ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			       (uint32_t)bytes[2] << 8 | bytes[3]
		     : 0;
}

uint16_t wire_read_le16(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 2);

	return bytes ? (uint16_t)(bytes[1] << 8 | bytes[0]) : 0;
}

uint32_t wire_read_le32(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 4);

	return bytes ? (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
			       (uint32_t)bytes[1] << 8 | bytes[0]
		     : 0;
}

void wire_writer_init(struct wire_writer *writer, void *bytes, size_t capacity)
{
	*writer = (struct wire_writer){.bytes = bytes, .capacity = bytes ? capacity : 0};
}

/* Room for n bytes, n > 0; NULL where they do not fit. */
static uint8_t *take(struct wire_writer *writer, size_t n)
{
	uint8_t *bytes;

	if (writer->failed || n > writer->capacity - writer->at) {
		writer->failed = true;
		return NULL;
	}
	bytes = writer->bytes + writer->at;
	writer->at += n;
	return bytes;
}

void wire_write_u8(struct wire_writer *writer, uint8_t value)
{
	wire_write_bytes(writer, &value, 1);
}

void wire_write_be16(struct wire_writer *writer, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	wire_write_bytes(writer, bytes, sizeof(bytes));
}

void wire_write_be32(struct wire_writer *writer, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
			    (uint8_t)(value >> 8), (uint8_t)value};

	wire_write_bytes(writer, bytes, sizeof(bytes));
}

void wire_write_le16(struct wire_writer *writer, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

	wire_write_bytes(writer, bytes, sizeof(bytes));
}

void wire_write_le32(struct wire_writer *writer, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
			    (uint8_t)(value >> 24)};

	wire_write_bytes(writer, bytes, sizeof(bytes));
}

void wire_write_bytes(struct wire_writer *writer, const void *bytes, size_t n)
{
	uint8_t *to = n ? take(writer, n) : NULL;

	if (to)
		memcpy(to, bytes, n);
}

void wire_write_zeros(struct wire_writer *writer, size_t n)
{
	uint8_t *to = n ? take(writer, n) : NULL;

	if (to)
		memset(to, 0, n);
}
