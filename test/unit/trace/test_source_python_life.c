/* The reader of CPython's stacks, held against scripts in which things come and go while it
 * reads: threads, processes, interpreters, images, code. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "python_script.h"

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_threads(void **state)
{
	(void)state;
	script_run("t.py", "import os, threading\n"
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
	script_drop();
}

static void test_many_threads(void **state)
{
	(void)state;
	/* More than the reader remembers: all must be found.  Each of them would ask for
	 * the interpreter's lock every 5 ms otherwise, and each time be stopped twice. */
	script_run("t.py",
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
	script_drop();
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
	script_run("k.py", "import os, threading\n"
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
	script_drop();
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

static void test_exec(void **state)
{
	(void)state;
	script_run("q.py",
		   "import os, sys\n"
		   "os.getppid()\n"
		   "if len(sys.argv) == 1:\n"
		   "    os.execv(sys.executable, [sys.executable, __file__, 'again'])\n");
	assert_int_equal(run.count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(run.stacks[i], "q.py:2 <module>");
	script_drop();
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
	script_run("x.py", "pass\n");
	/* A library is not there yet, and the interpreter has not begun. */
	assert_true(run.at_start == -ENOENT || run.at_start == 0);
	assert_int_equal(run.count, 0);
	script_drop();
}

static void test_reused_code(void **state)
{
	(void)state;
	script_run("r.py",
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
	script_drop();
	/* Now what differs is the file's name, the function's, and the line inside. */
	script_run("r.py", "import os\n"
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
	script_drop();
}

/* From 3.11 on, what runs often is replaced by specialised instructions, which may call
 * without the usual frames between. */
static void test_hot_calls(void **state)
{
	(void)state;
	script_run("h.py", "import os\n"
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
	script_drop();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_from_thread),
		cmocka_unit_test(test_subinterpreter),
		cmocka_unit_test(test_below_the_library),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_reused_code),
		cmocka_unit_test(test_hot_calls),
	};

	return script_test(tests, sizeof(tests) / sizeof(tests[0]), true) ? 1 : 0;
}
