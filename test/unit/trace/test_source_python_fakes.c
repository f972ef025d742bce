/* The reader of CPython's stacks, held against programs that only look like an
 * interpreter: of each layout, sound and broken in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "trace/source.h"
#include "tracee.h"

/* What one run showed. */
static struct {
	enum source_found found;
	char version[32];
	char stack[256];
	unsigned count, depth;
	bool is_cut;
} run;

static const char *folder; /* of this program and the others, with its slash */
static int folder_length;

static void look(void *context, pid_t pid, pid_t tid, long number)
{
	struct source_python *python;
	struct source_stack stack;
	size_t used = 0;

	(void)context;
	if (number != SYS_getppid)
		return;
	run.count++;
	run.found = source_python_open(pid, &python, run.version);
	if (run.found != SOURCE_READY)
		return;
	/* Twice: what is remembered of the first must not make the second another. */
	int first = source_python_read(python, tid, &stack);
	int r = source_python_read(python, tid, &stack);
	assert_int_equal(first, r);
	snprintf(run.stack, sizeof(run.stack), "(%s)", strerror(-r));
	run.depth = r == 0 ? stack.count : 0;
	run.is_cut = r == 0 && stack.is_cut;
	for (unsigned i = 0; r == 0 && i < stack.count && used < sizeof(run.stack); i++)
		used += (size_t)snprintf(run.stack + used, sizeof(run.stack) - used,
					 "%s%s:%d %s", i ? " < " : "",
					 stack.frames[i].file, stack.frames[i].line,
					 stack.frames[i].function);
	source_python_free(python);
}

static void run_fake(const char *name, const char *how)
{
	char program[512], argument[64];

	snprintf(program, sizeof(program), "%.*s%s", folder_length, folder, name);
	snprintf(argument, sizeof(argument), "%s", how);
	char *arguments[] = {program, argument, NULL};
	memset(&run, 0, sizeof(run));
	int status = tracee_run(arguments, look, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(run.count, 1);
}

/* Layouts that a case is of. */
enum {
	L38 = 1,
	L310 = 2,
	L311 = 4,
	L312 = 8,
	L313 = 16,
	ALL = 31,
	OBJECTS = L38 | L310, /* frames are objects, and the code is one too */
	OWNERS = ALL & ~OBJECTS,
	SKIPS = L312 | L313,
};

static const struct {
	unsigned layout;
	const char *program, *version;
} fakes[] = {
	{L38, "fake_python_38", "Python 3.8"},
	{L38, "fake_python_39", "Python 3.9"},
	{L310, "fake_python_310", "Python 3.10"},
	{L311, "fake_python", "Python 3.11.2"},
	{L312, "fake_python_312", "Python 3.12.1"},
	{L313, "fake_python_313", "Python 3.13.0"},
};

static const struct {
	const char *how, *answer;
	unsigned layouts;
} cases[] = {
	{"sound", "fake.py:7 f < fake.py:7 f", ALL},
	{"number of the parent", "fake.py:7 f < fake.py:7 f", OWNERS},
	{"not begun", "fake.py:7 f < fake.py:7 f", ALL & ~SKIPS},
	{"not begun", "fake.py:7 f", SKIPS},
	{"frame of the stack", "fake.py:7 f", SKIPS},
	{"a field that moved", "fake.py:7 f < fake.py:7 f", L313},
	{"no interpreter", "(No such file or directory)", ALL},
	{"another thread", "(No such file or directory)", ALL},
	{"no cframe", "(No such file or directory)", ALL},
	{"no frame", "(No such file or directory)", ALL},
	{"not traceable", "(No such file or directory)", SKIPS},
	{"interpreters in a circle", "(Bad address)", ALL},
	{"interpreter gone", "(Bad address)", ALL},
	{"threads in a circle", "(Bad address)", ALL},
	{"odd frame", "(Bad address)", ALL},
	{"kernel frame", "(Bad address)", ALL},
	{"frame gone", "(Bad address)", ALL},
	{"owner", "(Bad address)", OWNERS},
	{"frame is none", "(Bad address)", OBJECTS},
	{"frames of the stack in a circle", "(Bad address)", SKIPS},
	{"code is none", "(Bad address)", ALL},
	{"code is no bytes", "(Bad address)", OBJECTS},
	{"code gone away", "(Bad address)", OBJECTS},
	{"long code", "(Bad address)", ALL},
	{"instruction before", "(Bad address)", ALL},
	{"instruction behind", "(Bad address)", ALL},
	{"instruction odd", "(Bad address)", ALL & ~L310},
	{"instruction in no line", "(Bad address)", ALL & ~L38},
	{"first line", "(Bad address)", ALL},
	{"file is none", "(Bad address)", ALL},
	{"file gone", "(Bad address)", ALL},
	{"long file", "(Bad address)", ALL},
	{"negative file", "(Bad address)", ALL},
	{"file of odd kind", "(Bad address)", ALL},
	{"file elsewhere", "(Bad address)", ALL},
	{"table is none", "(Bad address)", ALL},
	{"table of garbage", "(Bad address)", OWNERS},
	{"long table", "(Argument list too long)", ALL},
};

static void test_structures(void **state)
{
	(void)state;
	for (size_t f = 0; f < sizeof(fakes) / sizeof(fakes[0]); f++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			if (!(cases[i].layouts & fakes[f].layout))
				continue;
			run_fake(fakes[f].program, cases[i].how);
			assert_int_equal(run.found, SOURCE_READY);
			assert_string_equal(run.version, fakes[f].version);
			if (strcmp(run.stack, cases[i].answer) != 0)
				fail_msg("%s, %s: %s", fakes[f].program, cases[i].how,
					 run.stack);
		}
		run_fake(fakes[f].program, "frames in a circle");
		assert_int_equal(run.depth, LIMIT_STACK_DEPTH);
		assert_true(run.is_cut);
	}
}

static void test_unknown_versions(void **state)
{
	(void)state;
	run_fake("fake_python_future", "sound");
	assert_int_equal(run.found, SOURCE_UNKNOWN_VERSION);
	assert_string_equal(run.version, "Python 3.15.0");
	run_fake("fake_python_old", "sound");
	assert_int_equal(run.found, SOURCE_UNKNOWN_VERSION);
	assert_string_equal(run.version, "Python before 3.8");
	/* These have no _PyRuntime yet. */
	run_fake("fake_python_36", "sound");
	assert_int_equal(run.found, SOURCE_UNKNOWN_VERSION);
	assert_string_equal(run.version, "Python before 3.8");
	run_fake("fake_python_27", "sound");
	assert_int_equal(run.found, SOURCE_UNKNOWN_VERSION);
	assert_string_equal(run.version, "Python 2");
}

/* Offsets that no build known here has. */
static void test_offsets(void **state)
{
	static const char *const hows[] = {
		"no cookie",       "offsets of another version",
		"no GIL",          "far thread",
		"very far thread", "far interpreter",
		"other objects",   "other strings",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		run_fake("fake_python_313", hows[i]);
		assert_int_equal(run.found, SOURCE_UNKNOWN_VERSION);
		assert_string_equal(run.version, "Python 3.13.0");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structures),
		cmocka_unit_test(test_unknown_versions),
		cmocka_unit_test(test_offsets),
	};

	(void)argc;
	const char *slash = strrchr(argv[0], '/');
	folder = argv[0];
	folder_length = slash ? (int)(slash - argv[0]) + 1 : 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
