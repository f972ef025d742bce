/* What the rooms take from GNU's C library and WebAssembly's does not have, or has in a
 * way that could make the page say something else than the program.
 *
 * Sorting: glibc's qsort() is a merge sort, so that equal elements keep their order. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int (*compare_function)(const void *, const void *, void *);

static void merge(char *base, char *spare, size_t left, size_t right, size_t size,
		  compare_function compare, void *context)
{
	char *a = spare, *b = base + left * size, *to = base;

	memcpy(spare, base, left * size);
	while (left && right) {
		if (compare(a, b, context) <= 0) {
			memcpy(to, a, size);
			a += size;
			left--;
		} else {
			memcpy(to, b, size);
			b += size;
			right--;
		}
		to += size;
	}
	/* What is left of the right half is in its place. */
	memcpy(to, a, left * size);
}

static void sort(char *base, char *spare, size_t count, size_t size,
		 compare_function compare, void *context)
{
	size_t left = count / 2;

	if (count < 2)
		return;
	sort(base, spare, left, size, compare, context);
	sort(base + left * size, spare, count - left, size, compare, context);
	if (compare(base + (left - 1) * size, base + left * size, context) > 0)
		merge(base, spare, left, count - left, size, compare, context);
}

void qsort_r(void *base, size_t count, size_t size, compare_function compare,
	     void *context)
{
	char *spare;

	if (count < 2 || !size)
		return;
	spare = malloc((count / 2 + 1) * size);
	if (!spare)
		abort();
	sort(base, spare, count, size, compare, context);
	free(spare);
}

/* The comparison without a context, on its way through one that has it. */
struct plain {
	int (*compare)(const void *, const void *);
};

static int compare_plain(const void *a, const void *b, void *context)
{
	const struct plain *plain = context;

	return plain->compare(a, b);
}

void qsort(void *base, size_t count, size_t size,
	   int (*compare)(const void *, const void *))
{
	struct plain plain = {compare};

	qsort_r(base, count, size, compare_plain, &plain);
}

/* What libc's stdio would ask a system for, which there is none of: nobody prints, but it
 * is linked along with vsnprintf(), and imports that are not used would have to be given.
 */
enum { WASI_EBADF = 8 };

int32_t __imported_wasi_snapshot_preview1_fd_close(int32_t fd);
int32_t __imported_wasi_snapshot_preview1_fd_seek(int32_t fd, int64_t offset,
						  int32_t whence, int32_t ret);
int32_t __imported_wasi_snapshot_preview1_fd_write(int32_t fd, int32_t parts,
						   int32_t count, int32_t ret);

int32_t __imported_wasi_snapshot_preview1_fd_close(int32_t fd)
{
	(void)fd;
	return WASI_EBADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_seek(int32_t fd, int64_t offset,
						  int32_t whence, int32_t ret)
{
	(void)fd;
	(void)offset;
	(void)whence;
	(void)ret;
	return WASI_EBADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_write(int32_t fd, int32_t parts,
						   int32_t count, int32_t ret)
{
	(void)fd;
	(void)parts;
	(void)count;
	(void)ret;
	return WASI_EBADF;
}

/* A failed assertion ends the module; libc's own would write to standard error. */
_Noreturn void __assert_fail(const char *expression, const char *file, int line,
			     const char *function);

_Noreturn void __assert_fail(const char *expression, const char *file, int line,
			     const char *function)
{
	(void)expression;
	(void)file;
	(void)line;
	(void)function;
	__builtin_trap();
}

const char *sigabbrev_np(int signal)
{
	static const char *const names[] = {
		NULL,     "HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",
		"FPE",    "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM",
		"STKFLT", "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",
		"XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR",  "SYS",
	};

	if (signal < 0 || signal >= (int)(sizeof(names) / sizeof(names[0])))
		return NULL;
	return names[signal];
}
