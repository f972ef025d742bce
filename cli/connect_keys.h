/* The terminal while telnet has the keys, or hides what is typed: no editor, no echo. */
#ifndef CLI_CONNECT_KEYS_H
#define CLI_CONNECT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <termios.h>

struct keys {
	struct termios saved;
	bool is_on;
	bool passes_all; /* of what comes: control characters, too */
	char held[4];    /* the beginning of a character, until the rest has come */
	size_t held_used;
};

/* every_key: also those that would be signals, and output as it is. */
void keys_on(struct keys *keys, bool every_key);
void keys_off(struct keys *keys);
/* Shows what came; without passes_all control characters but the harmless ones escaped. */
void keys_show(struct keys *keys, const char *bytes, size_t n);

#endif
