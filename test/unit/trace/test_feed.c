/* The feed from the tracer to the recording: what goes in comes out, wherever it is cut.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "trace/feed.h"

enum { ROOM = 1 << 20 };

static uint8_t bytes[ROOM];

/* Feeds one of everything; returns how many bytes went through the pipe. */
static size_t feed_all(void)
{
	static struct feed feed;
	static const char *const arguments[] = {"/usr/bin/python3", "client.py", ""};
	static const struct sonde_program program = {
		.program = 1,
		.pid = 812,
		.name = "client.py",
		.argument_count = 3,
		.arguments = arguments,
		.exit_status = -1,
	};
	static const struct sonde_socket socket = {.socket = 1, .pid = 812, .fd = 3};
	static const struct sonde_place places[] = {
		{.place = 1,
		 .file = "client.py",
		 .function = "<module>",
		 .text = "x.send()",
		 .line = 7},
		{.place = 2, .file = "socket.py", .line = 294, .is_system = true},
	};
	static const uint32_t stack_places[] = {2, 1};
	static const struct sonde_stack stack = {
		.stack = 1,
		.place_count = 2,
		.places = stack_places,
		.user_place = 1,
	};
	struct sonde_watched watched[] = {{.socket = 1, .wanted = 1}};
	struct sonde_call call = {
		.call = 1,
		.program = 1,
		.socket = 1,
		.stack = 1,
		.kind = SONDE_CALL_WAIT,
		.name = "poll",
		.fd = -1,
		.watched_count = 1,
		.watched = watched,
	};
	struct sonde_program end = {.program = 1, .ended_ns = 99, .exit_status = 3};
	struct sonde_socket closed = {.socket = 1, .pid = 812, .fd = 3, .closed_by = 1};
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fcntl(fds[1], F_SETPIPE_SZ, ROOM);
	feed_init(&feed, fds[1]);
	feed_program(&feed, &program);
	feed_main_program(&feed, 1);
	feed_program_lines(&feed, 1, SONDE_LINES_READ, "Python 3.11.2");
	feed_socket(&feed, &socket);
	feed_place(&feed, &places[0]);
	feed_place(&feed, &places[1]);
	feed_stack(&feed, &stack);
	*feed_call(&feed, &call) = 1234567;
	watched[0].ready = 1;
	call.result = 1;
	call.exit_ns = 1234999;
	feed_return(&feed, &call);
	feed_socket_state(&feed, &closed);
	feed_note(&feed, SONDE_WARNING, "a note", NULL);
	feed_started(&feed);
	feed_program_end(&feed, &end);
	feed_calls_dropped(&feed, 5);
	feed_cost(&feed, 24, 4711);
	feed_main_status(&feed, 0x300);
	feed_flush(&feed);
	assert_int_equal(feed.error, 0);
	n = read(fds[0], bytes, sizeof(bytes));
	assert_true(n > 0);
	close(fds[0]);
	close(fds[1]);
	return (size_t)n;
}

static void check_recording(const struct feed_state *state)
{
	const struct sonde_recording *recording = state->recording;
	const struct sonde_program *program = &recording->programs[0];
	const struct sonde_call *call = &recording->calls[0];

	assert_int_equal(recording->program_count, 1);
	assert_string_equal(program->name, "client.py");
	assert_int_equal(program->argument_count, 3);
	assert_string_equal(program->arguments[1], "client.py");
	assert_string_equal(program->arguments[2], "");
	assert_string_equal(program->interpreter, "Python 3.11.2");
	assert_int_equal(program->lines, SONDE_LINES_READ);
	assert_int_equal(program->exit_status, 3);
	assert_int_equal(program->ended_ns, 99);
	assert_int_equal(recording->main_program, 1);
	assert_int_equal(recording->socket_count, 1);
	assert_int_equal(recording->sockets[0].closed_by, 1);
	assert_int_equal(recording->place_count, 2);
	assert_string_equal(recording->places[0].text, "x.send()");
	assert_null(recording->places[1].function);
	assert_true(recording->places[1].is_system);
	assert_int_equal(recording->stack_count, 1);
	assert_int_equal(recording->stacks[0].places[0], 2);
	assert_int_equal(recording->stacks[0].places[1], 1);
	assert_int_equal(recording->call_count, 1);
	assert_string_equal(call->name, "poll");
	assert_int_equal(call->enter_ns, 1234567);
	assert_int_equal(call->exit_ns, 1234999);
	assert_int_equal(call->watched_count, 1);
	assert_int_equal(call->watched[0].ready, 1);
	assert_int_equal(recording->note_count, 2);
	assert_null(recording->notes[0].hint);
	assert_int_equal(recording->calls_dropped, 5);
	assert_int_equal(recording->stops, 24);
	assert_int_equal(recording->held_ns, 4711);
	assert_non_null(strstr(recording->notes[1].text, "more calls"));
	assert_int_equal(state->main_status, 0x300);
	assert_true(state->is_started);
}

/* Gives the bytes in pieces of n at the most, and keeps what is not a whole record yet.
 */
static void take_in_pieces(size_t total, size_t n)
{
	struct feed_state state = {.recording = sonde_recording_new(), .main_status = -1};
	uint8_t *kept = malloc(total);
	size_t kept_count = 0;

	assert_non_null(state.recording);
	assert_non_null(kept);
	for (size_t at = 0; at < total; at += n) {
		size_t piece = total - at < n ? total - at : n;
		ssize_t used;

		memcpy(kept + kept_count, bytes + at, piece);
		kept_count += piece;
		used = feed_take(&state, kept, kept_count);
		assert_true(used >= 0);
		kept_count -= (size_t)used;
		memmove(kept, kept + used, kept_count);
	}
	assert_int_equal(kept_count, 0);
	check_recording(&state);
	free(kept);
	sonde_recording_free(state.recording);
}

static void comes_out_as_it_went_in(void **context)
{
	(void)context;
	size_t n = feed_all();

	take_in_pieces(n, n);
}

static void may_be_cut_anywhere(void **context)
{
	(void)context;
	size_t total = feed_all();

	for (size_t n = 1; n < 200; n++)
		take_in_pieces(total, n);
}

static void refuses_what_is_no_record(void **context)
{
	struct feed_state state = {.recording = sonde_recording_new(), .main_status = -1};
	uint32_t unknown[] = {999, 8}, too_short[] = {1, 4}, odd[] = {1, 13},
		 huge[] = {1, 1 << 30}, no_program[] = {3, 8};

	(void)context;
	assert_true(feed_take(&state, (uint8_t *)unknown, sizeof(unknown)) < 0);
	assert_true(feed_take(&state, (uint8_t *)too_short, sizeof(too_short)) < 0);
	assert_true(feed_take(&state, (uint8_t *)odd, sizeof(odd)) < 0);
	assert_true(feed_take(&state, (uint8_t *)huge, sizeof(huge)) < 0);
	assert_true(feed_take(&state, (uint8_t *)no_program, sizeof(no_program)) < 0);
	assert_int_equal(feed_take(&state, (uint8_t *)unknown, 4), 0);
	sonde_recording_free(state.recording);
}

static void a_failure_is_kept(void **context)
{
	static struct feed feed;
	struct sonde_error error;
	struct feed_state state = {.recording = sonde_recording_new(), .main_status = -1};
	int fds[2];
	ssize_t n;

	(void)context;
	sonde_error_set(&error, SONDE_ERROR_PERMISSION, -1, "isolate", "user namespace",
			NULL);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	feed_init(&feed, fds[1]);
	feed_failure(&feed, -1, &error);
	feed_flush(&feed);
	n = read(fds[0], bytes, sizeof(bytes));
	assert_int_equal(feed_take(&state, bytes, (size_t)n), n);
	assert_int_equal(state.failure, -1);
	assert_string_equal(state.error.subject, "user namespace");
	close(fds[0]);
	close(fds[1]);
	sonde_recording_free(state.recording);
}

/* Feeds through a pipe and takes it at once, as often as wanted. */
static void feed_often(struct feed_state *state, unsigned count,
		       void (*feed_one)(struct feed *feed, unsigned i))
{
	static struct feed feed;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fcntl(fds[1], F_SETPIPE_SZ, ROOM);
	feed_init(&feed, fds[1]);
	for (unsigned i = 0; i < count; i++) {
		ssize_t n;

		feed_one(&feed, i);
		if (i % 512 && i + 1 < count)
			continue;
		feed_flush(&feed);
		assert_int_equal(feed.error, 0);
		n = read(fds[0], bytes, sizeof(bytes));
		assert_int_equal(feed_take(state, bytes, (size_t)n), n);
	}
	close(fds[0]);
	close(fds[1]);
}

static void feed_a_note(struct feed *feed, unsigned i)
{
	char text[32];

	snprintf(text, sizeof(text), "note %u", i);
	feed_note(feed, SONDE_WARNING, text, NULL);
}

static void more_notes_than_are_kept(void **context)
{
	struct feed_state state = {.recording = sonde_recording_new(), .main_status = -1};
	const struct sonde_recording *recording = state.recording;

	(void)context;
	feed_often(&state, LIMIT_NOTES * 3, feed_a_note);
	assert_in_range(recording->note_count, 200, LIMIT_NOTES - 1);
	assert_string_equal(recording->notes[0].text, "note 0");
	assert_non_null(
		strstr(recording->notes[recording->note_count - 1].text, "more to note"));
	assert_null(
		strstr(recording->notes[recording->note_count - 2].text, "more to note"));
	sonde_recording_free(state.recording);
}

static void feed_a_place(struct feed *feed, unsigned i)
{
	feed_place(feed, &(struct sonde_place){.place = i + 1, .line = 1});
}

static void a_full_recording_is_said(void **context)
{
	struct feed_state state = {.recording = sonde_recording_new(), .main_status = -1};

	(void)context;
	feed_often(&state, LIMIT_PLACES - 1, feed_a_place);
	assert_int_equal(state.recording->note_count, 0);
	feed_often(&state, 1, feed_a_place);
	assert_int_equal(state.recording->place_count, LIMIT_PLACES);
	assert_int_equal(state.recording->note_count, 1);
	assert_non_null(strstr(state.recording->notes[0].text, "1048576 places"));
	sonde_recording_free(state.recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_as_it_went_in),
		cmocka_unit_test(may_be_cut_anywhere),
		cmocka_unit_test(refuses_what_is_no_record),
		cmocka_unit_test(a_failure_is_kept),
		cmocka_unit_test(more_notes_than_are_kept),
		cmocka_unit_test(a_full_recording_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
