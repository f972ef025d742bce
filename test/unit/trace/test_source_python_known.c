/* Which interpreters and files the reader of CPython's stacks knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "python_script.h"
#include "trace/source_python_code.h"
#include "trace/source_python_layout.h"
#include "tracee.h"

/* A real interpreter of which no row is known. */
static void test_refused(void **state)
{
	(void)state;
	script_try("m.py", "import os\nos.getppid()\n");
	assert_int_equal(run.processes[0].found, SOURCE_UNKNOWN_VERSION);
	assert_int_equal(run.count, 0);
}

static void test_not_python(void **state)
{
	(void)state;
	char shell[] = "/bin/sh", c[] = "-c", text[] = "exit 0";
	char *arguments[] = {shell, c, text, NULL};
	tracee_run(arguments, script_look, NULL);
	assert_int_equal(run.process_count, 1);
	assert_int_equal(run.processes[0].found, SOURCE_NOT_MINE);
	script_drop();
	struct source_python *reader;
	char version[32];
	assert_int_equal(source_python_open(0, &reader, version), SOURCE_NOT_MINE);
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		uint32_t version;
		const char *text;
		bool is_known;
	} cases[] = {
		{0x030b02f0, "Python 3.11.2", true},
		{0x030b00f0, "Python 3.11.0", true},
		{0x030b00a7, "Python 3.11.0a7", false},
		{0x030b00c2, "Python 3.11.0rc2", false},
		{0x0307fff0, "Python 3.7.255", false},
		{0x030800f0, "Python 3.8.0", true},
		{0x030902f0, "Python 3.9.2", true},
		{0x030a0df0, "Python 3.10.13", true},
		{0x030c01f0, "Python 3.12.1", true},
		{0x030c00c1, "Python 3.12.0rc1", false},
		{0x030d00f0, "Python 3.13.0", true},
		{0x030e00f0, "Python 3.14.0", false},
		{0x030f00b1, "Python 3.15.0b1", false},
		{0, "Python 0.0.0", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[32];
		python_version_format(cases[i].version, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(python_layout_find(cases[i].version) != NULL,
				 cases[i].is_known);
	}
}

static void test_system_files(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		bool is_system;
	} cases[] = {
		{"/usr/lib/python3.11/socket.py", true},
		{"/usr/lib/python3/dist-packages/apt/cache.py", true},
		{"/opt/lib64/python3.12/asyncio/runners.py", true},
		{"/home/u/venv/lib/python3.11/site-packages/x.py", true},
		{"/home/u/site-packages/x.py", true},
		{"<frozen importlib._bootstrap>", true},
		{"<string>", false},
		{"<stdin>", false},
		{"client.py", false},
		{"/home/u/python3/client.py", false},
		{"/home/u/lib/python3x/client.py", false},
		{"/home/u/mylib/python3/client.py", false},
		{"/usr/lib/python3.11.py", false},
		{"/home/lib/python3.11/../x.py", true},
		{"", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (python_file_is_system(cases[i].file) != cases[i].is_system)
			fail_msg("%s", cases[i].file);
}

int main(void)
{
	static const struct CMUnitTest of_unknown[] = {
		cmocka_unit_test(test_refused),
	};
	static const struct CMUnitTest of_none[] = {
		cmocka_unit_test_setup(test_not_python, script_begin),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_system_files),
	};
	int failed = script_test(of_unknown, 1, false);

	failed += cmocka_run_group_tests(of_none, NULL, NULL);
	return failed ? 1 : 0;
}
