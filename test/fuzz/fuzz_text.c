/* Fuzz target: bytes of the network, made safe to show.
 *
 * Properties: the escaped text is valid UTF-8 without a control character and without one
 * that reorders a line; it can be turned back into the very same bytes, so that two
 * inputs never look alike; where storage is short, it is a prefix of the whole one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_printable(const char *text, size_t n)
{
	for (size_t i = 0, length; i < n; i += length) {
		unsigned code = 0;

		length = sonde_text_decode_utf8(text + i, n - i, &code);
		require(length > 0);
		require(code >= 0x20 && (code < 0x7f || code > 0x9f));
		require(code < 0x202a || code > 0x202e);
		require(code < 0x2066 || code > 0x2069);
	}
}

static unsigned take_hex(const char *digits, size_t count)
{
	unsigned value = 0;

	for (size_t i = 0; i < count; i++) {
		static const char known[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = digits[i] ? strchr(known, digits[i]) : NULL;

		require(digit != NULL);
		value = value << 4 | (unsigned)((digit - known) & 15);
	}
	return value;
}

/* Undoes the escape at text, which begins with a backslash.  Returns its length. */
static size_t unescape(const char *text, uint8_t ret[3], size_t *ret_bytes)
{
	static const char letters[] = "nrt0\\", meant[] = "\n\r\t\0\\";
	const char *letter;
	unsigned code;

	*ret_bytes = 1;
	if (text[1] == 'x') {
		ret[0] = (uint8_t)take_hex(text + 2, 2);
		return 4;
	}
	if (text[1] == 'u') {
		code = take_hex(text + 2, 4);
		ret[0] = (uint8_t)(0xe0 | code >> 12);
		ret[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		ret[2] = (uint8_t)(0x80 | (code & 0x3f));
		*ret_bytes = 3;
		return 6;
	}
	letter = text[1] ? strchr(letters, text[1]) : NULL;
	require(letter != NULL);
	ret[0] = (uint8_t)meant[letter - letters];
	return 2;
}

static void check_reversible(const char *text, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	while (*text) {
		uint8_t meant[3] = {(uint8_t)*text};
		size_t count = 1;

		text += *text == '\\' ? unescape(text, meant, &count) : 1;
		require(count <= n - at && memcmp(bytes + at, meant, count) == 0);
		at += count;
	}
	require(at == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char whole[4 * 4096 + 1];
	struct sonde_text text, short_text;
	char *storage;

	if (n > 4096)
		return 0;
	sonde_text_init(&text, whole, sizeof(whole));
	sonde_text_add_escaped(&text, bytes, n);
	require(!text.cut && strlen(whole) == text.used);
	check_printable(whole, text.used);
	check_reversible(whole, bytes, n);

	/* In memory of exactly its size, so that a sanitizer sees a byte too many. */
	for (size_t capacity = 1; capacity <= 33; capacity++) {
		storage = malloc(capacity);
		if (!storage)
			abort();
		sonde_text_init(&short_text, storage, capacity);
		sonde_text_add_escaped(&short_text, bytes, n);
		require(short_text.used < capacity && strlen(storage) == short_text.used);
		require(memcmp(storage, whole, short_text.used) == 0);
		require(short_text.cut == (short_text.used < text.used));
		check_printable(storage, short_text.used);

		sonde_text_init(&short_text, storage, capacity);
		sonde_text_add(&short_text, "%s", whole);
		require(short_text.used < capacity && strlen(storage) == short_text.used);
		check_printable(storage, short_text.used);
		free(storage);
	}
	return 0;
}
