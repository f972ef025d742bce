/* Lines broken between words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wrap.h"

static void becomes(const char *text, unsigned columns, unsigned indent,
		    const char *wanted)
{
	char storage[4096];
	struct sonde_text to;

	sonde_text_init(&to, storage, sizeof(storage));
	wrap_add(&to, text, columns, indent);
	assert_false(to.cut);
	assert_string_equal(storage, wanted);
}

static void breaks_between_words(void **state)
{
	(void)state;
	becomes("", 40, 6, "");
	becomes("hint: short", 40, 6, "hint: short");
	becomes("hint: which has exactly forty columns yes", 41, 6,
		"hint: which has exactly forty columns yes");
	becomes("hint: which has exactly forty columns yes", 40, 6,
		"hint: which has exactly forty columns\n      yes");
	becomes("hint: a second line, and then a third one which is indented like it", 40,
		6,
		"hint: a second line, and then a third\n      one which is indented like "
		"it");
	becomes("hint: two  spaces stay,  but not where the line  breaks", 40, 6,
		"hint: two  spaces stay,  but not where\n      the line  breaks");
	becomes("ends with spaces   ", 40, 6, "ends with spaces");
	becomes("   ", 40, 6, "");
}

/* It would be torn on a line of its own as well. */
static void leaves_long_words_whole(void **state)
{
	(void)state;
	becomes("read: /a/path/that/is/longer/than/a/whole/line: missing", 20, 2,
		"read: /a/path/that/is/longer/than/a/whole/line: missing");
	/* The terminal's third line is full behind it. */
	becomes("read: /a/path/that/is/longer/than/line1: missing", 20, 2,
		"read: /a/path/that/is/longer/than/line1:\n  missing");
	becomes("/a/path/that/is/longer/than/a/line/of/it: missing words", 40, 2,
		"/a/path/that/is/longer/than/a/line/of/it: missing words");
	/* One that has room below goes there. */
	becomes("read: some /a/path/of/18", 20, 2, "read: some\n  /a/path/of/18");
}

static void counts_columns_not_bytes(void **state)
{
	(void)state;
	becomes("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc one two three", 20, 2,
		"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc one two three");
	/* U+4E2D is two columns wide. */
	becomes("\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad one two three", 20, 2,
		"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad one two\n  three");
}

static void leaves_lines_where_there_is_no_room(void **state)
{
	const char *text = "hint: this is not a terminal, or it has no width";

	(void)state;
	becomes(text, 0, 6, text);
	becomes(text, 19, 6, text);
	/* A small one has no room for a wide indent. */
	becomes("hint: this is a small terminal", 20, 6,
		"hint: this is a\n  small terminal");
}

/* Never is a line longer than the terminal, a word lost or a word torn. */
static void holds_for_every_width(void **state)
{
	const char *text =
		"sonde: scan 192.0.2.7: a sentence of many words, some of which "
		"are rather longwinded, and a b c d e f g";
	char storage[4096], *rest = NULL;
	struct sonde_text to;

	(void)state;
	for (unsigned columns = 20; columns < 130; columns++) {
		char joined[4096] = "";

		sonde_text_init(&to, storage, sizeof(storage));
		wrap_add(&to, text, columns, 7);
		for (char *line = strtok_r(storage, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest)) {
			assert_true(strlen(line) <= columns);
			if (joined[0])
				strcat(joined, " ");
			strcat(joined, line + strspn(line, " "));
		}
		assert_string_equal(joined, text);
	}
}

static void asks_the_terminal(void **state)
{
	struct winsize size = {.ws_col = 91, .ws_row = 24};
	int leader = posix_openpt(O_RDWR | O_NOCTTY), follower;
	int pipe_fds[2];

	(void)state;
	assert_true(leader >= 0);
	assert_int_equal(grantpt(leader) | unlockpt(leader), 0);
	follower = open(ptsname(leader), O_RDWR | O_NOCTTY);
	assert_true(follower >= 0);
	assert_int_equal(wrap_columns(follower), 0);
	assert_int_equal(ioctl(leader, TIOCSWINSZ, &size), 0);
	assert_int_equal(wrap_columns(follower), 91);
	close(follower);
	close(leader);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(wrap_columns(pipe_fds[1]), 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaks_between_words),
		cmocka_unit_test(leaves_long_words_whole),
		cmocka_unit_test(counts_columns_not_bytes),
		cmocka_unit_test(leaves_lines_where_there_is_no_room),
		cmocka_unit_test(holds_for_every_width),
		cmocka_unit_test(asks_the_terminal),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
