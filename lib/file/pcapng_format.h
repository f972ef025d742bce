/* Numbers of the format that its writer and its reader share. */
#ifndef FILE_PCAPNG_FORMAT_H
#define FILE_PCAPNG_FORMAT_H

#include <stddef.h>

#define PCAPNG_BYTE_ORDER 0x1A2B3C4Du
#define PCAPNG_FRAME_BYTES 12 /* around a block's body: type, length, length again */

enum {
	PCAPNG_OPTION_END = 0,
	PCAPNG_OPTION_COMMENT = 1,

	PCAPNG_SECTION_APPLICATION = 4,

	PCAPNG_INTERFACE_NAME = 2,
	PCAPNG_INTERFACE_RESOLUTION = 9,
	PCAPNG_INTERFACE_FILTER = 11,
	PCAPNG_INTERFACE_OFFSET = 14, /* seconds that are added to each time */

	PCAPNG_PACKET_FLAGS = 2,
	PCAPNG_PACKET_PROCESS = 8, /* process and thread number, 32 bits each */

	PCAPNG_STATISTICS_START = 2,
	PCAPNG_STATISTICS_END = 3,
	PCAPNG_STATISTICS_RECEIVED = 4,
	PCAPNG_STATISTICS_DROPPED = 5,
	PCAPNG_STATISTICS_SYSTEM_DROPPED = 7,
};

enum {
	PCAPNG_MICROSECONDS = 6, /* if_tsresol: a power of ten; where there is none */
	PCAPNG_NANOSECONDS = 9,
};

/* Bytes that fill n up to a multiple of four. */
static inline size_t pcapng_pad(size_t n)
{
	return -n % 4;
}

#endif
