/* A program of known stacks, for the reader of native code: native [PLUGIN OTHER]
 *
 * Each getppid() is looked at.  A line is called by the word in the comment at its end. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int count;
static sigjmp_buf back;

static void leaf(void)
{
	count += getppid(); /* leaf */
}

static void middle(void)
{
	count++;
	leaf(); /* middle */
	count++;
}

static __attribute__((noinline)) int tail(void)
{
	return getppid(); /* tail */
}

static __attribute__((noinline)) void descend(int depth)
{
	if (depth == 0)
		count += getppid(); /* bottom */
	else
		descend(depth - 1); /* descend */
	count++;
}

/* A frame that is larger than what is read at once. */
static __attribute__((noinline)) void wide(void)
{
	char bytes[70000];

	memset(bytes, count, sizeof(bytes));
	count += getppid(); /* wide */
	count += bytes[count & 1];
}

/* One whose size is known only when it runs, and that is aligned by hand. */
static __attribute__((noinline)) void aligned(unsigned n)
{
	char *bytes = __builtin_alloca(n);
	char line[64] __attribute__((aligned(64)));

	memset(bytes, 0, n);
	memset(line, 0, sizeof(line));
	__asm__ volatile("" : : "r"(bytes), "r"(line) : "memory");
	count += getppid(); /* aligned */
	count += bytes[0] + line[0];
}

static int compare(const void *a, const void *b)
{
	count += getppid(); /* compare */
	return *(const int *)a - *(const int *)b;
}

static void on_signal(int number)
{
	count += number + getppid(); /* signal */
}

static void on_fault(int number)
{
	count += number + getppid(); /* handler */
	siglongjmp(back, 1);
}

static __attribute__((noinline)) void fault(volatile int *nowhere)
{
	count++;
	*nowhere = 1; /* fault */
	count++;
}

static void *work(void *context)
{
	(void)context;
	count += getppid(); /* work */
	return NULL;
}

static void fork_once(void)
{
	pid_t child = fork();

	if (child == 0) {
		count += getppid(); /* child */
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

#ifndef NATIVE_STATIC
/* The second one may well lie where the first one lay. */
static __attribute__((noinline)) void plug(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*function)(void);

	if (!library)
		_exit(1);
	*(void **)&function = dlsym(library, "plugin_call");
	count += function(); /* plug */
	dlclose(library);
}
#endif

/* It does not come back: what follows the call is another function. */
static __attribute__((noreturn, noinline)) void leave(void)
{
	count += getppid(); /* leave */
	_exit(0);
}

int main(int argc, char **argv)
{
	int numbers[] = {2, 1};
	pthread_t thread;

	count += getppid();                             /* direct */
	middle();                                       /* nested */
	count += tail();                                /* tailed */
	count += getppid() - getppid();                 /* twice */
	descend(3);                                     /* descended */
	descend(40);                                    /* deep */
	wide();                                         /* widened */
	aligned((unsigned)argc * 100);                  /* forced */
	qsort(numbers, 2, sizeof(numbers[0]), compare); /* sort */
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1); /* raise */
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(back, 1) == 0)
		fault(NULL); /* faulted */
	signal(SIGSEGV, SIG_DFL);
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		return 1;
	pthread_join(thread, NULL);
	fork_once(); /* forked */
#ifndef NATIVE_STATIC
	for (int i = 1; i < argc; i++)
		plug(argv[i]); /* plugged */
#else
	(void)argv;
#endif
	leave(); /* last */
}
