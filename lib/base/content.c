/* A number that tells contents apart.  Eight bytes at a time: each datagram that a traced
 * program receives is read, and each packet. */
#include "base/content.h"

#include <endian.h>
#include <string.h>

#define SPREAD UINT64_C(0x9e3779b97f4a7c15) /* 2^64 divided by the golden ratio */

static uint64_t stir(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * SPREAD;
	return hash ^ (hash >> 32);
}

uint64_t content_hash(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t hash = stir(SPREAD, n);
	uint64_t word;

	for (; n >= sizeof(word); at += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = stir(hash, le64toh(word));
	}
	if (n) {
		word = 0;
		memcpy(&word, at, n);
		hash = stir(hash, le64toh(word));
	}
	hash = stir(hash, SPREAD);
	return hash ? hash : 1;
}
