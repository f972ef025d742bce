/* Lines of cells: widths, cuts, escapes, colours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"

static struct canvas canvas;
static struct output output;
static char *printed;
static size_t printed_bytes;

static void begin(unsigned width, bool has_utf8)
{
	memset(&output, 0, sizeof(output));
	output.width = width;
	output.has_utf8 = has_utf8;
	output.file = open_memstream(&printed, &printed_bytes);
	assert_non_null(output.file);
	canvas_init(&canvas, &output);
}

static void prints(const char *wanted)
{
	canvas_print(&canvas, &output);
	assert_int_equal(fclose(output.file), 0);
	assert_int_equal(output.error, 0);
	assert_string_equal(printed, wanted);
	free(printed);
	printed = NULL;
}

static void shows(const char *text, unsigned width, const char *wanted)
{
	begin(width, true);
	canvas_text(&canvas, 0, width, text, INK_PLAIN);
	prints(wanted);
}

static void cuts_with_an_ellipsis(void **state)
{
	(void)state;
	shows("abcdef", 6, "abcdef\n");
	shows("abcdef", 5, "abcd…\n");
	shows("abcdef", 1, "…\n");
	shows("abcdef", 0, "\n");
	shows("", 5, "\n");
	shows("ab   ", 8, "ab\n");
	begin(6, false);
	assert_int_equal(canvas_text(&canvas, 0, 6, "abcdefgh", INK_PLAIN), 6);
	prints("abcd..\n");
}

static void counts_columns_not_bytes(void **state)
{
	(void)state;
	shows("größe", 5, "größe\n");
	shows("größen", 5, "größ…\n");
	/* Two columns each; half of one is never shown. */
	shows("日本語", 6, "日本語\n");
	shows("日本語", 5, "日本…\n");
	shows("日本語", 4, "日…\n");
	/* e and a combining acute: one column. */
	shows("e\xcc\x81t\xc3\xa9", 3, "e\xcc\x81t\xc3\xa9\n");
	begin(20, true);
	assert_int_equal(canvas_measure(&canvas, "日本 e\xcc\x81"), 6);
	canvas_text(&canvas, 0, 10, "日本", INK_PLAIN);
	canvas_text(&canvas, 5, 10, "x", INK_PLAIN);
	prints("日本 x\n");
}

static void escapes_what_would_harm(void **state)
{
	(void)state;
	shows("a\033[31mb", 20, "a\\x1b[31mb\n");
	shows("a\tb\nc\rd", 20, "a b\\nc\\rd\n");
	shows("\x7f\xff\xc3", 20, "\\x7f\\xff\\xc3\n");
	shows("\xc2\x9b", 20, "\\u009b\n");
	shows("\xe2\x80\xaegnp", 20, "\\u202egnp\n");
	/* Source text keeps its backslashes. */
	shows("send(b'\\n')", 20, "send(b'\\n')\n");
	begin(20, false);
	canvas_text(&canvas, 0, 20, "größe 😀", INK_PLAIN);
	prints("gr\\u00f6\\u00dfe ..\n");
}

static void breaks_where_it_reads_well(void **state)
{
	(void)state;
	begin(80, true);
	assert_int_equal(canvas_break(&canvas, "sock.connect((HOST, PORT))", 80), 26);
	assert_int_equal(canvas_break(&canvas, "sock.connect((HOST, PORT))", 22), 20);
	assert_int_equal(canvas_break(&canvas, "sock.connect((HOST, PORT))", 18), 14);
	/* Never so early that the line is mostly empty. */
	assert_int_equal(canvas_break(&canvas, "a.bcdefghijklmnop", 10), 10);
	assert_int_equal(canvas_break(&canvas, "größengrößengrößen", 6), 8);
	assert_int_equal(canvas_break(&canvas, "ready, 3.00 ms", 9), 7);
	assert_int_equal(canvas_break(&canvas, "", 6), 0);
	prints("\n");
}

static void colors_only_what_is_colored(void **state)
{
	(void)state;
	begin(20, true);
	output.has_color = true;
	canvas_text(&canvas, 0, 5, "ab", INK_PLAIN);
	canvas_text(&canvas, 3, 5, "cd", INK_ERROR);
	canvas_sign(&canvas, 5, "▶", '>', INK_ERROR);
	prints("ab \033[31mcd▶\033[0m\n");
	begin(20, false);
	canvas_text(&canvas, 0, 5, "ab", INK_ERROR);
	canvas_sign(&canvas, 2, "▶", '>', INK_ERROR);
	prints("ab>\n");
}

static void stays_inside_the_line(void **state)
{
	(void)state;
	begin(4, true);
	canvas_text(&canvas, 2, 10, "abcdef", INK_PLAIN);
	canvas_sign(&canvas, 4, "▶", '>', INK_PLAIN);
	canvas_sign(&canvas, 4000, "▶", '>', INK_PLAIN);
	prints("  ab\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_with_an_ellipsis),
		cmocka_unit_test(counts_columns_not_bytes),
		cmocka_unit_test(escapes_what_would_harm),
		cmocka_unit_test(breaks_where_it_reads_well),
		cmocka_unit_test(colors_only_what_is_colored),
		cmocka_unit_test(stays_inside_the_line),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
