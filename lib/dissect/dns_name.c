/* Names in DNS messages; see dns_part.h. */
#include <string.h>

#include "dissect/dns_part.h"

enum { POINTERS_MOST = 64, LABEL_MOST = 63 };

static void put(struct dns_name *name, const void *chars, size_t n)
{
	if (n > sizeof(name->text) - name->size)
		n = sizeof(name->text) - name->size;
	memcpy(name->text + name->size, chars, n);
	name->size += (uint32_t)n;
}

bool dns_name_read(const struct span *message, uint32_t at, struct dns_name *ret)
{
	const uint8_t *bytes = span_bytes(message);
	uint32_t left = span_left(message), start = at, jumps = 0;

	ret->size = ret->labels = ret->length = 0;
	ret->is_root = false;
	for (;;) {
		uint8_t length;

		if (at >= left)
			return false;
		length = bytes[at];
		if (length >= 0xc0) {
			if (at + 2 > left || ++jumps > POINTERS_MOST)
				return false;
			if (!ret->length)
				ret->length = at + 2 - start;
			at = (uint32_t)((length & 0x3f) << 8 | bytes[at + 1]);
			continue;
		}
		if (length > LABEL_MOST || at + 1u + length > left)
			return false;
		if (length == 0)
			break;
		if (ret->size)
			put(ret, ".", 1);
		put(ret, bytes + at + 1, length);
		ret->labels++;
		at += 1u + length;
	}
	if (!ret->length)
		ret->length = at + 1 - start;
	if (!ret->labels) {
		ret->is_root = true;
		put(ret, "<Root>", 6);
	}
	return true;
}
