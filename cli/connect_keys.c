/* Keys one by one, and what comes shown where the cursor is. */
#include "connect_keys.h"

#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

enum { PIECE = 256 };

void keys_on(struct keys *keys, bool every_key)
{
	struct termios raw;

	if (keys->is_on || tcgetattr(STDIN_FILENO, &keys->saved) < 0)
		return;
	raw = keys->saved;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (every_key)
		raw.c_oflag &= ~(tcflag_t)OPOST;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	keys->is_on = true;
}

void keys_off(struct keys *keys)
{
	if (!keys->is_on)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &keys->saved);
	keys->is_on = false;
}

/* What moves the cursor within a line, ends it, or rings. */
static bool is_harmless(char byte)
{
	return byte == '\r' || byte == '\n' || byte == '\t' || byte == '\b' ||
	       byte == '\a';
}

static void show_piece(const char *bytes, size_t n)
{
	char storage[4 * (PIECE + sizeof(((struct keys *)0)->held)) + 1];
	struct sonde_text text;
	size_t from = 0;

	sonde_text_init(&text, storage, sizeof(storage));
	for (size_t i = 0; i < n; i++) {
		if (!is_harmless(bytes[i]))
			continue;
		sonde_text_add_escaped(&text, bytes + from, i - from);
		sonde_text_add_bytes(&text, bytes + i, 1);
		from = i + 1;
	}
	sonde_text_add_escaped(&text, bytes + from, n - from);
	fwrite(storage, 1, text.used, stdout);
}

void keys_show(struct keys *keys, const char *bytes, size_t n)
{
	char joined[PIECE + sizeof(keys->held)];

	while (!keys->passes_all && n > 0) {
		size_t piece = n < PIECE ? n : PIECE;
		size_t used = keys->held_used + piece;

		memcpy(joined, keys->held, keys->held_used);
		memcpy(joined + keys->held_used, bytes, piece);
		keys->held_used = used - sonde_text_whole_utf8(joined, used);
		show_piece(joined, used - keys->held_used);
		memcpy(keys->held, joined + used - keys->held_used, keys->held_used);
		bytes += piece;
		n -= piece;
	}
	fwrite(bytes, 1, n, stdout);
	fflush(stdout);
}
