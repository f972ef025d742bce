/* The Internet checksum; see checksum.h. */
#include "dissect/checksum.h"

uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t n)
{
	uint64_t total = sum;

	for (size_t i = 0; i + 1 < n; i += 2)
		total += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (n & 1)
		total += (uint32_t)bytes[n - 1] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint32_t)total;
}

uint16_t checksum_end(uint32_t sum)
{
	return (uint16_t)~sum;
}
