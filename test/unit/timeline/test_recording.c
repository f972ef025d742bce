/* The recording: it owns copies, keeps limits, sorts its packets. */
#include "story.h"

#include <stdio.h>

#include "base/limits.h"

static void test_owns_copies(void **state)
{
	struct sonde_recording *recording = sonde_recording_new();
	char name[] = "client.py", argument[] = "-v", text[] = "sock.send(m)";
	const char *arguments[] = {argument, NULL, "x"};
	uint32_t places[] = {1, 2};
	struct sonde_watched watched = {.socket = 7, .wanted = SONDE_READY_READ};

	(void)state;
	assert_non_null(recording);
	assert_int_equal(
		sonde_recording_add_program(
			recording, &(struct sonde_program){.name = name,
							   .argument_count = 3,
							   .arguments = arguments}),
		1);
	assert_int_equal(
		sonde_recording_add_place(recording, &(struct sonde_place){.text = text}),
		1);
	assert_int_equal(sonde_recording_add_stack(
				 recording, &(struct sonde_stack){.place_count = 2,
								  .places = places}),
			 1);
	assert_int_equal(sonde_recording_add_call(
				 recording, &(struct sonde_call){.name = name,
								 .watched = &watched,
								 .watched_count = 1}),
			 1);
	assert_int_equal(sonde_recording_add_note(recording, SONDE_WARNING, text, NULL),
			 1);
	assert_int_equal(sonde_recording_add_interface(
				 recording, &(struct sonde_interface){.name = name}),
			 1);
	name[0] = argument[0] = text[0] = '?';
	places[0] = 9;
	watched.socket = 9;
	assert_string_equal(recording->programs[0].name, "client.py");
	assert_int_equal(recording->programs[0].program, 1);
	assert_string_equal(recording->programs[0].arguments[0], "-v");
	assert_null(recording->programs[0].arguments[1]);
	assert_string_equal(recording->programs[0].arguments[2], "x");
	assert_null(recording->programs[0].interpreter);
	assert_string_equal(recording->places[0].text, "sock.send(m)");
	assert_null(recording->places[0].file);
	assert_int_equal(recording->stacks[0].places[0], 1);
	assert_int_equal(recording->calls[0].watched[0].socket, 7);
	assert_string_equal(recording->notes[0].text, "sock.send(m)");
	assert_null(recording->notes[0].hint);
	/* Equal strings are one. */
	assert_ptr_equal(recording->calls[0].name, recording->programs[0].name);
	sonde_recording_free(recording);
	sonde_recording_free(NULL);
}

static void test_watched(void **state)
{
	struct sonde_recording *recording = sonde_recording_new();
	struct sonde_watched watched[LIMIT_WATCHED + 1] = {{.socket = 1}};
	const struct sonde_watched *own;

	(void)state;
	sonde_recording_add_call(
		recording, &(struct sonde_call){.watched = watched, .watched_count = 1});
	watched[0].ready = SONDE_READY_READ;
	assert_int_equal(sonde_recording_set_watched(recording, 1, watched, 1), 0);
	assert_int_equal(recording->calls[0].watched[0].ready, SONDE_READY_READ);
	assert_int_equal(
		sonde_recording_set_watched(recording, 1, watched, LIMIT_WATCHED + 1), 0);
	assert_int_equal(recording->calls[0].watched_count, LIMIT_WATCHED);
	/* Fewer take the room of those before. */
	own = recording->calls[0].watched;
	assert_int_equal(sonde_recording_set_watched(recording, 1, watched, 3), 0);
	assert_int_equal(recording->calls[0].watched_count, 3);
	assert_ptr_equal(recording->calls[0].watched, own);
	assert_true(recording->calls[0].flags & SONDE_CALL_WATCH_CUT);
	assert_int_equal(sonde_recording_set_watched(recording, 1, NULL, 0), 0);
	assert_int_equal(recording->calls[0].watched_count, 0);
	assert_int_equal(sonde_recording_set_watched(recording, 2, watched, 1), -EINVAL);
	assert_int_equal(sonde_recording_set_watched(recording, 0, watched, 1), -EINVAL);
	sonde_recording_free(recording);
}

static void test_seal(void **state)
{
	static const int64_t times[] = {30, 10, 20, 10, 5};
	static const uint32_t frames[] = {1, 2, 3, 4, 5}, sorted[] = {5, 2, 4, 3, 1};
	struct sonde_recording *recording = sonde_recording_new();

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			sonde_recording_add_packet(
				recording, &(struct sonde_packet){.at_ns = times[i],
								  .frame = frames[i]}),
			i + 1);
	sonde_recording_seal(recording);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(recording->packets[i].frame, sorted[i]);
		assert_int_equal(recording->packets[i].packet, i + 1);
	}
	sonde_recording_free(recording);
}

static void test_many(void **state)
{
	struct sonde_recording *recording = sonde_recording_new();
	char name[32], big[100000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "name %d", i);
		if (i % 1000 == 500) {
			big[0] = (char)('a' + i / 1000);
			assert_int_equal(
				sonde_recording_add_place(
					recording,
					&(struct sonde_place){.file = big, .text = name}),
				i + 1);
			continue;
		}
		assert_int_equal(
			sonde_recording_add_place(
				recording,
				&(struct sonde_place){.file = name, .text = "same"}),
			i + 1);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "name %d", i);
		if (i % 1000 == 500) {
			assert_int_equal(strlen(recording->places[i].file),
					 sizeof(big) - 1);
			assert_int_equal(recording->places[i].file[0], 'a' + i / 1000);
		} else {
			assert_string_equal(recording->places[i].file, name);
			assert_ptr_equal(recording->places[i].text,
					 recording->places[0].text);
		}
	}
	sonde_recording_free(recording);
}

static void test_limits(void **state)
{
	struct sonde_recording *recording = sonde_recording_new();
	uint32_t places[LIMIT_STACK_DEPTH + 5] = {0};

	(void)state;
	for (int i = 0; i < LIMIT_NOTES; i++)
		assert_int_equal(
			sonde_recording_add_note(recording, SONDE_NOTE, "a", "b"), i + 1);
	assert_int_equal(sonde_recording_add_note(recording, SONDE_NOTE, "a", "b"),
			 -E2BIG);
	assert_int_equal(recording->note_count, LIMIT_NOTES);
	sonde_recording_add_stack(
		recording, &(struct sonde_stack){.place_count = LIMIT_STACK_DEPTH + 5,
						 .places = places});
	assert_int_equal(recording->stacks[0].place_count, LIMIT_STACK_DEPTH);
	assert_true(recording->stacks[0].is_cut);
	sonde_recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owns_copies), cmocka_unit_test(test_watched),
		cmocka_unit_test(test_seal),        cmocka_unit_test(test_many),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
