/* The Internet checksum (RFC 1071). */
#ifndef DISSECT_CHECKSUM_H
#define DISSECT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum {
	CHECKSUM_BAD = 0,
	CHECKSUM_GOOD = 1,
	CHECKSUM_UNVERIFIED = 2,
	CHECKSUM_ABSENT = 3
};

/* The sum so far, with n more bytes. */
uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t n);
/* 0 where bytes that hold their own checksum are whole. */
uint16_t checksum_end(uint32_t sum);

#endif
