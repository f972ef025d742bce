/* A line, edited before it is sent, by libedit: with history, and with other work done
 * while nobody types.  What has to be printed meanwhile goes between editor_hide() and
 * editor_show(), and does not tear the line. */
#ifndef CLI_EDITOR_H
#define CLI_EDITOR_H

#include <stdbool.h>

enum editor_end {
	EDITOR_LINE = 0, /* there is a line */
	EDITOR_EOF,      /* ^D on an empty line, or the terminal is gone */
	EDITOR_ESCAPE,   /* ^] */
	EDITOR_STOPPED,  /* wait() said so */
};

struct editor;

/* wait() returns 1 when standard input can be read, 0 to stop.  NULL where there is no
 * memory, or no terminal that libedit knows. */
struct editor *editor_new(int (*wait)(void *context), void *context);
void editor_free(struct editor *editor);

/* Reads one; *ret is borrowed until the next call, and has no end of line.  After ^] or a
 * stop it is what was typed so far. */
enum editor_end editor_read(struct editor *editor, const char **ret);
/* From now on; copied; what a terminal cannot show must be escaped already. */
void editor_set_prompt(struct editor *editor, const char *prompt);
/* As if it was typed, with the next line. */
void editor_type(struct editor *editor, const char *text);
void editor_remember(struct editor *editor, const char *line);

/* Nothing to do while no line is being read. */
void editor_hide(struct editor *editor);
void editor_show(struct editor *editor);
/* The terminal's size is another one. */
void editor_resize(struct editor *editor);
/* Around a time in which the process stands still. */
void editor_suspend(struct editor *editor);
void editor_resume(struct editor *editor);

#endif
