/* --ask: a line, its answer, and so on: the loop of the lab. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "clock.h"
#include "command.h"
#include "connect_modes.h"
#include "editor.h"
#include "message.h"

enum { QUIET_MS = 100 }; /* an answer without an end of line is over then */

static int64_t now_ms(void)
{
	return clock_now_ns(CLOCK_MONOTONIC) / 1000000;
}

static void print_escaped(struct output *output, const char *bytes, size_t n)
{
	char storage[512];

	while (n > 0) {
		struct sonde_text text;
		size_t piece = 0;

		while (piece < n && piece < sizeof(storage) / 4 - 1 &&
		       !strchr("\r\n\t", bytes[piece] ? bytes[piece] : 'x'))
			piece++;
		sonde_text_init(&text, storage, sizeof(storage));
		sonde_text_add_escaped(&text, bytes, piece);
		output_bytes(output, storage, text.used);
		if (piece < n && strchr("\r\n\t", bytes[piece] ? bytes[piece] : 'x')) {
			if (bytes[piece] != '\r')
				output_bytes(output, bytes + piece, 1);
			piece++;
		}
		bytes += piece;
		n -= piece;
	}
}

void ask_receive(struct ask *ask, const void *bytes, size_t n)
{
	const char *chars = bytes;

	ask->has_answer = true;
	if (n > 0)
		ask->is_line_end = chars[n - 1] == '\n';
	if (ask->output->has_json)
		return;
	if (ask->escapes)
		print_escaped(ask->output, chars, n);
	else
		output_bytes(ask->output, chars, n);
	output_flush(ask->output);
}

/* 1 the answer is whole; 0 none came in time; 2 told to end; -1 the connection is over,
 * and *err says why where r < 0. */
static int wait_for_answer(struct ask *ask, int *ret_r, struct sonde_error *err)
{
	int64_t until_ms =
		ask->answer_ns > 0 ? now_ms() + ask->answer_ns / 1000000 : INT64_MAX;

	for (;;) {
		*ret_r = sonde_session_turn(ask->session, err);
		if (*ret_r <= 0)
			return -1;
		if (ask->has_answer && ask->is_line_end)
			return 1;
		int64_t left_ms = until_ms - now_ms();
		if (ask->has_answer)
			left_ms = QUIET_MS;
		if (left_ms < 0)
			left_ms = 0;
		if (left_ms > INT_MAX)
			left_ms = -1;
		struct pollfd fds[] = {
			{.fd = sonde_session_fd(ask->session),
			 .events = sonde_session_events(ask->session)},
			{.fd = ask->signal_fd, .events = POLLIN},
		};
		int count = poll(fds, 2,
				 sonde_session_is_ready(ask->session) ? 0 : (int)left_ms);
		if (count > 0 && fds[1].revents)
			return 2;
		if (count == 0 && !sonde_session_is_ready(ask->session))
			return ask->has_answer ? 1 : 0;
	}
}

/* The exit status so far; *ret_goes_on: ask the next. */
static int ask_one(struct ask *ask, const char *line, size_t n, bool *ret_goes_on)
{
	struct sonde_session_place place;
	struct sonde_text text;
	struct sonde_error err;
	char limit[48];
	int r;

	*ret_goes_on = false;
	ask->has_answer = ask->is_line_end = false;
	r = sonde_session_send(ask->session, line, n, &err);
	if (r < 0)
		return r == -EAGAIN ? STATUS_NETWORK : message_error(&err);
	switch (wait_for_answer(ask, &r, &err)) {
	case 1:
		*ret_goes_on = true;
		/* A prompt begins a line of its own. */
		if (!ask->is_line_end && !ask->output->has_json && ask->escapes)
			output_print(ask->output, "\n");
		output_flush(ask->output);
		return STATUS_DONE;
	case 0:
		*ret_goes_on = true;
		sonde_session_get_place(ask->session, &place);
		sonde_text_init(&text, limit, sizeof(limit));
		sonde_text_add_duration(&text, ask->answer_ns);
		sonde_error_set(&err, SONDE_ERROR_NETWORK, -ETIMEDOUT, "ask", place.peer,
				"no answer within %s", limit);
		return message_error(&err);
	case 2:
		return STATUS_NETWORK;
	default:
		if (r < 0)
			return message_error(&err);
		sonde_session_close(ask->session, "the peer ended first");
		message_note(ask->output, "the peer closed the connection%s",
			     ask->has_answer ? "" : " before an answer");
		return ask->has_answer ? STATUS_DONE : STATUS_NETWORK;
	}
}

/* A key, a signal, or the peer's end. */
static int wait_for_key(void *context)
{
	struct ask *ask = context;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = ask->signal_fd, .events = POLLIN},
		};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 0;
		if (fds[1].revents) {
			ask->is_told_to_end = true;
			return 0;
		}
		if (fds[0].revents)
			return 1;
	}
}

/* The next line without its end, borrowed; NULL at the end.  One that is no editor's may
 * have NUL bytes in it, which are sent as all others. */
static const char *read_line(struct editor *editor, char **storage, size_t *capacity,
			     size_t *ret_n)
{
	const char *line;

	if (editor) {
		editor_set_prompt(editor, "> ");
		if (editor_read(editor, &line) != EDITOR_LINE)
			return NULL;
		editor_remember(editor, line);
		*ret_n = strlen(line);
		return line;
	}
	ssize_t n = getline(storage, capacity, stdin);
	if (n < 0)
		return NULL;
	if (n > 0 && (*storage)[n - 1] == '\n')
		n--;
	if (n > 0 && (*storage)[n - 1] == '\r')
		n--;
	*ret_n = (size_t)n;
	return *storage;
}

int ask_run(struct ask *ask)
{
	bool is_person = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
	struct editor *editor = is_person ? editor_new(wait_for_key, ask) : NULL;
	char *storage = NULL, *text = NULL;
	size_t capacity = 0;
	int status = STATUS_DONE;
	bool goes_on = true;

	while (goes_on && !output_is_broken(ask->output)) {
		size_t n = 0;
		const char *line = read_line(editor, &storage, &capacity, &n);
		if (!line || n == 0 || (n == 4 && memcmp(line, "quit", 4) == 0))
			break;
		char *longer = realloc(text, n + 1);
		if (!longer) {
			status = STATUS_TROUBLE;
			break;
		}
		text = longer;
		memcpy(text, line, n);
		text[n] = '\n';
		int one = ask_one(ask, text, n + !ask->lines_end_nowhere, &goes_on);
		if (one != STATUS_DONE)
			status = one;
	}
	sonde_session_close(ask->session, "there is no question any more");
	editor_free(editor);
	free(storage);
	free(text);
	return status;
}
