/* Makes a socket call, and only then loads an interpreter that makes one, too.
 *
 *	embeds_python LIBPYTHON SCRIPT */
#include <dlfcn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	void (*start)(void);
	int (*run)(const char *);
	char command[4096];
	int pair[2];

	if (count != 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 2;
	void *library = dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library)
		return 3;
	*(void **)&start = dlsym(library, "Py_Initialize");
	*(void **)&run = dlsym(library, "PyRun_SimpleString");
	if (!start || !run)
		return 4;
	start();
	snprintf(command, sizeof(command),
		 "exec(compile(open('%s').read(), '%s', 'exec'))\n", arguments[2],
		 arguments[2]);
	if (run(command) < 0)
		return 5;
	return write(pair[0], "native", 6) == 6 ? 0 : 6;
}
