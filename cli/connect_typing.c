/* What is typed while telnet has the keys, or hides them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "connect_terminal_parts.h"

enum { KEY_INTERRUPT = 0x03, KEY_EOF = 0x04, KEY_KILL = 0x15, KEY_ESCAPE = 0x1d };

/* rest: what was typed behind it already. */
static void escape(struct terminal *terminal, const char *rest, size_t n)
{
	char typed[256];

	for (size_t i = 0; i < n; i++)
		typed[i] = rest[i];
	for (size_t i = 0; i < n; i++)
		if (typed[i] == '\r')
			typed[i] = '\n';
	typed[n] = '\0';
	if (n > 0)
		editor_type(terminal->editor, typed);
	keys_off(&terminal->keys);
	putchar('\n');
	terminal_read_command(terminal, "");
	terminal->hidden_used = 0;
}

void terminal_send_keys(struct terminal *terminal, const char *bytes, size_t n)
{
	char text[256];

	for (size_t i = 0; i < n; i++)
		text[i] = bytes[i];
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\r')
			text[i] = '\n';
	if (n > 0)
		terminal_send_bytes(terminal, text, n);
}

/* False: an escape, or an end. */
static bool take_hidden(struct terminal *terminal, char byte)
{
	switch (byte) {
	case '\r':
	case '\n':
		putchar('\n');
		fflush(stdout);
		terminal->hidden[terminal->hidden_used] = '\0';
		terminal->hidden_used = 0;
		terminal_send_line(terminal, terminal->hidden);
		explicit_bzero(terminal->hidden, sizeof(terminal->hidden));
		return true;
	case '\b':
	case 0x7f:
		terminal->hidden_used -= terminal->hidden_used > 0;
		return true;
	case KEY_KILL:
		terminal->hidden_used = 0;
		return true;
	case KEY_INTERRUPT:
		terminal->is_told_to_end = true;
		return false;
	case KEY_EOF:
		if (terminal->hidden_used > 0)
			return true;
		keys_off(&terminal->keys);
		terminal_listen_only(terminal);
		return false;
	default:
		if (terminal->hidden_used + 1 < sizeof(terminal->hidden))
			terminal->hidden[terminal->hidden_used++] = byte;
		return true;
	}
}

void terminal_read_keys(struct terminal *terminal)
{
	bool every_key = terminal->typing == SONDE_TYPING_KEYS;
	bool goes_on = true;
	char bytes[256];

	keys_on(&terminal->keys, every_key);
	while (goes_on && terminal_wait_for_key(terminal)) {
		ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
		size_t n = got > 0 ? (size_t)got : 0;
		const char *at = memchr(bytes, KEY_ESCAPE, n);
		size_t before = at ? (size_t)(at - bytes) : n;

		if (got <= 0 && !(got < 0 && (errno == EINTR || errno == EAGAIN)))
			terminal->is_told_to_end = true; /* the terminal is gone */
		if (every_key)
			terminal_send_keys(terminal, bytes, before);
		for (size_t i = 0; !every_key && goes_on && i < before; i++)
			goes_on = take_hidden(terminal, bytes[i]);
		if (at && goes_on) {
			escape(terminal, at + 1, n - before - 1);
			goes_on = false;
		}
		explicit_bzero(bytes, sizeof(bytes));
	}
	keys_off(&terminal->keys);
	if (!terminal_has_keys(terminal))
		terminal->hidden_used = 0;
}
