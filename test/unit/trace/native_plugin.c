/* A library for native.c to load. */
#include <unistd.h>

__attribute__((visibility("default"))) int plugin_call(void);

#ifdef PLUGIN_OTHER
static volatile int moves_the_code;

static __attribute__((noinline)) int deeper(void)
{
	moves_the_code = 1;
	return getppid() + moves_the_code; /* other */
}

int plugin_call(void)
{
	moves_the_code = 2;
	return deeper() + 1; /* outer */
}
#else
int plugin_call(void)
{
	return getppid() + 1; /* plugin */
}
#endif
