/* See line.h. */
#include "dissect/line.h"

#include <string.h>

#include "dissect/state.h"

ssize_t lines_whole(const uint8_t *bytes, size_t n)
{
	const uint8_t *last = memrchr(bytes, '\n', n);

	if (last)
		return last + 1 - bytes;
	return n >= LINE_MOST ? (ssize_t)n : 0;
}

size_t line_length(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = memchr(bytes, '\n', n);

	return end ? (size_t)(end + 1 - bytes) : n;
}

size_t line_content(const uint8_t *bytes, size_t n)
{
	if (n && bytes[n - 1] == '\n')
		n--;
	if (n && bytes[n - 1] == '\r')
		n--;
	return n;
}

size_t line_word(const uint8_t *bytes, size_t n, size_t *at, size_t *ret_start)
{
	size_t start = *at, end;

	while (start < n && bytes[start] == ' ')
		start++;
	for (end = start; end < n && bytes[end] != ' ';)
		end++;
	*ret_start = start;
	for (*at = end; *at < n && bytes[*at] == ' ';)
		++*at;
	return end - start;
}

bool line_is(const uint8_t *bytes, size_t n, const char *word)
{
	size_t i = 0;

	for (; i < n && word[i]; i++) {
		uint8_t c = bytes[i];

		if (c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		if (c != (uint8_t)word[i])
			return false;
	}
	return i == n && !word[i];
}

void line_add_secret(struct sonde_dissector *d, unsigned own, const struct span *span,
		     uint32_t at, uint32_t length, const char *text, size_t size)
{
	struct sonde_field *field;

	if (dissect_shows_secrets(d)) {
		dissect_add_text(d, own, span, at, length, text, size);
		return;
	}
	field = dissect_add_text(d, own, span, at, length, LINE_MASK, strlen(LINE_MASK));
	dissect_set_flags(field, SONDE_FIELD_SECRET);
}

static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

const char *line_decode(struct sonde_dissector *d, const uint8_t *bytes, size_t n,
			size_t *ret_size)
{
	char *to = dissect_keep(d, n / 4 * 3 + 1);
	size_t used = 0;

	if (!to || n % 4)
		return NULL;
	for (size_t at = 0; at < n; at += 4) {
		unsigned padding =
			at + 4 < n ? 0 : (bytes[at + 3] == '=') + (bytes[at + 2] == '=');
		uint32_t group = 0;

		for (unsigned i = 0; i < 4; i++) {
			int value = i < 4 - padding ? sextet(bytes[at + i]) : 0;

			if (value < 0)
				return NULL;
			group = group << 6 | (uint32_t)value;
		}
		for (unsigned i = 0; i < 3 - padding; i++)
			to[used++] = (char)(group >> (16 - 8 * i));
	}
	*ret_size = used;
	return to;
}

void line_start_tls(struct sonde_dissector *d)
{
	uint64_t *state = dissect_conversation_state(d);

	for (size_t i = 0; i < dissector_count; i++) {
		if (strcmp(dissectors[i]->name, "tls") == 0 && state && d->flow) {
			state[0] = state[1] = 0;
			d->flow->dissector = (uint8_t)(i + 1);
		}
	}
}
