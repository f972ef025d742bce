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

/* Reading is a step of every parser, some of which see a million packets a second: it is
 * here, so that the compiler makes a few instructions of a header's fields. */
static inline void wire_reader_init(struct wire_reader *reader, const void *bytes,
				    size_t size)
{
	/* A pointer that may be moved by 0 even where there are no bytes. */
	static const uint8_t nothing;

	reader->bytes = bytes ? (const uint8_t *)bytes : &nothing;
	reader->size = bytes ? size : 0;
	reader->at = 0;
	reader->failed = false;
}

static inline size_t wire_left(const struct wire_reader *reader)
{
	return reader->failed ? 0 : reader->size - reader->at;
}

/* A borrowed pointer to the next n bytes, or NULL. */
static inline const uint8_t *wire_read_bytes(struct wire_reader *reader, size_t n)
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

static inline void wire_skip(struct wire_reader *reader, size_t n)
{
	wire_read_bytes(reader, n);
}

static inline uint8_t wire_read_u8(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 1);

	return bytes ? bytes[0] : 0;
}

static inline uint16_t wire_read_be16(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 2);

	return bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0;
}

static inline uint32_t wire_read_be32(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 4);

	return bytes ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			       (uint32_t)bytes[2] << 8 | bytes[3]
		     : 0;
}

static inline uint16_t wire_read_le16(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 2);

	return bytes ? (uint16_t)(bytes[1] << 8 | bytes[0]) : 0;
}

static inline uint32_t wire_read_le32(struct wire_reader *reader)
{
	const uint8_t *bytes = wire_read_bytes(reader, 4);

	return bytes ? (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
			       (uint32_t)bytes[1] << 8 | bytes[0]
		     : 0;
}

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
