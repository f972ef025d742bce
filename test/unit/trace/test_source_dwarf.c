/* The reader of native code, held against programs whose stacks are known. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "trace/source.h"
#include "tracee.h"

enum { PROCESSES = 8, STACKS = 64, STACK_CHARS = 2048, WORD_CHARS = 128 };

struct stack {
	char text[STACK_CHARS];
	uint64_t code; /* of its statement */
	unsigned depth;
	bool is_cut;
};

/* What one run of a program showed. */
struct run {
	struct {
		pid_t pid;
		struct source_dwarf *dwarf;
		bool has_lines;
	} processes[PROCESSES];
	unsigned process_count;
	struct stack stacks[STACKS];
	unsigned count;
};

static struct run run;
static char folder[256]; /* of this program, and of those that it runs */

static void drop_run(void)
{
	for (unsigned i = 0; i < run.process_count; i++)
		source_dwarf_free(run.processes[i].dwarf);
	run = (struct run){0};
}

static int begin(void **state)
{
	(void)state;
	drop_run();
	return 0;
}

/* The word in the comment at the end of a line: "leaf"; "?" if there is none. */
static void read_word(pid_t pid, const struct source_frame *frame, char ret[WORD_CHARS])
{
	char line[LIMIT_SOURCE_LINE + 1];
	const char *comment;

	snprintf(ret, WORD_CHARS, "?");
	if (frame->line == 0 || source_text_read(pid, frame->file, frame->line, line) < 0)
		return;
	comment = strstr(line, "/* ");
	if (comment)
		sscanf(comment, "/* %100s */", ret);
}

/* "leaf@leaf < middle@middle < nested@main": of each frame of the program's own the word
 * at its line, if it has one, and the function. */
static void format(pid_t pid, const struct source_stack *stack, struct stack *ret)
{
	size_t used = 0;
	bool has_statement = false;

	ret->text[0] = '\0';
	ret->depth = stack->count;
	ret->is_cut = stack->is_cut;
	for (unsigned i = 0; i < stack->count && used < STACK_CHARS - 1; i++) {
		const struct source_frame *frame = &stack->frames[i];
		char word[WORD_CHARS];

		if (frame->is_system)
			continue;
		if (!has_statement)
			ret->code = frame->code;
		has_statement = true;
		read_word(pid, frame, word);
		used += (size_t)snprintf(ret->text + used, STACK_CHARS - used, "%s%s%s%s",
					 used ? " < " : "", frame->line ? word : "",
					 frame->line ? "@" : "",
					 frame->function ? frame->function : "-");
	}
}

static void look(void *context, pid_t pid, pid_t tid, long number)
{
	struct source_stack stack;
	unsigned i = 0;
	int r;

	(void)context;
	if (number != SYS_getppid || run.count == STACKS)
		return;
	while (i < run.process_count && run.processes[i].pid != pid)
		i++;
	if (i == PROCESSES)
		return;
	if (i == run.process_count) {
		run.processes[i].pid = pid;
		if (source_dwarf_open(pid, &run.processes[i].dwarf,
				      &run.processes[i].has_lines) < 0)
			return;
		run.process_count++;
	}
	r = source_dwarf_read(run.processes[i].dwarf, tid, &stack);
	if (r == 0)
		format(pid, &stack, &run.stacks[run.count++]);
	else
		snprintf(run.stacks[run.count++].text, STACK_CHARS, "(%s)", strerror(-r));
}

static void run_program(const char *name)
{
	char program[512], plugin[512], other[512];
	char *arguments[] = {program, plugin, other, plugin, NULL};

	snprintf(program, sizeof(program), "%s/%s", folder, name);
	snprintf(plugin, sizeof(plugin), "%s/native_plugin.so", folder);
	snprintf(other, sizeof(other), "%s/native_other.so", folder);
	int status = tracee_run(arguments, look, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect(const char *name, const char *const *expected)
{
	run_program(name);
	for (unsigned i = 0; expected[i] || i < run.count; i++) {
		const char *got = i < run.count ? run.stacks[i].text : "(none)";
		const char *wanted = expected[i] ? expected[i] : "(none)";
		if (strcmp(got, wanted) != 0)
			fail_msg("%s, stack %u:\n  got    %s\n  wanted %s", name, i, got,
				 wanted);
	}
}

/* ---- with lines ---- */

#define DEEP_8                                                                           \
	"descend@descend < descend@descend < descend@descend < descend@descend < "       \
	"descend@descend < descend@descend < descend@descend < descend@descend < "
/* libc has one frame more, the innermost. */
#define DEEP_30                                                                          \
	DEEP_8 DEEP_8 DEEP_8 "descend@descend < descend@descend < descend@descend < "    \
			     "descend@descend < descend@descend < descend@descend"

#define START "direct@main", "leaf@leaf < middle@middle < nested@main"
#define MIDST                                                                            \
	"twice@main", "twice@main",                                                      \
		"bottom@descend < descend@descend < descend@descend < "                  \
		"descend@descend < descended@main",                                      \
		"bottom@descend < " DEEP_30, "wide@wide < widened@main",                 \
		"aligned@aligned < forced@main", "compare@compare < sort@main",          \
		"signal@on_signal < raise@main",                                         \
		"handler@on_fault < fault@fault < faulted@main", "work@work",            \
		"child@fork_once < forked@main"
#define PLUGINS                                                                          \
	"plugin@plugin_call < plug@plug < plugged@main",                                 \
		"other@deeper < outer@plugin_call < plug@plug < plugged@main",           \
		"plugin@plugin_call < plug@plug < plugged@main"
#define END "leave@leave < last@main"

static void check_lines(const char *name, bool is_optimised, bool is_static)
{
	/* A tail call leaves the caller's line. */
	const char *tail = is_optimised ? "tailed@main" : "tail@tail < tailed@main";
	const char *const dynamic_stacks[] = {START, tail, MIDST, PLUGINS, END, NULL};
	const char *const static_stacks[] = {START, tail, MIDST, END, NULL};

	expect(name, is_static ? static_stacks : dynamic_stacks);
	assert_true(run.processes[0].has_lines);
	/* Two calls on a line are two instructions. */
	assert_true(run.stacks[3].code != run.stacks[4].code);
	assert_false(run.stacks[5].is_cut);
	assert_true(run.stacks[6].is_cut);
	assert_int_equal(run.stacks[6].depth, LIMIT_STACK_DEPTH);
	assert_int_equal(run.process_count, 2);
}

static void test_unoptimised(void **state)
{
	(void)state;
	check_lines("native_o0", false, false);
}

static void test_optimised(void **state)
{
	(void)state;
	check_lines("native_o2", true, false);
}

static void test_dwarf4(void **state)
{
	(void)state;
	check_lines("native_o3_dwarf4", true, false);
}

static void test_compressed(void **state)
{
	(void)state;
	check_lines("native_compressed", true, false);
}

static void test_frame_pointer(void **state)
{
	(void)state;
	check_lines("native_frame", false, false);
}

static void test_no_pie(void **state)
{
	(void)state;
	check_lines("native_no_pie", true, false);
}

static void test_static(void **state)
{
	(void)state;
	check_lines("native_static", true, true);
}

/* ---- without ---- */

/* "leaf+0x12 < main+0x34" as "leaf < main". */
static void drop_offsets(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (strncmp(from, "+0x", 3) == 0)
			from += 3 + strspn(from + 3, "0123456789abcdef");
		else
			*to++ = *from++;
	}
	*to = '\0';
}

static void expect_symbol(unsigned i, const char *wanted)
{
	assert_true(i < run.count);
	assert_non_null(strstr(run.stacks[i].text, "+0x"));
	drop_offsets(run.stacks[i].text);
	assert_string_equal(run.stacks[i].text, wanted);
}

static void test_symbols(void **state)
{
	(void)state;
	run_program("native_symbols");
	assert_false(run.processes[0].has_lines);
	expect_symbol(0, "main");
	expect_symbol(1, "leaf < middle < main");
	expect_symbol(2, "tail < main");
	expect_symbol(10, "on_signal < main");
	expect_symbol(12, "work");
	/* The plugin alone has lines: its own are the statement. */
	assert_int_equal(run.count, 18);
	assert_string_equal(run.stacks[14].text, "plugin@plugin_call");
}

static void test_static_symbols(void **state)
{
	(void)state;
	run_program("native_static_symbols");
	assert_false(run.processes[0].has_lines);
	/* libc's own function, which is in the program too, is not the statement. */
	expect_symbol(0, "main");
	expect_symbol(1, "leaf < middle < main");
	expect_symbol(2, "tail < main");
}

static void test_stripped(void **state)
{
	(void)state;
	run_program("native_stripped");
	assert_false(run.processes[0].has_lines);
	/* What called main is no statement, also where it has no name. */
	expect_symbol(0, "native_stripped");
	expect_symbol(1, "native_stripped < native_stripped < native_stripped");
	expect_symbol(12, "native_stripped");
}

/* ---- debug information in a file of its own ---- */

static void run_shell(const char *command)
{
	int status = system(command);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static char split_folder[] = "/tmp/sonde-test-dwarf-XXXXXX";

static void split(const char *more)
{
	char command[2048];

	snprintf(command, sizeof(command),
		 "cd %s && cp %s/native_o0 split && rm -rf .debug && mkdir .debug && "
		 "objcopy --only-keep-debug split .debug/split.debug && "
		 "objcopy --strip-all --remove-section=.note.gnu.build-id "
		 "--add-gnu-debuglink=.debug/split.debug split && %s",
		 split_folder, folder, more);
	run_shell(command);
}

static void run_split(void)
{
	char program[512];
	char *arguments[] = {program, NULL};

	snprintf(program, sizeof(program), "%s/split", split_folder);
	int status = tracee_run(arguments, look, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(run.count > 2);
}

static void test_split(void **state)
{
	(void)state;
	split("true");
	run_split();
	assert_string_equal(run.stacks[1].text,
			    "leaf@leaf < middle@middle < nested@main");
	assert_true(run.processes[0].has_lines);
}

/* One that belongs to another program is not believed. */
static void test_split_of_another(void **state)
{
	(void)state;
	split("printf x >>.debug/split.debug");
	run_split();
	expect_symbol(1, "split < split < split");
	assert_false(run.processes[0].has_lines);
}

static int make_split_folder(void **state)
{
	(void)state;
	return mkdtemp(split_folder) ? 0 : -1;
}

static int remove_split_folder(void **state)
{
	char command[512];

	(void)state;
	drop_run();
	snprintf(command, sizeof(command), "rm -rf %s", split_folder);
	return system(command);
}

/* ---- C++ ---- */

static void check_cxx(void)
{
	assert_int_equal(run.count, 3);
	assert_string_equal(run.stacks[0].text, "send@net::Client<int, 3>::send(char "
						"const*, unsigned int) < method@main");
	assert_string_equal(
		run.stacks[1].text,
		"hidden@net::(anonymous namespace)::hidden() < namespace@main");
	/* Its caller is a header of the standard library, which is left out here. */
	assert_memory_equal(run.stacks[2].text, "lambda@", 7);
	const char *caller = strrchr(run.stacks[2].text, '<');
	assert_non_null(caller);
	assert_string_equal(caller, "< each@main");
}

static void test_cxx(void **state)
{
	(void)state;
	run_program("native_cxx_o0");
	check_cxx();
}

static void test_cxx_optimised(void **state)
{
	(void)state;
	run_program("native_cxx_o2");
	check_cxx();
}

/* clang puts functions into their namespaces, and writes no index of addresses. */
static void test_cxx_of_clang(void **state)
{
	char command[1024];

	(void)state;
	snprintf(command, sizeof(command), "clang++-14 -O2 -g -w %s -o %s/split",
		 NATIVE_CXX_SOURCE, split_folder);
	run_shell(command);
	run_split();
	check_cxx();
}

static void test_cxx_symbols(void **state)
{
	(void)state;
	run_program("native_cxx_symbols");
	expect_symbol(0, "net::Client<int, 3>::send(char const*, unsigned int) < main");
	expect_symbol(1, "net::(anonymous namespace)::hidden() < main");
}

/* ---- processes that are not there ---- */

static void test_no_process(void **state)
{
	struct source_dwarf *dwarf = NULL;
	bool has_lines;

	(void)state;
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	assert_true(source_dwarf_open(child, &dwarf, &has_lines) < 0);
	assert_null(dwarf);
	/* One that runs and is not stopped has no stack. */
	assert_int_equal(source_dwarf_open(getpid(), &dwarf, &has_lines), 0);
	struct source_stack stack;
	assert_true(source_dwarf_read(dwarf, getpid(), &stack) < 0);
	source_dwarf_free(dwarf);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_unoptimised, begin),
		cmocka_unit_test_setup(test_optimised, begin),
		cmocka_unit_test_setup(test_dwarf4, begin),
		cmocka_unit_test_setup(test_compressed, begin),
		cmocka_unit_test_setup(test_frame_pointer, begin),
		cmocka_unit_test_setup(test_no_pie, begin),
		cmocka_unit_test_setup(test_static, begin),
		cmocka_unit_test_setup(test_symbols, begin),
		cmocka_unit_test_setup(test_static_symbols, begin),
		cmocka_unit_test_setup(test_stripped, begin),
		cmocka_unit_test_setup(test_split, begin),
		cmocka_unit_test_setup(test_split_of_another, begin),
		cmocka_unit_test_setup(test_cxx, begin),
		cmocka_unit_test_setup(test_cxx_optimised, begin),
		cmocka_unit_test_setup(test_cxx_of_clang, begin),
		cmocka_unit_test_setup(test_cxx_symbols, begin),
		cmocka_unit_test_setup(test_no_process, begin),
	};
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	char *slash = n > 0 ? strrchr(folder, '/') : NULL;

	(void)argc;
	(void)argv;
	if (!slash)
		return 1;
	*slash = '\0';
	return cmocka_run_group_tests(tests, make_split_folder, remove_split_folder);
}
