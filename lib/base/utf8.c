/* UTF-8: which sequences are valid is in the lead byte and the range of the second byte
 * (RFC 3629, section 4); all later bytes are 80..BF. */
#include "base/utf8.h"

#include <stdint.h>

struct lead {
	uint8_t length; /* 0: no lead byte */
	uint8_t low;    /* of the second byte */
	uint8_t high;
};

static struct lead classify(uint8_t byte)
{
	if (byte < 0x80)
		return (struct lead){1, 0, 0};
	if (byte < 0xc2) /* continuation, or an overlong form of ASCII */
		return (struct lead){0, 0, 0};
	if (byte < 0xe0)
		return (struct lead){2, 0x80, 0xbf};
	if (byte == 0xe0) /* overlong below U+0800 */
		return (struct lead){3, 0xa0, 0xbf};
	if (byte == 0xed) /* surrogates from U+D800 */
		return (struct lead){3, 0x80, 0x9f};
	if (byte < 0xf0)
		return (struct lead){3, 0x80, 0xbf};
	if (byte == 0xf0) /* overlong below U+10000 */
		return (struct lead){4, 0x90, 0xbf};
	if (byte < 0xf4)
		return (struct lead){4, 0x80, 0xbf};
	if (byte == 0xf4) /* nothing above U+10FFFF */
		return (struct lead){4, 0x80, 0x8f};
	return (struct lead){0, 0, 0};
}

/* How many of bytes[0..n), n > 0, belong to the sequence that bytes[0] begins. */
static size_t match(const uint8_t *bytes, size_t n, struct lead lead)
{
	size_t i;

	if (lead.length < 2 || n < 2 || bytes[1] < lead.low || bytes[1] > lead.high)
		return 1;
	for (i = 2; i < n && i < lead.length; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			break;
	return i;
}

size_t utf8_step(const void *bytes, size_t n, unsigned *ret_code)
{
	static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const uint8_t *at = bytes;
	struct lead lead;
	unsigned code;
	size_t length;

	if (n == 0) {
		*ret_code = UTF8_BAD;
		return 0;
	}
	lead = classify(at[0]);
	length = match(at, n, lead);
	if (length != lead.length) {
		*ret_code = UTF8_BAD;
		return length;
	}
	code = at[0] & lead_bits[length];
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (at[i] & 0x3f);
	*ret_code = code;
	return length;
}

size_t utf8_whole(const char *chars, size_t n)
{
	const uint8_t *bytes = (const uint8_t *)chars;

	for (size_t back = 1; back <= 3 && back <= n; back++) {
		struct lead lead = classify(bytes[n - back]);

		/* An incomplete sequence is one that reaches the end and wants more. */
		if (lead.length > back && match(bytes + n - back, back, lead) == back)
			return n - back;
		if (lead.length)
			break;
	}
	return n;
}
