/* Command lines, as users type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "option.h"

static const char *const colors[] = {"auto", "always", "never", NULL};

static const struct option table[] = {
	{.name = "with",
	 .letter = 'W',
	 .type = OPTION_TEXT,
	 .argument = "CMD",
	 .repeats = true},
	{.name = "output", .letter = 'o', .type = OPTION_FILE, .argument = "FILE"},
	{.name = "full", .letter = 'f'},
	{.name = "count",
	 .letter = 'n',
	 .type = OPTION_INT,
	 .argument = "N",
	 .least = -5,
	 .most = 5},
	{.name = "any", .type = OPTION_INT, .argument = "N"},
	{.name = "size", .letter = 's', .type = OPTION_SIZE, .argument = "SIZE"},
	{.name = "for", .type = OPTION_DURATION, .argument = "DURATION"},
	{.name = "drop", .type = OPTION_PROBABILITY, .argument = "P"},
	{.name = "ring",
	 .type = OPTION_SIZE,
	 .argument = "SIZE",
	 .least = 1 << 10,
	 .most = 3 << 20,
	 .advice = "2M is much"},
	{.name = "rest", .type = OPTION_DURATION, .argument = "DURATION", .least = 1},
	{.name = NULL},
};
static const struct option other[] = {
	{.name = "color", .type = OPTION_CHOICE, .argument = "WHEN", .choices = colors},
	{.name = "verbose", .letter = 'v', .repeats = true},
	{.name = NULL},
};

enum { WORDS_MOST = 16 };

static struct arguments arguments;
static struct sonde_error err;
static char *words[WORDS_MOST];
static char storage[512];

/* Splits the line at its blanks; "''" is an empty word. */
static int split(const char *line)
{
	int count = 0;

	assert_true(strlen(line) < sizeof(storage));
	strcpy(storage, line);
	for (char *word = strtok(storage, " "); word; word = strtok(NULL, " ")) {
		assert_true(count < WORDS_MOST - 1);
		words[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
	}
	words[count] = NULL;
	return count;
}

static int parse_with(const struct option_syntax *syntax, const char *line)
{
	int count = split(line);

	arguments_done(&arguments);
	memset(&err, 0, sizeof(err));
	assert_int_equal(arguments_init(&arguments, count), 0);
	return arguments_parse(&arguments, syntax, words, count, false, &err);
}

static const struct option_syntax plain = {.operation = "trace",
					   .tables = {table, other}};

static void accepts(const char *line)
{
	assert_true(parse_with(&plain, line) >= 0);
}

static void refuses(const char *line, const char *subject, const char *hint)
{
	assert_int_equal(parse_with(&plain, line), -EINVAL);
	assert_int_equal(err.kind, SONDE_ERROR_USAGE);
	assert_string_equal(err.operation, "trace");
	assert_string_equal(err.subject, subject);
	if (hint)
		assert_non_null(strstr(err.hint, hint));
}

static void takes_values_in_every_spelling(void **state)
{
	static const char *const lines[] = {"--output x", "--output=x", "-o x",
					    "-ox",        "-fo x",      "-fox"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		accepts(lines[i]);
		assert_string_equal(arguments_text(&arguments, "output", NULL), "x");
		assert_int_equal(arguments_has(&arguments, "full"), i >= 4);
		assert_int_equal(arguments.operand_count, 0);
	}
	accepts("--output= a");
	assert_string_equal(arguments_text(&arguments, "output", NULL), "");
	assert_int_equal(arguments.operand_count, 1);
	accepts("-o --full"); /* as getopt(3): the value is the next word */
	assert_string_equal(arguments_text(&arguments, "output", NULL), "--full");
	assert_string_equal(arguments_text(&arguments, "with", "none"), "none");
}

static void counts_what_repeats(void **state)
{
	(void)state;
	accepts("--with a -vv x --with=b -W c --verbose");
	assert_int_equal(arguments_count(&arguments, "with"), 3);
	assert_string_equal(arguments_nth(&arguments, "with", 0), "a");
	assert_string_equal(arguments_nth(&arguments, "with", 1), "b");
	assert_string_equal(arguments_nth(&arguments, "with", 2), "c");
	assert_null(arguments_nth(&arguments, "with", 3));
	assert_int_equal(arguments_count(&arguments, "verbose"), 3);
	assert_int_equal(arguments.operand_count, 1);
	refuses("-o a --output b", "--output", NULL);
	assert_string_equal(err.reason, "given twice");
}

static void knows_where_options_end(void **state)
{
	const struct option_syntax stops = {
		.operation = "trace", .tables = {table, other}, .stops_at_operand = true};
	const struct option_syntax negative = {
		.operation = "calc", .tables = {table}, .has_negative_operands = true};

	(void)state;
	accepts("a --full b -- --output -f");
	assert_int_equal(arguments.operand_count, 4);
	assert_string_equal(arguments.operands[2], "--output");
	assert_null(arguments.operands[4]);

	assert_true(parse_with(&stops, "-f cmd -o x -- y") >= 0);
	assert_true(arguments_has(&arguments, "full"));
	assert_false(arguments_has(&arguments, "output"));
	assert_int_equal(arguments.operand_count, 5);
	assert_string_equal(arguments.operands[3], "--");
	assert_true(parse_with(&stops, "-- -f x") >= 0);
	assert_string_equal(arguments.operands[0], "-f");

	assert_true(parse_with(&negative, "sum -7 -o x -0") >= 0);
	assert_int_equal(arguments.operand_count, 3);
	assert_string_equal(arguments.operands[1], "-7");
	refuses("-7", "-7", NULL);
	accepts("- ''");
	assert_int_equal(arguments.operand_count, 2);

	assert_int_equal(split("-v --color never word --full"), 5);
	arguments_done(&arguments);
	assert_int_equal(arguments_init(&arguments, 5), 0);
	assert_int_equal(arguments_parse(&arguments, &plain, words, 5, true, &err), 3);
	assert_int_equal(arguments.operand_count, 0);
}

static void suggests_the_nearest(void **state)
{
	(void)state;
	refuses("--ouput x", "--ouput", "--output");
	refuses("--ful", "--ful", "--full");
	refuses("-full", "-u", "--full");
	refuses("-fx", "-x", NULL);
	refuses("--qqqqqqqq", "--qqqqqqqq", "sonde help trace");
	refuses("--color=alway", "--color alway", "always");
	refuses("--color blue", "--color blue", "auto, always, never");
	refuses("--full=yes", "--full", NULL);
	assert_string_equal(err.reason, "takes no value");
	refuses("a --output", "--output", NULL);
	assert_string_equal(err.reason, "needs a value: --output FILE");
	refuses("-o", "--output", NULL);
	/* Names are never abbreviated. */
	refuses("--out x", "--out", NULL);
}

static void reads_numbers(void **state)
{
	(void)state;
	accepts("-n -5 --any 0 -s 3k --for 1.5s --color never");
	assert_int_equal(arguments_number(&arguments, "count", 9), -5);
	assert_int_equal(arguments_number(&arguments, "any", 9), 0);
	assert_int_equal(arguments_number(&arguments, "size", 9), 3072);
	assert_int_equal(arguments_number(&arguments, "for", 9), 1500000000);
	assert_int_equal(arguments_number(&arguments, "color", 9), 2);
	accepts("");
	assert_int_equal(arguments_number(&arguments, "count", 9), 9);
	accepts("-s 2M");
	assert_int_equal(arguments_number(&arguments, "size", 9), 2 << 20);
	accepts("-s 8589934591G");
	assert_true(arguments_number(&arguments, "size", 9) == (LLONG_MAX >> 30) << 30);
	refuses("-s 8589934592G", "--size 8589934592G", NULL);
	refuses("-s 1K", "--size 1K", "k, M or G");
	refuses("-s k", "--size k", NULL);
	refuses("-s -1", "--size -1", NULL);
	accepts("--ring 1k --rest 1ns");
	accepts("--ring 3M");
	refuses("--ring 1023", "--ring 1023",
		"1k to 3M bytes, with k, M or G for more; 2M is much");
	refuses("--ring 4M", "--ring 4M", "1k to 3M bytes");
	refuses("--ring ''", "--ring ''", "1k to 3M bytes");
	refuses("--rest 0s", "--rest 0s", "more than 0");
	refuses("-n 6", "--count 6", "-5 to 5");
	refuses("-n 1x", "--count 1x", NULL);
	assert_string_equal(err.reason, "not a whole number");
	refuses("--any -1", "--any -1", "0 or more");
	assert_string_equal(err.reason, "out of range");
	refuses("--for 5", "--for 5", "250ms");
	refuses("--for -5s", "--for -5s", NULL);
	accepts("--drop 12.5%");
	assert_int_equal(arguments_number(&arguments, "drop", 9), 125000);
	accepts("--drop 0.0001%");
	assert_int_equal(arguments_number(&arguments, "drop", 9), 1);
	accepts("--drop 100%");
	assert_int_equal(arguments_number(&arguments, "drop", 9), 1000000);
	refuses("--drop 100.1%", "--drop 100.1%", "0% to 100%, as in 10% or 0.5%");
	assert_string_equal(err.reason, "out of range");
	refuses("--drop 101%", "--drop 101%", NULL);
	refuses("--drop 0.3", "--drop 0.3", NULL);
	assert_string_equal(err.reason, "not a probability");
	refuses("--drop 1.%", "--drop 1.%", NULL);
	refuses("--drop 0.00001%", "--drop 0.00001%", NULL);
	refuses("--drop %", "--drop %", NULL);
}

static void refuses_two_without_meaning(void **state)
{
	(void)state;
	accepts("--full -v");
	assert_int_equal(arguments_refuse_both(&arguments, "x", "full", "output", &err),
			 0);
	assert_int_equal(arguments_refuse_both(&arguments, "x", "full", "verbose", &err),
			 -EINVAL);
	assert_string_equal(err.subject, "--full --verbose");
}

static int forget(void **state)
{
	(void)state;
	arguments_done(&arguments);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_values_in_every_spelling),
		cmocka_unit_test(counts_what_repeats),
		cmocka_unit_test(knows_where_options_end),
		cmocka_unit_test(suggests_the_nearest),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(refuses_two_without_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
