/* CPython's strings as UTF-8. */
#include <string.h>

#include "trace/source_python_string.h"

static uint32_t read_point(const uint8_t *data, size_t i, unsigned kind)
{
	uint16_t two;
	uint32_t four;

	switch (kind) {
	case 2:
		memcpy(&two, data + i * sizeof(two), sizeof(two));
		return two;
	case 4:
		memcpy(&four, data + i * sizeof(four), sizeof(four));
		return four;
	default:
		return data[i];
	}
}

static size_t write_point(uint32_t point, char *to)
{
	if (point >= 0xdc80 && point <= 0xdcff) {
		to[0] = (char)(point - 0xdc00);
		return 1;
	}
	if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		point = 0xfffd;
	if (point < 0x80) {
		to[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		to[0] = (char)(0xc0 | point >> 6);
		to[1] = (char)(0x80 | (point & 63));
		return 2;
	}
	if (point < 0x10000) {
		to[0] = (char)(0xe0 | point >> 12);
		to[1] = (char)(0x80 | (point >> 6 & 63));
		to[2] = (char)(0x80 | (point & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | point >> 18);
	to[1] = (char)(0x80 | (point >> 12 & 63));
	to[2] = (char)(0x80 | (point >> 6 & 63));
	to[3] = (char)(0x80 | (point & 63));
	return 4;
}

size_t python_string_format(const uint8_t *data, size_t count, unsigned kind, char *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		used += write_point(read_point(data, i, kind), ret + used);
	ret[used] = '\0';
	return used;
}
