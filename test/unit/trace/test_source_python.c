/* The reader of CPython's stacks, held against programs whose stacks are known: those
 * written here, and what the interpreter itself says when it is asked (the oracle below).
 *
 * Debian's interpreter is always tested, and so is every other one that is found: by the
 * names python3.8 to python3.14, and those in SONDE_TEST_PYTHONS (paths or names, with
 * colons between them). */
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

#include "trace/source.h"
#include "trace/source_python_code.h"
#include "trace/source_python_layout.h"
#include "tracee.h"

enum { PROCESSES = 64, STACKS = 512, STACK_CHARS = 512 };

/* What one run of a program showed. */
struct run {
	struct {
		pid_t pid;
		enum source_found found;
		struct source_python *python;
		char version[32];
	} processes[PROCESSES];
	unsigned process_count;
	char stacks[STACKS][STACK_CHARS];
	unsigned count;
	bool marks_exits, marks_accepts, marks_start;
	unsigned depth; /* of the last stack */
	bool is_cut;
	int at_start;     /* what the reader said at the program's very first call */
	bool shows_lines; /* of system modules too */
};

/* An interpreter to test with. */
struct python {
	char path[256];
	unsigned major, minor, micro;
	bool is_free_threaded;
};

enum { PYTHONS = 32 };

static struct run run;
static const struct python *python; /* the one that is tested now */
static char folder[] = "/tmp/sonde-test-python-XXXXXX";
static char script_path[256];

static void drop_run(void)
{
	for (unsigned i = 0; i < run.process_count; i++)
		if (run.processes[i].found == SOURCE_READY)
			source_python_free(run.processes[i].python);
	run = (struct run){0};
}

static int begin(void **state)
{
	(void)state;
	drop_run();
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

static void look(void *context, pid_t pid, pid_t tid, long number)
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

static void run_script(const char *name, const char *text)
{
	write_script(name, text);
	char *arguments[] = {(char *)(uintptr_t)python->path, script_path, NULL};
	int status = tracee_run(arguments, look, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(run.processes[0].found, SOURCE_READY);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
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
	run_script(name, text);
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
	drop_run();
}

/* The script's stacks, in order; expected ends with NULL. */
static void expect(const char *name, const char *text, const char *const *expected)
{
	/* The hook does not see the end of an interpreter, nor accept, nor what happens in
	 * an interpreter beside its own. */
	bool asks =
		!run.marks_exits && !run.marks_accepts && !strstr(text, "interpreters");

	run_script(name, text);
	for (unsigned i = 0; expected[i]; i++) {
		assert_true(i < run.count);
		assert_string_equal(run.stacks[i], expected[i]);
		if (!expected[i + 1])
			assert_int_equal(run.count, i + 1);
	}
	drop_run();
	if (asks)
		expect_what_it_says(name, text);
}

#define EXPECT(name, text, ...)                                                          \
	expect(name, text, (const char *const[]){__VA_ARGS__, NULL})

/* ---- what a program may look like ---- */

static void test_module(void **state)
{
	(void)state;
	EXPECT("m.py", "import os\nos.getppid()\n\n\nos.getppid()\n", "m.py:2 <module>",
	       "m.py:5 <module>");
}

static void test_functions(void **state)
{
	(void)state;
	EXPECT("f.py",
	       "import os\n"
	       "def outer():\n"
	       "    def inner():\n"
	       "        x = 1\n"
	       "        return os.getppid()\n"
	       "    return inner()\n"
	       "class C:\n"
	       "    def method(self):\n"
	       "        outer()\n"
	       "    @staticmethod\n"
	       "    def static():\n"
	       "        os.getppid()\n"
	       "C().method()\n"
	       "C.static()\n"
	       "f = lambda: os.getppid()\n"
	       "f()\n",
	       "f.py:5 inner < f.py:6 outer < f.py:9 method < f.py:13 <module>",
	       "f.py:12 static < f.py:14 <module>",
	       "f.py:15 <lambda> < f.py:16 <module>");
}

static void test_comprehensions_and_generators(void **state)
{
	(void)state;
	/* From 3.12 on a comprehension has no frame of its own. */
	const char *inside = python->minor < 12 ? "g.py:2 <listcomp> < g.py:2 <module>"
						: "g.py:2 <module>";
	EXPECT("g.py",
	       "import os\n"
	       "x = [os.getppid() for i in\n"
	       "     range(2)]\n"
	       "def generate():\n"
	       "    yield os.getppid()\n"
	       "    yield from more()\n"
	       "def more():\n"
	       "    yield os.getppid()\n"
	       "for x in generate():\n"
	       "    pass\n"
	       "list(os.getppid() for i in [1])\n",
	       inside, inside, "g.py:5 generate < g.py:9 <module>",
	       "g.py:8 more < g.py:6 generate < g.py:9 <module>",
	       "g.py:11 <genexpr> < g.py:11 <module>");
}

static void test_async(void **state)
{
	(void)state;
	EXPECT("a.py",
	       "import os\n"
	       "async def inner():\n"
	       "    os.getppid()\n"
	       "async def outer():\n"
	       "    await inner()\n"
	       "try:\n"
	       "    outer().send(None)\n"
	       "except StopIteration:\n"
	       "    pass\n",
	       "a.py:3 inner < a.py:5 outer < a.py:7 <module>");
}

static void test_asyncio(void **state)
{
	(void)state;
	run_script("aio.py", "import asyncio, os\n"
			     "async def main():\n"
			     "    await asyncio.sleep(0.001)\n"
			     "    os.getppid()\n"
			     "asyncio.run(main())\n");
	assert_int_equal(run.count, 1);
	assert_memory_equal(run.stacks[0], "aio.py:4 main < [", 17);
	assert_non_null(strstr(run.stacks[0], "[runners.py run] < aio.py:5 <module>"));
	drop_run();
}

/* What the interpreter itself says in a traceback: the line of the call's first token; in
 * 3.10, for methods that of the attribute. */
static void test_multi_line_calls(void **state)
{
	(void)state;
	const char *method = python->minor == 10 ? "l.py:10 <module>" : "l.py:9 <module>";
	EXPECT("l.py",
	       "import os\n"
	       "def f(*a):\n"
	       "    return os.getppid()\n"
	       "f(\n"
	       "    1,\n"
	       "    f(2,\n"
	       "      3),\n"
	       ")\n"
	       "(os\n"
	       "   .getppid())\n"
	       "x = {\n"
	       "    'a': os.getppid(),\n"
	       "    'b':\n"
	       "        os.getppid()\n"
	       "}\n",
	       "l.py:3 f < l.py:6 <module>", "l.py:3 f < l.py:4 <module>", method,
	       "l.py:12 <module>", "l.py:14 <module>");
}

static void test_decorated(void **state)
{
	(void)state;
	EXPECT("d.py",
	       "import os\n"
	       "from functools import wraps\n"
	       "def decorate(f):\n"
	       "    @wraps(f)\n"
	       "    def wrapper(*a, **k):\n"
	       "        return f(*a, **k)\n"
	       "    return wrapper\n"
	       "@decorate\n"
	       "\n"
	       "def g(x,\n"
	       "      y=1):\n"
	       "    return os.getppid()\n"
	       "g(1)\n",
	       "d.py:12 g < d.py:6 wrapper < d.py:13 <module>");
}

static void test_statements(void **state)
{
	(void)state;
	/* Until PEP 626 what follows a body was of its last line. */
	const char *leaving = python->minor < 10 ? "s.py:4 __exit__ < s.py:6 <module>"
						 : "s.py:4 __exit__ < s.py:5 <module>";
	EXPECT("s.py",
	       "import os\n"
	       "class M:\n"
	       "    def __enter__(self): os.getppid()\n"
	       "    def __exit__(self, *a): os.getppid()\n"
	       "with M() as m:\n"
	       "    x = 1\n"
	       "try:\n"
	       "    raise ValueError\n"
	       "except ValueError:\n"
	       "    os.getppid()\n"
	       "finally:\n"
	       "    os.getppid()\n"
	       "class D:\n"
	       "    def __del__(self): os.getppid()\n"
	       "d = D()\n"
	       "del d\n"
	       "class P:\n"
	       "    os.getppid()\n"
	       "    @property\n"
	       "    def p(self): return os.getppid()\n"
	       "P().p\n",
	       "s.py:3 __enter__ < s.py:5 <module>", leaving, "s.py:10 <module>",
	       "s.py:12 <module>", "s.py:14 __del__ < s.py:16 <module>",
	       "s.py:18 P < s.py:17 <module>", "s.py:20 p < s.py:21 <module>");
}

static void test_strings(void **state)
{
	(void)state;
	EXPECT("e.py",
	       "import os\n"
	       "exec('\\n\\nos.getppid()')\n"
	       "eval('os.getppid()')\n"
	       "exec(compile('os.getppid()', 'made/up.py', 'exec'))\n",
	       "<string>:3 <module> < e.py:2 <module>",
	       "<string>:1 <module> < e.py:3 <module>",
	       "up.py:1 <module> < e.py:4 <module>");
}

static void test_names_of_all_widths(void **state)
{
	(void)state;
	/* ASCII, Latin-1, UCS-2, UCS-4, of functions and of files. */
	const char *text = "import os\n"
			   "def plain(): os.getppid()\n"
			   "def gr\u00f6\u00dfe(): plain()\n"
			   "def \u03c9(): gr\u00f6\u00dfe()\n"
			   "def \U00013000(): \u03c9()\n"
			   "\U00013000()\n";
	const char *names[] = {"n.py", "\u00e9.py", "\u03c9.py", "\U0001f600.py",
			       "\xff\xfe.py"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i];
		char stack[STACK_CHARS];
		snprintf(stack, sizeof(stack),
			 "%s:2 plain < %s:3 gr\u00f6\u00dfe < %s:4 \u03c9 < "
			 "%s:5 \U00013000 < %s:6 <module>",
			 name, name, name, name, name);
		EXPECT(name, text, stack);
	}
}

static void test_threads(void **state)
{
	(void)state;
	run_script("t.py", "import os, threading\n"
			   "barrier = threading.Barrier(2)\n"
			   "def one():\n"
			   "    for i in range(3):\n"
			   "        barrier.wait()\n"
			   "        os.getppid()\n"
			   "def two():\n"
			   "    for i in range(3):\n"
			   "        barrier.wait()\n"
			   "        x = os.getppid(); os.getppid()\n"
			   "a = threading.Thread(target=one)\n"
			   "b = threading.Thread(target=two)\n"
			   "a.start(); b.start()\n"
			   "a.join(); b.join()\n"
			   "os.getppid()\n");
	const char *tail = " < [threading.py run] < [threading.py _bootstrap_inner] < "
			   "[threading.py _bootstrap]";
	char one[STACK_CHARS], two[STACK_CHARS];
	snprintf(one, sizeof(one), "t.py:6 one%s", tail);
	snprintf(two, sizeof(two), "t.py:10 two%s", tail);
	assert_int_equal(run.count, 10);
	assert_string_equal(run.stacks[9], "t.py:15 <module>");
	qsort(run.stacks, 9, sizeof(run.stacks[0]), compare);
	for (unsigned i = 0; i < 9; i++)
		assert_string_equal(run.stacks[i], i < 6 ? two : one);
	drop_run();
}

static void test_many_threads(void **state)
{
	(void)state;
	/* More than the reader remembers: all must be found.  Each of them would ask for
	 * the interpreter's lock every 5 ms otherwise, and each time be stopped twice. */
	run_script("t.py",
		   "import os, sys, threading; sys.setswitchinterval(1)\n"
		   "threading.stack_size(65536)\n"
		   "gate = threading.Barrier(301)\n"
		   "def work():\n"
		   "    gate.wait()\n"
		   "    os.getppid()\n"
		   "threads = [threading.Thread(target=work) for i in range(300)]\n"
		   "for t in threads: t.start()\n"
		   "gate.wait()\n"
		   "for t in threads: t.join()\n");
	assert_int_equal(run.count, 300);
	for (unsigned i = 0; i < 300; i++)
		assert_memory_equal(run.stacks[i], "t.py:6 work < [", 15);
	drop_run();
}

static void test_fork(void **state)
{
	(void)state;
	EXPECT("k.py",
	       "import os\n"
	       "os.getppid()\n"
	       "def child():\n"
	       "    os.getppid()\n"
	       "    grandchild = os.fork()\n"
	       "    if grandchild == 0:\n"
	       "        os.getppid()\n"
	       "        os._exit(0)\n"
	       "    os.wait()\n"
	       "    os._exit(0)\n"
	       "if os.fork() == 0:\n"
	       "    child()\n"
	       "os.wait()\n"
	       "os.getppid()\n",
	       "k.py:2 <module>", "k.py:4 child < k.py:12 <module>",
	       "k.py:7 child < k.py:12 <module>", "k.py:14 <module>");
}

static void test_fork_from_thread(void **state)
{
	(void)state;
	run_script("k.py", "import os, threading\n"
			   "def work():\n"
			   "    if os.fork() == 0:\n"
			   "        os.getppid()\n"
			   "        os._exit(0)\n"
			   "    os.wait()\n"
			   "t = threading.Thread(target=work)\n"
			   "t.start()\n"
			   "t.join()\n");
	assert_int_equal(run.count, 1);
	assert_memory_equal(run.stacks[0], "k.py:4 work < [threading.py run]", 32);
	drop_run();
}

/* Two thread states of one thread: the inner interpreter's is the one that runs. */
static void test_subinterpreter(void **state)
{
	(void)state;
	EXPECT("u.py",
	       "import os, sys\n"
	       "new = sys.version_info >= (3, 13)\n"
	       "x = __import__('_interpreters' if new else '_xxsubinterpreters')\n"
	       "inner = x.create()\n"
	       "x.run_string(inner, '\\nimport os\\nos.getppid()')\n"
	       "os.getppid()\n",
	       "<string>:3 <module>", "u.py:6 <module>");
}

static void test_below_the_library(void **state)
{
	(void)state;
	run.marks_accepts = true;
	EXPECT("b.py",
	       "import socket\n"
	       "s = socket.socket()\n"
	       "s.bind(('127.0.0.1', 0))\n"
	       "s.listen()\n"
	       "s.setblocking(False)\n"
	       "def serve():\n"
	       "    try:\n"
	       "        s.accept()\n"
	       "    except BlockingIOError:\n"
	       "        pass\n"
	       "serve()\n",
	       "[socket.py accept] < b.py:8 serve < b.py:11 <module>");
}

static void test_exit(void **state)
{
	(void)state;
	run.marks_exits = true;
	EXPECT("x.py",
	       "import os, atexit\n"
	       "atexit.register(lambda: os.getppid())\n"
	       "os.getppid()\n",
	       "x.py:3 <module>", "x.py:2 <lambda>", "(no frame)");
	run.marks_exits = true;
	EXPECT("y.py", "import os\n\nos._exit(0)\n", "y.py:3 <module>");
}

static void test_start(void **state)
{
	(void)state;
	run.marks_start = true;
	run_script("x.py", "pass\n");
	/* A library is not there yet, and the interpreter has not begun. */
	assert_true(run.at_start == -ENOENT || run.at_start == 0);
	assert_int_equal(run.count, 0);
	drop_run();
}

/* ---- the line table ---- */

static void test_long_function(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fputs("import os\ndef f():\n", file); /* lines 1, 2 */
	for (int i = 3; i <= 1502; i++)
		fputs("    x = [1, 2]\n", file);
	fputs("    os.getppid()\n", file); /* 1503 */
	for (int i = 1504; i <= 1803; i++)
		fputs("\n", file);
	fputs("    os.getppid()\n", file); /* 1804 */
	for (int i = 1805; i <= 5804; i++)
		fputs("    # nothing\n", file);
	fputs("    while True:\n"      /* 5805 */
	      "        os.getppid()\n" /* 5806 */
	      "        break\n"
	      "for i in range(2):\n" /* 5808 */
	      "    f()\n",
	      file);
	fclose(file);
	EXPECT("v.py", text, "v.py:1503 f < v.py:5809 <module>",
	       "v.py:1804 f < v.py:5809 <module>", "v.py:5806 f < v.py:5809 <module>",
	       "v.py:1503 f < v.py:5809 <module>", "v.py:1804 f < v.py:5809 <module>",
	       "v.py:5806 f < v.py:5809 <module>");
	free(text);
}

static void test_backward_lines(void **state)
{
	(void)state;
	/* The condition of a loop, and the decorator's call, come back to earlier lines;
	 * until 3.10 a decorator is called on the line of the function. */
	const char *decorator = python->minor < 11
					? "w.py:14 <lambda> < w.py:18 <module>"
					: "w.py:14 <lambda> < w.py:15 <module>";
	EXPECT("w.py",
	       "import os\n"
	       "def go(n):\n"
	       "    os.getppid()\n"
	       "    return n\n"
	       "n = 2\n"
	       "while go(n):\n"
	       "    n -= 1\n"
	       "\n\n\n\n\n"
	       "    pass\n"
	       "def deco(a): return lambda f: os.getppid()\n"
	       "@deco(\n"
	       "  1\n"
	       ")\n"
	       "def f():\n"
	       "    pass\n",
	       "w.py:3 go < w.py:6 <module>", "w.py:3 go < w.py:6 <module>",
	       "w.py:3 go < w.py:6 <module>", decorator);
}

/* ---- code objects that come and go at one address ---- */

static void test_reused_code(void **state)
{
	(void)state;
	run_script("r.py",
		   "import os\n"
		   "for i in range(100):\n"
		   "    exec(compile('\\n' * (i % 7) + 'os.getppid()', '<string>', "
		   "'exec'))\n");
	assert_int_equal(run.count, 100);
	for (unsigned i = 0; i < 100; i++) {
		char stack[STACK_CHARS];
		snprintf(stack, sizeof(stack), "<string>:%u <module> < r.py:3 <module>",
			 i % 7 + 1);
		assert_string_equal(run.stacks[i], stack);
	}
	drop_run();
	/* Now what differs is the file's name, the function's, and the line inside. */
	run_script("r.py", "import os\n"
			   "for i in range(100):\n"
			   "    text = f'def f{i % 10}():\\n' + '  x = 1\\n' * (i % 3) +"
			   " f'  os.getppid()\\nf{i % 10}()\\n'\n"
			   "    exec(compile(text, f'<made {i % 11}>', 'exec'))\n");
	assert_int_equal(run.count, 100);
	for (unsigned i = 0; i < 100; i++) {
		char stack[STACK_CHARS];
		snprintf(stack, sizeof(stack),
			 "<made %u>:%u f%u < <made %u>:%u <module> < r.py:4 <module>",
			 i % 11, 2 + i % 3, i % 10, i % 11, 3 + i % 3);
		assert_string_equal(run.stacks[i], stack);
	}
	drop_run();
}

/* From 3.11 on, what runs often is replaced by specialised instructions, which may call
 * without the usual frames between. */
static void test_hot_calls(void **state)
{
	(void)state;
	run_script("h.py", "import os\n"
			   "class Base:\n"
			   "    def __init__(self):\n"
			   "        self.x = os.getppid()\n"
			   "class C(Base):\n"
			   "    def __init__(self):\n"
			   "        super().__init__()\n"
			   "    @property\n"
			   "    def value(self): return os.getppid()\n"
			   "    def __getitem__(self, i): return os.getppid()\n"
			   "    def __getattr__(self, name): return os.getppid()\n"
			   "def make(): return C()\n"
			   "def work():\n"
			   "    c = make()\n"
			   "    c.value\n"
			   "    c[1]\n"
			   "    c.other\n"
			   "    yield\n"
			   "for i in range(100):\n"
			   "    for x in work(): pass\n");
	const char *const expected[] = {
		("h.py:4 __init__ < h.py:7 __init__ < h.py:12 make < h.py:14 work < "
		 "h.py:20 <module>"),
		"h.py:9 value < h.py:15 work < h.py:20 <module>",
		"h.py:10 __getitem__ < h.py:16 work < h.py:20 <module>",
		"h.py:11 __getattr__ < h.py:17 work < h.py:20 <module>",
	};
	assert_int_equal(run.count, 400);
	for (unsigned i = 0; i < 400; i++)
		assert_string_equal(run.stacks[i], expected[i % 4]);
	drop_run();
}

static void test_exec(void **state)
{
	(void)state;
	run_script("q.py",
		   "import os, sys\n"
		   "os.getppid()\n"
		   "if len(sys.argv) == 1:\n"
		   "    os.execv(sys.executable, [sys.executable, __file__, 'again'])\n");
	assert_int_equal(run.count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(run.stacks[i], "q.py:2 <module>");
	drop_run();
}

static void test_deep_stack(void **state)
{
	(void)state;
	const char *text = "import os\n"
			   "def f(n):\n"
			   "    f(n - 1) if n else os.getppid()\n"
			   "f(int(os.environ['DEPTH']))\n";

	/* The module and n + 1 calls of f. */
	setenv("DEPTH", "30", 1);
	run_script("z.py", text);
	assert_int_equal(run.depth, LIMIT_STACK_DEPTH);
	assert_false(run.is_cut);
	drop_run();
	setenv("DEPTH", "31", 1);
	run_script("z.py", text);
	unsetenv("DEPTH");
	assert_int_equal(run.depth, LIMIT_STACK_DEPTH);
	assert_true(run.is_cut);
}

/* A real interpreter of which no row is known. */
static void test_refused(void **state)
{
	(void)state;
	write_script("m.py", "import os\nos.getppid()\n");
	char *arguments[] = {(char *)(uintptr_t)python->path, script_path, NULL};
	int status = tracee_run(arguments, look, NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(run.processes[0].found, SOURCE_UNKNOWN_VERSION);
	assert_int_equal(run.count, 0);
}

static void test_not_python(void **state)
{
	(void)state;
	char shell[] = "/bin/sh", c[] = "-c", text[] = "exit 0";
	char *arguments[] = {shell, c, text, NULL};
	tracee_run(arguments, look, NULL);
	assert_int_equal(run.process_count, 1);
	assert_int_equal(run.processes[0].found, SOURCE_NOT_MINE);
	drop_run();
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

/* ---- which interpreters ---- */

static bool probe(const char *name, struct python *ret)
{
	static const char question[] = "import os, sys, sysconfig as c; "
				       "print(*sys.version_info[:3], "
				       "int(bool(c.get_config_var('Py_GIL_DISABLED'))),"
				       " int(sys.implementation.name == 'cpython'), "
				       "os.path.realpath(sys.executable))";
	char command[1024];
	struct python found;
	int is_free_threaded, is_cpython;

	snprintf(command, sizeof(command), "'%s' -c \"%s\" 2>/dev/null", name, question);
	FILE *answer = popen(command, "re");
	if (!answer)
		return false;
	int n = fscanf(answer, "%u %u %u %d %d %255[^\n]", &found.major, &found.minor,
		       &found.micro, &is_free_threaded, &is_cpython, found.path);
	if (pclose(answer) != 0 || n != 6 || !is_cpython || found.major != 3)
		return false;
	found.is_free_threaded = is_free_threaded;
	*ret = found;
	return true;
}

static void add_python(struct python *pythons, unsigned *count, const char *name)
{
	if (*count == PYTHONS || !probe(name, &pythons[*count])) {
		print_message("# %s: not found\n", name);
		return;
	}
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(pythons[i].path, pythons[*count].path) == 0)
			return;
	const struct python *added = &pythons[(*count)++];
	print_message("# %s: CPython %u.%u.%u%s\n", name, added->major, added->minor,
		      added->micro, added->is_free_threaded ? ", free-threaded" : "");
}

static unsigned find_pythons(struct python *pythons)
{
	unsigned count = 0;
	char name[32];

	add_python(pythons, &count, "/usr/bin/python3");
	for (unsigned minor = 8; minor <= 14; minor++) {
		snprintf(name, sizeof(name), "python3.%u", minor);
		add_python(pythons, &count, name);
	}
	char *list =
		strdup(getenv("SONDE_TEST_PYTHONS") ? getenv("SONDE_TEST_PYTHONS") : "");
	for (char *rest = list, *each; list && (each = strsep(&rest, ":"));)
		if (*each)
			add_python(pythons, &count, each);
	free(list);
	return count;
}

#define TEST(function)                                                                   \
	{                                                                                \
#function, function, begin, NULL, NULL                                   \
	}

static const struct CMUnitTest of_each[] = {
	TEST(test_module),
	TEST(test_functions),
	TEST(test_comprehensions_and_generators),
	TEST(test_async),
	TEST(test_asyncio),
	TEST(test_multi_line_calls),
	TEST(test_decorated),
	TEST(test_statements),
	TEST(test_strings),
	TEST(test_names_of_all_widths),
	TEST(test_threads),
	TEST(test_many_threads),
	TEST(test_fork),
	TEST(test_fork_from_thread),
	TEST(test_subinterpreter),
	TEST(test_below_the_library),
	TEST(test_exec),
	TEST(test_exit),
	TEST(test_start),
	TEST(test_long_function),
	TEST(test_backward_lines),
	TEST(test_reused_code),
	TEST(test_hot_calls),
	TEST(test_deep_stack),
};

static const struct CMUnitTest of_unknown[] = {
	TEST(test_refused),
};

static const struct CMUnitTest of_none[] = {
	TEST(test_not_python),
	TEST(test_versions),
	TEST(test_system_files),
};

enum { OF_EACH = sizeof(of_each) / sizeof(of_each[0]) };

/* With the version in front of each test's name. */
static int run_all(const struct python *with, const struct CMUnitTest *tests, size_t n)
{
	static char names[OF_EACH][96];
	struct CMUnitTest named[OF_EACH];

	python = with;
	for (size_t i = 0; i < n; i++) {
		named[i] = tests[i];
		snprintf(names[i], sizeof(names[i]), "CPython %u.%u.%u: %s", with->major,
			 with->minor, with->micro, tests[i].name);
		named[i].name = names[i];
	}
	return _cmocka_run_group_tests("interpreter", named, n, make_folder,
				       remove_folder);
}

int main(void)
{
	static struct python pythons[PYTHONS];
	unsigned count = find_pythons(pythons);
	int failed = 0;

	if (count == 0 || strcmp(pythons[0].path, "") == 0)
		return 1;
	for (unsigned i = 0; i < count; i++) {
		const struct python *each = &pythons[i];
		bool is_known =
			each->minor >= 8 && each->minor <= 13 && !each->is_free_threaded;
		failed += is_known ? run_all(each, of_each, OF_EACH)
				   : run_all(each, of_unknown, 1);
	}
	failed += cmocka_run_group_tests(of_none, make_folder, remove_folder);
	return failed ? 1 : 0;
}
