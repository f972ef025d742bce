/* The cursor that writes.  Every access passes through take(), where the error sticks. */
#include "base/wire.h"

#include <string.h>

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
