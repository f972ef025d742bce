/* libedit, and what it does not do by itself: wait for others beside the keyboard, and
 * clear the line away for a moment. */
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "editor.h"

enum { HISTORY_LINES = 500, PROMPT_BYTES = 1024, LINE_BYTES = 65536 };

/* ^].  Not bound as a key: libedit never frees the name of a function that was added. */
enum { ESCAPE_KEY = 0x1d };

struct editor {
	EditLine *edit;
	History *history;
	int (*wait)(void *context);
	void *context;
	bool is_reading;
	bool is_hidden;
	enum editor_end end;
	mbstate_t decoding;
	char prompt[PROMPT_BYTES];
	char line[LINE_BYTES];
};

static struct editor *editor_of(EditLine *edit)
{
	struct editor *editor = NULL;

	el_get(edit, EL_CLIENTDATA, &editor);
	return editor;
}

static char *give_prompt(EditLine *edit)
{
	return editor_of(edit)->prompt;
}

static void keep_line(struct editor *editor)
{
	const LineInfo *info = el_line(editor->edit);
	size_t n = (size_t)(info->lastchar - info->buffer);

	if (n >= sizeof(editor->line))
		n = sizeof(editor->line) - 1;
	memcpy(editor->line, info->buffer, n);
	editor->line[n] = '\0';
}

/* The next character of the terminal.  1; 0 at the end, -1 on failure. */
static int read_character(EditLine *edit, wchar_t *ret)
{
	struct editor *editor = editor_of(edit);
	char byte;

	for (;;) {
		if (!editor->wait(editor->context)) {
			editor->end = EDITOR_STOPPED;
			return 0;
		}
		ssize_t got = read(STDIN_FILENO, &byte, 1);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return 0;
		size_t length = mbrtowc(ret, &byte, 1, &editor->decoding);
		if (length == (size_t)-2)
			continue; /* more bytes belong to it */
		if (length == (size_t)-1) {
			memset(&editor->decoding, 0, sizeof(editor->decoding));
			continue; /* no character of this terminal's encoding */
		}
		if (length == 0)
			*ret = L'\0';
		if (*ret != ESCAPE_KEY)
			return 1;
		editor_hide(editor);
		keep_line(editor);
		editor->end = EDITOR_ESCAPE;
		return 0;
	}
}

struct editor *editor_new(int (*wait)(void *context), void *context)
{
	struct editor *editor = calloc(1, sizeof(*editor));
	HistEvent event;

	if (!editor)
		return NULL;
	editor->wait = wait;
	editor->context = context;
	editor->edit = el_init("sonde", stdin, stdout, stderr);
	editor->history = history_init();
	if (!editor->edit || !editor->history) {
		editor_free(editor);
		return NULL;
	}
	history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	el_set(editor->edit, EL_CLIENTDATA, editor);
	el_set(editor->edit, EL_EDITOR, "emacs");
	el_set(editor->edit, EL_HIST, history, editor->history);
	el_set(editor->edit, EL_PROMPT, give_prompt);
	el_set(editor->edit, EL_GETCFN, read_character);
	el_set(editor->edit, EL_SIGNAL, 0);
	el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	return editor;
}

void editor_free(struct editor *editor)
{
	if (!editor)
		return;
	if (editor->history)
		history_end(editor->history);
	if (editor->edit)
		el_end(editor->edit);
	free(editor);
}

enum editor_end editor_read(struct editor *editor, const char **ret)
{
	int count = 0;

	editor->end = EDITOR_EOF;
	editor->is_reading = true;
	editor->is_hidden = false;
	/* Before the prompt is there: who types as soon as it is would be echoed twice. */
	el_set(editor->edit, EL_PREP_TERM, 1);
	const char *line = el_gets(editor->edit, &count);
	editor->is_reading = editor->is_hidden = false;
	*ret = editor->line;
	if (editor->end == EDITOR_ESCAPE)
		return EDITOR_ESCAPE;
	if (editor->end == EDITOR_STOPPED) {
		keep_line(editor);
		return EDITOR_STOPPED;
	}
	if (!line || count <= 0)
		return EDITOR_EOF;
	size_t n = strcspn(line, "\r\n");
	if (n >= sizeof(editor->line))
		n = sizeof(editor->line) - 1;
	memcpy(editor->line, line, n);
	editor->line[n] = '\0';
	return EDITOR_LINE;
}

void editor_set_prompt(struct editor *editor, const char *prompt)
{
	snprintf(editor->prompt, sizeof(editor->prompt), "%s", prompt);
}

void editor_type(struct editor *editor, const char *text)
{
	el_push(editor->edit, text);
}

void editor_remember(struct editor *editor, const char *line)
{
	HistEvent event;

	if (line[0])
		history(editor->history, &event, H_ENTER, line);
}

/* --- the line on the screen */

static unsigned columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

/* How far the cursor goes beyond text[0..n), beginning at column `at`; as libedit shows
 * it: control characters as ^X, and nothing wide across the edge. */
static unsigned advance(unsigned at, const char *text, size_t n, unsigned width)
{
	mbstate_t state = {0};

	for (size_t i = 0; i < n;) {
		wchar_t character;
		size_t length = mbrtowc(&character, text + i, n - i, &state);
		if (length == 0 || length == (size_t)-1 || length == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			length = 1;
			character = L'?';
		}
		int cells = wcwidth(character);
		if (cells < 0)
			cells = 2;
		if (at % width + (unsigned)cells > width)
			at += width - at % width;
		at += (unsigned)cells;
		i += length;
	}
	return at;
}

void editor_hide(struct editor *editor)
{
	if (!editor->is_reading || editor->is_hidden)
		return;
	const LineInfo *info = el_line(editor->edit);
	unsigned width = columns();
	unsigned at = advance(0, editor->prompt, strlen(editor->prompt), width);

	at = advance(at, info->buffer, (size_t)(info->cursor - info->buffer), width);
	putchar('\r');
	if (at / width > 0)
		printf("\033[%uA", at / width);
	fputs("\033[J", stdout);
	fflush(stdout);
	editor->is_hidden = true;
}

/* libedit takes the screen for empty then, and the cursor for at its left. */
void editor_show(struct editor *editor)
{
	if (!editor->is_hidden)
		return;
	editor->is_hidden = false;
	fflush(stdout);
	el_set(editor->edit, EL_REFRESH);
	fflush(stdout);
}

void editor_resize(struct editor *editor)
{
	el_resize(editor->edit);
}

void editor_suspend(struct editor *editor)
{
	editor_hide(editor);
	if (editor->is_reading)
		el_set(editor->edit, EL_PREP_TERM, 0);
}

void editor_resume(struct editor *editor)
{
	if (editor->is_reading)
		el_set(editor->edit, EL_PREP_TERM, 1);
	editor_show(editor);
}
