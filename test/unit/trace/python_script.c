/* Python scripts whose stacks are read from outside. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "python_script.h"
#include "tracee.h"

enum { TESTS = 32 };

struct run run;
const struct python *python;
static char folder[] = "/tmp/sonde-test-python-XXXXXX";
static char script_path[256];

void script_drop(void)
{
	for (unsigned i = 0; i < run.process_count; i++)
		if (run.processes[i].found == SOURCE_READY)
			source_python_free(run.processes[i].python);
	run = (struct run){0};
}

int script_begin(void **state)
{
	(void)state;
	script_drop();
	return 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "inner.py:3 f < outer.py:9 <module>"; of system modules without lines, which differ
 * between releases: "[socket.py accept]". */
static void format(const struct source_stack *stack, char ret[STACK_CHARS])
{
	size_t used = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < stack->count && used < STACK_CHARS - 1; i++) {
		const struct source_frame *frame = &stack->frames[i];
		const char *file = last_part(frame->file);
		int n = frame->is_system && !run.shows_lines
				? snprintf(ret + used, STACK_CHARS - used, "%s[%s %s]",
					   i ? " < " : "", file, frame->function)
				: snprintf(ret + used, STACK_CHARS - used, "%s%s:%d %s",
					   i ? " < " : "", file, frame->line,
					   frame->function);
		used += (size_t)n;
	}
}

void script_look(void *context, pid_t pid, pid_t tid, long number)
{
	struct source_stack stack;
	unsigned i = 0;

	(void)context;
	while (i < run.process_count && run.processes[i].pid != pid)
		i++;
	if (number == -1 && i < run.process_count &&
	    run.processes[i].found == SOURCE_READY) {
		/* An exec: what was known is of another image. */
		source_python_free(run.processes[i].python);
		run.processes[i].found = SOURCE_NOT_MINE;
	}
	if (number == -1 && !run.marks_start)
		return;
	if (i == PROCESSES || run.count == STACKS)
		return;
	if (i == run.process_count) {
		run.process_count++;
		run.processes[i].pid = pid;
	}
	/* At the very first call an interpreter that is a library is not there yet. */
	if (run.processes[i].found == SOURCE_NOT_MINE)
		run.processes[i].found = source_python_open(pid, &run.processes[i].python,
							    run.processes[i].version);
	if (run.processes[i].found != SOURCE_READY)
		return;
	int r = source_python_read(run.processes[i].python, tid, &stack);
	if (number == -1) {
		run.at_start = r;
		return;
	}
	if ((number == SYS_exit_group && !run.marks_exits) ||
	    (number == SYS_accept4 && !run.marks_accepts))
		return;
	if (r == 0) {
		run.depth = stack.count;
		run.is_cut = stack.is_cut;
		format(&stack, run.stacks[run.count++]);
	} else {
		snprintf(run.stacks[run.count++], STACK_CHARS, "(%s)",
			 r == -ENOENT ? "no frame" : strerror(-r));
	}
}

static void write_script(const char *name, const char *text)
{
	snprintf(script_path, sizeof(script_path), "%s/%s", folder, name);
	FILE *file = fopen(script_path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void script_try(const char *name, const char *text)
{
	write_script(name, text);
	char *arguments[] = {(char *)(uintptr_t)python->path, script_path, NULL};
	int status = tracee_run(arguments, script_look, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void script_run(const char *name, const char *text)
{
	script_try(name, text);
	assert_int_equal(run.processes[0].found, SOURCE_READY);
}

/* Asks the interpreter: a hook that it calls before it calls a C function writes down the
 * stack as its frames have it, to be compared with what was read from outside. */
static const char oracle_text[] =
	"import os, sys\n"
	"answers = os.open(os.environ['ORACLE'], os.O_WRONLY | os.O_APPEND | "
	"os.O_CREAT)\n"
	"def hook(frame, event, called):\n"
	"    if event == 'c_call' and called is os.getppid:\n"
	"        frames = []\n"
	"        while frame:\n"
	"            code = frame.f_code\n"
	"            file = code.co_filename.split('/')[-1]\n"
	"            frames.append(f'{file}:{frame.f_lineno} {code.co_name}')\n"
	"            frame = frame.f_back\n"
	"        line = ' < '.join(frames) + '\\n'\n"
	"        os.write(answers, line.encode('utf-8', 'surrogateescape'))\n"
	"sys.setprofile(hook)\n";

static void expect_what_it_says(const char *name, const char *text)
{
	char path[320], line[STACK_CHARS];
	unsigned count = 0;

	write_script("sitecustomize.py", oracle_text);
	snprintf(path, sizeof(path), "%s/answers", folder);
	unlink(path); /* of a run that failed */
	setenv("ORACLE", path, 1);
	setenv("PYTHONPATH", folder, 1);
	run.shows_lines = true;
	script_run(name, text);
	unsetenv("PYTHONPATH");
	unsetenv("ORACLE");
	FILE *answers = fopen(path, "re");
	assert_non_null(answers);
	for (; fgets(line, sizeof(line), answers); count++) {
		line[strcspn(line, "\n")] = '\0';
		assert_true(count < run.count);
		assert_string_equal(run.stacks[count], line);
	}
	fclose(answers);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(run.count, count);
	script_drop();
}

void script_expect(const char *name, const char *text, const char *const *expected)
{
	/* The hook does not see the end of an interpreter, nor accept, nor what happens in
	 * an interpreter beside its own. */
	bool asks =
		!run.marks_exits && !run.marks_accepts && !strstr(text, "interpreters");

	script_run(name, text);
	for (unsigned i = 0; expected[i]; i++) {
		assert_true(i < run.count);
		assert_string_equal(run.stacks[i], expected[i]);
		if (!expected[i + 1])
			assert_int_equal(run.count, i + 1);
	}
	script_drop();
	if (asks)
		expect_what_it_says(name, text);
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) == 0 ? 0 : -1;
}

static int make_folder(void **state)
{
	(void)state;
	/* Once for each group of tests. */
	memset(folder + strlen(folder) - 6, 'X', 6);
	return mkdtemp(folder) ? 0 : -1;
}

/* With the version in front of each test's name. */
static int test_with(const struct python *with, const struct CMUnitTest *tests, size_t n)
{
	static char names[TESTS][96];
	struct CMUnitTest named[TESTS];

	assert(n <= TESTS);
	python = with;
	for (size_t i = 0; i < n; i++) {
		named[i] = tests[i];
		named[i].setup_func = script_begin;
		snprintf(names[i], sizeof(names[i]), "CPython %u.%u.%u: %s", with->major,
			 with->minor, with->micro, tests[i].name);
		named[i].name = names[i];
	}
	return _cmocka_run_group_tests("interpreter", named, n, make_folder,
				       remove_folder);
}

int script_test(const struct CMUnitTest *tests, size_t n, bool with_known)
{
	static struct python pythons[PYTHONS];
	unsigned count = pythons_find(pythons);
	int failed = 0;

	if (count == 0 || strcmp(pythons[0].path, "") == 0)
		return 1;
	for (unsigned i = 0; i < count; i++) {
		const struct python *each = &pythons[i];
		bool is_known =
			each->minor >= 8 && each->minor <= 13 && !each->is_free_threaded;

		if (is_known == with_known)
			failed += test_with(each, tests, n);
	}
	return failed;
}
