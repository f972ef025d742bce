/* The reader of CPython's stacks, held against scripts whose stacks are known: what a
 * program may look like, and what its line table may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "python_script.h"

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
	script_run("aio.py", "import asyncio, os\n"
			     "async def main():\n"
			     "    await asyncio.sleep(0.001)\n"
			     "    os.getppid()\n"
			     "asyncio.run(main())\n");
	assert_int_equal(run.count, 1);
	assert_memory_equal(run.stacks[0], "aio.py:4 main < [", 17);
	assert_non_null(strstr(run.stacks[0], "[runners.py run] < aio.py:5 <module>"));
	script_drop();
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

static void test_deep_stack(void **state)
{
	(void)state;
	const char *text = "import os\n"
			   "def f(n):\n"
			   "    f(n - 1) if n else os.getppid()\n"
			   "f(int(os.environ['DEPTH']))\n";

	/* The module and n + 1 calls of f. */
	setenv("DEPTH", "30", 1);
	script_run("z.py", text);
	assert_int_equal(run.depth, LIMIT_STACK_DEPTH);
	assert_false(run.is_cut);
	script_drop();
	setenv("DEPTH", "31", 1);
	script_run("z.py", text);
	unsetenv("DEPTH");
	assert_int_equal(run.depth, LIMIT_STACK_DEPTH);
	assert_true(run.is_cut);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_comprehensions_and_generators),
		cmocka_unit_test(test_async),
		cmocka_unit_test(test_asyncio),
		cmocka_unit_test(test_multi_line_calls),
		cmocka_unit_test(test_decorated),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_names_of_all_widths),
		cmocka_unit_test(test_long_function),
		cmocka_unit_test(test_backward_lines),
		cmocka_unit_test(test_deep_stack),
	};

	return script_test(tests, sizeof(tests) / sizeof(tests[0]), true) ? 1 : 0;
}
