/* A cursor over bytes with a sticky error: after the first read or write that does not
 * fit, every further one does nothing (reads give 0) and the caller checks once, at the
 * end. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_reader {
	const uint8_t *bytes; /* borrowed */
	size_t size;
	size_t at;
	bool failed;
};

void wire_reader_init(struct wire_reader *reader, const void *bytes, size_t size);
size_t wire_left(const struct wire_reader *reader);
uint8_t wire_read_u8(struct wire_reader *reader);
uint16_t wire_read_be16(struct wire_reader *reader);
uint32_t wire_read_be32(struct wire_reader *reader);
uint16_t wire_read_le16(struct wire_reader *reader);
uint32_t wire_read_le32(struct wire_reader *reader);
/* A borrowed pointer to the next n bytes, or NULL. */
const uint8_t *wire_read_bytes(struct wire_reader *reader, size_t n);
void wire_skip(struct wire_reader *reader, size_t n);

struct wire_writer {
	uint8_t *bytes; /* borrowed */
	size_t capacity;
	size_t at;
	bool failed;
};

void wire_writer_init(struct wire_writer *writer, void *bytes, size_t capacity);
void wire_write_u8(struct wire_writer *writer, uint8_t value);
void wire_write_be16(struct wire_writer *writer, uint16_t value);
void wire_write_be32(struct wire_writer *writer, uint32_t value);
void wire_write_le16(struct wire_writer *writer, uint16_t value);
void wire_write_le32(struct wire_writer *writer, uint32_t value);
void wire_write_bytes(struct wire_writer *writer, const void *bytes, size_t n);
void wire_write_zeros(struct wire_writer *writer, size_t n);

#endif
