/* The interpreters of this machine, to test with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pythons.h"

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

unsigned pythons_find(struct python pythons[PYTHONS])
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
