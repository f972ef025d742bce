/* Numbers of a capture file, at a place that is known to have them; in either byte order.
 * The bytes need no alignment. */
#ifndef FILE_NUMBER_H
#define FILE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t number_u16(const uint8_t *at, bool swapped)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	swapped = !swapped;
#endif
	return swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t number_u32(const uint8_t *at, bool swapped)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	swapped = !swapped;
#endif
	return swapped ? __builtin_bswap32(value) : value;
}

static inline uint64_t number_u64(const uint8_t *at, bool swapped)
{
	uint64_t low = number_u32(at, swapped), high = number_u32(at + 4, swapped);

	return swapped ? low << 32 | high : high << 32 | low;
}

#endif
