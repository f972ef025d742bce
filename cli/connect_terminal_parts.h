/* The terminal from inside.
 *
 *	connect_terminal.c	lines that are edited, what comes between them
 *	connect_typing.c	keys for a telnet server, or hidden ones
 *	connect_keys.c		the modes of the terminal for that
 *	connect_commands.c	what is typed after ^]
 */
#ifndef CLI_CONNECT_TERMINAL_PARTS_H
#define CLI_CONNECT_TERMINAL_PARTS_H

#include <stddef.h>

#include "connect_keys.h"
#include "connect_terminal.h"
#include "editor.h"

enum {
	PARTIAL_BYTES = 200, /* of a line whose end has not come yet: a prompt */
	HIDDEN_BYTES = 500,  /* of a line that is not shown: a password */
};

struct terminal {
	struct terminal_options options;
	struct editor *editor;
	char partial[PARTIAL_BYTES];
	size_t partial_used;
	/* As telnet has it.  The editor is for lines alone. */
	enum sonde_session_typing typing;
	struct keys keys;
	char hidden[HIDDEN_BYTES];
	size_t hidden_used;
	bool in_command;
	bool is_told_to_end;
	bool peer_is_gone;
	bool was_open; /* at the last look */
	bool stays;    /* no peer was named: it ends with quit alone */
	int status;
};

/* --- connect_terminal.c */

/* Telnet has the keys, or hides them; it may have begun within what has just come. */
bool terminal_has_keys(const struct terminal *terminal);
/* Until a key is pressed (1), or there is a reason to stop (0). */
int terminal_wait_for_key(void *context);
void terminal_send_bytes(struct terminal *terminal, const char *bytes, size_t n);
void terminal_send_line(struct terminal *terminal, const char *line);
/* kept: what was typed before, for afterwards. */
void terminal_read_command(struct terminal *terminal, const char *kept);
/* Our half is closed: only the peer speaks. */
void terminal_listen_only(struct terminal *terminal);

/* --- connect_typing.c */

/* The Enter key is an end of line there. */
void terminal_send_keys(struct terminal *terminal, const char *bytes, size_t n);
/* Until telnet wants it typed otherwise, or it is over. */
void terminal_read_keys(struct terminal *terminal);

#endif
