/* Words for a terminal.  Widths are wcwidth(3)'s. */
#include "wrap.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum {
	COLUMNS_LEAST = 20, /* fewer: hardly two words a line */
	COLUMNS_SMALL = 40, /* fewer: no room for much in front of a line */
	INDENT_SMALL = 2,
};

unsigned wrap_columns(int fd)
{
	struct winsize size;

	if (isatty(fd) != 1 || ioctl(fd, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

/* The columns of the character at text[0..n), and in *ret_bytes its length. */
static unsigned measure(const char *text, size_t n, size_t *ret_bytes)
{
	unsigned code = 0;
	size_t bytes = sonde_text_decode_utf8(text, n, &code);
	int columns = bytes > 1 ? wcwidth((wchar_t)code) : 1;

	*ret_bytes = bytes ? bytes : 1;
	return columns < 0 ? 1 : (unsigned)columns;
}

/* The bytes of text[0..n) that fill a line from column `from` on, without the spaces
 * behind the last word.  One that a line of its own, from `indent` on, could not hold
 * either is left for the terminal to break: it stays one word for who copies it. */
static size_t fill(const char *text, size_t n, unsigned columns, unsigned from,
		   unsigned indent)
{
	unsigned used = from;
	size_t at = 0, end = 0;

	while (at < n) {
		unsigned width = 0;
		size_t bytes;

		for (; at < n && text[at] == ' '; at++)
			used++;
		for (; at < n && text[at] != ' '; at += bytes)
			width += measure(text + at, n - at, &bytes);
		if (width == 0)
			break;
		used += width;
		if (used > columns && indent + width <= columns && end > 0)
			break;
		end = at;
		used = (used - 1) % columns + 1; /* where the terminal goes on */
	}
	return end;
}

void wrap_add(struct sonde_text *to, const char *text, unsigned columns, unsigned indent)
{
	size_t n = strlen(text);
	unsigned from = 0;

	if (columns < COLUMNS_LEAST) {
		sonde_text_add_bytes(to, text, n);
		return;
	}
	if (columns < COLUMNS_SMALL && indent > INDENT_SMALL)
		indent = INDENT_SMALL;
	for (;;) {
		size_t taken = fill(text, n, columns, from, indent);

		sonde_text_add_bytes(to, text, taken);
		while (taken < n && text[taken] == ' ')
			taken++;
		text += taken;
		n -= taken;
		if (n == 0)
			return;
		sonde_text_add(to, "\n%*s", (int)indent, "");
		from = indent;
	}
}
