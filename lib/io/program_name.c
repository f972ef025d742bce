/* A script stands for the interpreter that runs it, because that is what its author calls
 * the program. */
#include "io/program_name.h"

#include <string.h>

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool is_interpreter(const char *name)
{
	static const char *const names[] = {"python", "pypy", "perl", "ruby",  "node",
					    "sh",     "bash", "dash", "tclsh", "php"};

	if (*name == '-')
		name++; /* a login shell */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(name, names[i], n) == 0 &&
		    strspn(name + n, "0123456789.") == strlen(name + n))
			return true;
	}
	return false;
}

const char *program_name(const char *const *arguments, size_t count)
{
	const char *name = count ? last_part(arguments[0]) : "?";

	if (!is_interpreter(name))
		return name;
	for (size_t i = 1; i < count; i++) {
		const char *argument = arguments[i];

		if (argument[0] != '-')
			return last_part(argument);
		if (strcmp(argument, "-m") == 0 && i + 1 < count)
			return arguments[i + 1];
		if (strcmp(argument, "-c") == 0 || strcmp(argument, "-e") == 0 ||
		    strcmp(argument, "-") == 0)
			return name;
		if (strcmp(argument, "-W") == 0 || strcmp(argument, "-X") == 0)
			i++;
	}
	return name;
}

bool program_is_script(const char *const *arguments, size_t count)
{
	const char *runs = count ? last_part(arguments[0]) : "";
	size_t n = strlen(runs);

	/* A shell's calls are its own.  CPython's frames can be read, and are no lines of
	 * the runtime. */
	return is_interpreter(runs) && !(n >= 2 && strcmp(runs + n - 2, "sh") == 0) &&
	       strncmp(runs, "python", 6) != 0 &&
	       strcmp(program_name(arguments, count), runs) != 0;
}
