/* Lines of source files, as a process would open them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "trace/source.h"

static char folder[] = "/tmp/sonde-test-text-XXXXXX";
static char got[LIMIT_SOURCE_LINE + 1];

static const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void expect_line(const char *bytes, int line, const char *expected)
{
	const char *path = in_folder("file.py");

	write_file(path, bytes, strlen(bytes));
	int r = source_text_read(getpid(), path, line, got);
	if (!expected) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(got, expected);
}

static void test_lines(void **state)
{
	(void)state;
	expect_line("a\nb\nc\n", 1, "a");
	expect_line("a\nb\nc\n", 2, "b");
	expect_line("a\nb\nc\n", 3, "c");
	expect_line("a\nb\nc\n", 4, NULL);
	expect_line("a\nb\nc", 3, "c");
	expect_line("a\r\nb\r\nc\r\n", 2, "b");
	expect_line("a\r\nb\r\nc\r\n", 4, NULL);
	expect_line("a\rb\rc", 2, "b");
	expect_line("a\n\n\nb", 3, "");
	expect_line("a\n\n\nb", 4, "b");
	expect_line("", 1, NULL);
	expect_line("\n", 1, "");
	expect_line("\n", 2, NULL);
	expect_line("a", 0, NULL);
	expect_line("a", -1, NULL);
}

static void test_what_is_left_out(void **state)
{
	(void)state;
	expect_line("x\n \t \f  sock.send(b'x')  \t\r\n", 2, "sock.send(b'x')");
	expect_line("   \n", 1, "");
	expect_line("\xef\xbb\xbfimport socket\n", 1, "import socket");
	expect_line("a\n\xef\xbb\xbf b\n", 2, "\xef\xbb\xbf b");
	expect_line("s = '\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80'\n", 1,
		    "s = '\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80'");
	/* Latin-1, a lone surrogate, an overlong zero. */
	expect_line("s = '\xe4'\n", 1, "s = '\xef\xbf\xbd'");
	expect_line("\xed\xa0\x80", 1, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_line("\xc0\x80", 1, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_long_lines(void **state)
{
	char line[3000], cut[LIMIT_SOURCE_LINE + 1] = "";

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	memset(cut, 'x', LIMIT_SOURCE_LINE);
	expect_line(line, 1, cut);
	/* An indent of any length does not count; a character is never cut in two. */
	memset(line, ' ', 2000);
	expect_line(line, 1, cut);
	memcpy(line + 2000 + LIMIT_SOURCE_LINE - 1, "\xc3\xa4", 2);
	cut[LIMIT_SOURCE_LINE - 1] = '\0';
	expect_line(line, 1, cut);
	/* Lines on both sides of the pieces in which the file is read. */
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	for (int i = 1; i <= 20000; i++)
		fprintf(file, "%d\r\n", i);
	fclose(file);
	write_file(in_folder("file.py"), text, size);
	free(text);
	for (int i = 1; i <= 20000; i += 97) {
		char number[16];
		snprintf(number, sizeof(number), "%d", i);
		assert_int_equal(source_text_read(getpid(), in_folder("file.py"), i, got),
				 0);
		assert_string_equal(got, number);
	}
}

static void test_files(void **state)
{
	(void)state;
	const char *wrong[] = {"", "<string>", "<stdin>", "<frozen os>"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(source_text_read(getpid(), wrong[i], 1, got), -ENOENT);
	assert_int_equal(source_text_read(getpid(), in_folder("none"), 1, got), -ENOENT);
	assert_int_equal(source_text_read(getpid(), folder, 1, got), -EISDIR);
	assert_int_equal(source_text_read(getpid(), "/dev/zero", 1, got), -EINVAL);
	assert_true(source_text_read(999999999, "/etc/passwd", 1, got) < 0);
}

static void alarmed(int signal)
{
	(void)signal;
}

/* Neither is a FIFO waited for, nor is its writer let through. */
static void test_fifo(void **state)
{
	struct sigaction action = {.sa_handler = alarmed};

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	pid_t writer = fork();
	if (writer == 0) {
		sigaction(SIGALRM, &action, NULL);
		ualarm(200000, 200000); /* the first one may come before the open */
		int fd = open(in_folder("fifo"), O_WRONLY | O_CLOEXEC);
		_exit(fd < 0 && errno == EINTR ? 0 : 1);
	}
	int status = -1;
	while (waitpid(writer, &status, WNOHANG) == 0)
		assert_int_equal(source_text_read(getpid(), in_folder("fifo"), 1, got),
				 -EINVAL);
	assert_int_equal(status, 0);
}

/* A child that stands in another folder, or below another root. */
static pid_t start_child(bool has_root)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		bool is_done = chdir(folder) == 0;
		if (has_root && geteuid() != 0)
			is_done = is_done && unshare(CLONE_NEWUSER) == 0;
		if (has_root)
			is_done = is_done && chroot(".") == 0;
		if (is_done && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_other_folder(void **state)
{
	(void)state;
	write_file(in_folder("here.py"), "here\n", 5);
	pid_t pid = start_child(false);
	assert_int_equal(source_text_read(pid, "here.py", 1, got), 0);
	assert_string_equal(got, "here");
	assert_int_equal(source_text_read(pid, "./../", 1, got), -EISDIR);
	end_child(pid);
}

static void test_other_root(void **state)
{
	(void)state;
	write_file(in_folder("inside.py"), "inside\n", 7);
	assert_int_equal(symlink("/inside.py", in_folder("link.py")), 0);
	assert_int_equal(symlink("/etc/passwd", in_folder("out.py")), 0);
	pid_t pid = start_child(true);
	assert_int_equal(source_text_read(pid, "/inside.py", 1, got), 0);
	assert_string_equal(got, "inside");
	assert_int_equal(source_text_read(pid, "/link.py", 1, got), 0);
	assert_string_equal(got, "inside");
	assert_int_equal(source_text_read(pid, "/../../inside.py", 1, got), 0);
	assert_int_equal(source_text_read(pid, "/out.py", 1, got), -ENOENT);
	assert_int_equal(source_text_read(pid, "/etc/passwd", 1, got), -ENOENT);
	end_child(pid);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_other_folder),
		cmocka_unit_test(test_other_root),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
