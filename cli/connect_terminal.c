/* A person and a peer, each speaking when they want.
 *
 * What the peer said after its last end of a line is the prompt: "login: " stands before
 * what is typed, as it would without an editor, and yet the line can be edited and other
 * text can come in between. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <sonde/text.h>

#include "clock.h"
#include "command.h"
#include "connect_commands.h"
#include "connect_terminal_parts.h"
#include "editor.h"
#include "message.h"

/* --- what comes */

static void set_prompt(struct terminal *terminal)
{
	char storage[4 * PARTIAL_BYTES + 8];
	struct sonde_text prompt;

	sonde_text_init(&prompt, storage, sizeof(storage));
	if (terminal->in_command)
		sonde_text_add(&prompt, "sonde> ");
	else if (terminal->partial_used > 0)
		sonde_text_add_escaped(&prompt, terminal->partial,
				       terminal->partial_used);
	else
		sonde_text_add(&prompt, "> ");
	editor_set_prompt(terminal->editor, storage);
}

/* Tabs are shown as such, all other controls escaped. */
static void print_line(const char *bytes, size_t n)
{
	char storage[4 * PARTIAL_BYTES + 8];
	struct sonde_text line;

	if (n > 0 && bytes[n - 1] == '\r')
		n--;
	while (n > 0) {
		size_t piece = 0;
		while (piece < n && piece < PARTIAL_BYTES && bytes[piece] != '\t')
			piece++;
		sonde_text_init(&line, storage, sizeof(storage));
		sonde_text_add_escaped(&line, bytes, piece);
		fwrite(storage, 1, line.used, stdout);
		if (piece < n && bytes[piece] == '\t') {
			putchar('\t');
			piece++;
		}
		bytes += piece;
		n -= piece;
	}
	putchar('\n');
}

static void end_partial(struct terminal *terminal)
{
	if (terminal->partial_used > 0)
		print_line(terminal->partial, terminal->partial_used);
	terminal->partial_used = 0;
}

bool terminal_has_keys(const struct terminal *terminal)
{
	return sonde_session_typing(terminal->options.session) != SONDE_TYPING_LINES;
}

void terminal_receive(struct terminal *terminal, const void *bytes, size_t n)
{
	const char *at = bytes;

	editor_hide(terminal->editor);
	if (terminal_has_keys(terminal) && !terminal->in_command) {
		keys_show(&terminal->keys, terminal->partial, terminal->partial_used);
		terminal->partial_used = 0;
		keys_show(&terminal->keys, bytes, n);
		return;
	}
	while (n > 0) {
		const char *end = memchr(at, '\n', n);
		size_t piece = end ? (size_t)(end - at) : n;
		size_t room = sizeof(terminal->partial) - terminal->partial_used;
		bool is_whole = end != NULL && piece <= room;

		if (piece > room)
			piece = room;
		memcpy(terminal->partial + terminal->partial_used, at, piece);
		terminal->partial_used += piece;
		if (is_whole)
			print_line(terminal->partial, terminal->partial_used);
		else if (terminal->partial_used == sizeof(terminal->partial))
			end_partial(terminal);
		if (is_whole)
			terminal->partial_used = 0;
		at += piece + is_whole;
		n -= piece + is_whole;
	}
	/* A datagram is whole, whatever it ends with. */
	if (terminal->options.target->transport == SONDE_TRANSPORT_UDP ||
	    terminal->options.target->transport == SONDE_TRANSPORT_UNIX_DATAGRAM)
		end_partial(terminal);
	set_prompt(terminal);
	editor_show(terminal->editor);
}

void terminal_say(struct terminal *terminal, const char *words)
{
	bool had_keys = terminal->keys.is_on;

	keys_off(&terminal->keys);
	editor_hide(terminal->editor);
	message_say("%s", words);
	if (had_keys)
		keys_on(&terminal->keys, terminal->typing == SONDE_TYPING_KEYS);
	editor_show(terminal->editor);
}

/* --- waiting */

static void resize(struct terminal *terminal)
{
	struct winsize size;

	editor_resize(terminal->editor);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		sonde_session_resize(terminal->options.session, size.ws_col, size.ws_row);
}

static void stand_still(struct terminal *terminal)
{
	editor_suspend(terminal->editor);
	kill(getpid(), SIGSTOP);
	editor_resume(terminal->editor);
}

static void take_signal(struct terminal *terminal)
{
	struct signalfd_siginfo signal;

	if (read(terminal->options.signal_fd, &signal, sizeof(signal)) != sizeof(signal))
		return;
	if (signal.ssi_signo == SIGWINCH)
		resize(terminal);
	else if (signal.ssi_signo == SIGTSTP)
		stand_still(terminal);
	else
		terminal->is_told_to_end = true;
}

/* The connection is over: says so, in order or not. */
static void end_connection(struct terminal *terminal, int r,
			   const struct sonde_error *err)
{
	keys_off(&terminal->keys);
	editor_hide(terminal->editor);
	end_partial(terminal);
	if (r < 0)
		terminal->status = message_error(err);
	else
		message_note(terminal->options.output, "the peer closed the connection");
	sonde_session_close(terminal->options.session, "the peer ended first");
	terminal->peer_is_gone = true;
	set_prompt(terminal);
}

static void turn(struct terminal *terminal)
{
	struct sonde_error err;
	int r = sonde_session_turn(terminal->options.session, &err);

	if (r <= 0)
		end_connection(terminal, r, &err);
}

static int64_t now_ms(void)
{
	return clock_now_ns(CLOCK_MONOTONIC) / 1000000;
}

int terminal_wait_for_key(void *context)
{
	struct terminal *terminal = context;
	struct sonde_session *session = terminal->options.session;

	for (;;) {
		if (terminal->is_told_to_end || terminal->peer_is_gone)
			return 0;
		if (!terminal->in_command &&
		    sonde_session_typing(session) != terminal->typing) {
			editor_hide(terminal->editor);
			return 0;
		}
		struct pollfd fds[] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = sonde_session_fd(session),
			 .events = sonde_session_events(session)},
			{.fd = terminal->options.signal_fd, .events = POLLIN},
		};
		int64_t idle_ms = sonde_session_idle_ms(session);
		bool is_ready = sonde_session_is_ready(session);
		int64_t began_ms = now_ms();
		int count = poll(fds, 3, is_ready ? 0 : (int)idle_ms);

		if (count < 0 && errno != EINTR)
			return 0;
		if (count == 0 && !is_ready && idle_ms >= 0 &&
		    now_ms() - began_ms >= idle_ms) {
			struct sonde_error err;
			int r = sonde_session_fail_idle(session, &err);
			end_connection(terminal, r, &err);
			continue;
		}
		if (fds[2].revents)
			take_signal(terminal);
		if (fds[1].revents || is_ready)
			turn(terminal);
		else if (fds[0].revents)
			return 1;
	}
}

/* --- what is typed */

void terminal_send_bytes(struct terminal *terminal, const char *bytes, size_t n)
{
	struct sonde_error err;
	int r = sonde_session_send(terminal->options.session, bytes, n, &err);

	if (r == -EAGAIN)
		message_say("the peer takes nothing: this line was not sent");
	else if (r == -EPIPE && sonde_session_is_open(terminal->options.session))
		message_error(&err);
	else if (r < 0)
		end_connection(terminal, r, &err);
}

void terminal_send_line(struct terminal *terminal, const char *line)
{
	size_t n = strlen(line);
	char *text = malloc(n + 2);

	if (!text)
		return;
	memcpy(text, line, n);
	text[n] = '\n';
	text[n + 1] = '\0';
	/* What stood before the line stays on the screen, with it. */
	terminal->partial_used = 0;
	terminal_send_bytes(terminal, text, n + !terminal->options.lines_end_nowhere);
	explicit_bzero(text, n);
	free(text);
}

void terminal_read_command(struct terminal *terminal, const char *kept)
{
	struct commands_result result;
	const char *line;
	char *typed = strdup(kept);
	bool was_open = sonde_session_is_open(terminal->options.session);

	terminal->in_command = true;
	set_prompt(terminal);
	enum editor_end end = editor_read(terminal->editor, &line);
	terminal->in_command = false;
	if (end == EDITOR_LINE) {
		char *copy = strdup(line);
		commands_run(terminal->options.session, terminal->options.target,
			     terminal->options.tls, copy ? copy : "", &result);
		fflush(stdout);
		if (copy && !result.is_secret)
			editor_remember(terminal->editor, copy);
		free(copy);
		terminal->is_told_to_end |= result.quits;
		/* Who closes wants to open another one. */
		terminal->stays |=
			was_open && !sonde_session_is_open(terminal->options.session);
		if (result.type[0])
			editor_type(terminal->editor, result.type);
		else if (typed)
			editor_type(terminal->editor, typed);
	} else if (end == EDITOR_EOF) {
		putchar('\n');
		if (!was_open)
			terminal->is_told_to_end = true;
	}
	free(typed);
}

void terminal_listen_only(struct terminal *terminal)
{
	struct sonde_error err;

	putchar('\n');
	terminal->partial_used = 0;
	if (sonde_session_end(terminal->options.session, &err) < 0) {
		end_connection(terminal, -1, &err);
		return;
	}
	message_note(terminal->options.output,
		     "our half is closed; ^C ends, and so does the peer");
	while (terminal_wait_for_key(terminal)) {
		char ignored[256];
		ssize_t got = read(STDIN_FILENO, ignored, sizeof(ignored));
		if (got <= 0)
			break;
	}
}

static void read_line(struct terminal *terminal)
{
	const char *line;

	set_prompt(terminal);
	switch (editor_read(terminal->editor, &line)) {
	case EDITOR_LINE:
		editor_remember(terminal->editor, line);
		terminal_send_line(terminal, line);
		break;
	case EDITOR_EOF:
		terminal_listen_only(terminal);
		break;
	case EDITOR_ESCAPE:
		terminal_read_command(terminal, line);
		break;
	case EDITOR_STOPPED:
		/* What was typed before telnet took the keys. */
		if (sonde_session_typing(terminal->options.session) == SONDE_TYPING_KEYS)
			terminal_send_keys(terminal, line, strnlen(line, 200));
		break;
	}
}

struct terminal *terminal_new(const struct terminal_options *options)
{
	struct terminal *terminal = calloc(1, sizeof(*terminal));

	if (!terminal)
		return NULL;
	terminal->options = *options;
	terminal->keys.passes_all = options->passes_all;
	terminal->editor = editor_new(terminal_wait_for_key, terminal);
	if (!terminal->editor) {
		free(terminal);
		return NULL;
	}
	set_prompt(terminal);
	return terminal;
}

void terminal_free(struct terminal *terminal)
{
	if (!terminal)
		return;
	keys_off(&terminal->keys);
	editor_free(terminal->editor);
	free(terminal);
}

int terminal_run(struct terminal *terminal)
{
	struct sonde_session *session = terminal->options.session;

	terminal->stays = !sonde_session_is_open(session);
	while (!terminal->is_told_to_end) {
		terminal->typing = sonde_session_typing(session);
		if (sonde_session_is_open(session)) {
			if (terminal->typing == SONDE_TYPING_LINES)
				read_line(terminal);
			else
				terminal_read_keys(terminal);
		} else if (terminal->stays) {
			terminal->peer_is_gone = false;
			terminal->status = STATUS_DONE;
			terminal_read_command(terminal, "");
		} else {
			break;
		}
		if (terminal->peer_is_gone && !terminal->stays)
			break;
	}
	fflush(stdout);
	return terminal->status;
}
