/* Makes a running process execute system calls that it never would: for the test that a
 * sandbox holds.
 *
 *	inject PID TID		prints "NAME RESULT" for each call, in the order of `calls`
 *
 * The thread is stopped inside of a system call, so that its program counter stands just
 * behind the instruction for one.  The registers are set for another call, the
 * instruction runs once more, and all is put back. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct user_regs_struct registers;

#if defined(__x86_64__)
enum { INSTRUCTION_BYTES = 2 };
#define PC rip
#define SP rsp
#define RESULT rax
#elif defined(__aarch64__)
enum { INSTRUCTION_BYTES = 4 };
#define PC pc
#define SP sp
#define RESULT regs[0]
#endif

enum { BELOW_STACK = 4096 }; /* beyond what a leaf function may use there */

static const char path[] = "/bin/true";

struct call {
	const char *name;
	long number;
	long arguments[6];
	unsigned path_arguments; /* a bit for each that is the address of `path` */
};

static const struct call calls[] = {
	{"getpid", SYS_getpid, {0}, 0},
	{"openat", SYS_openat, {AT_FDCWD, 0, O_RDONLY | O_CLOEXEC}, 2},
	{"openat-create", SYS_openat, {AT_FDCWD, 0, O_RDWR | O_CREAT | O_EXCL, 0600}, 2},
	{"faccessat", SYS_faccessat, {AT_FDCWD, 0, R_OK}, 2},
	{"socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}, 0},
	{"bind", SYS_bind, {-1, 0, 0}, 0},
	{"connect", SYS_connect, {-1, 0, 0}, 0},
	{"ptrace", SYS_ptrace, {-1, 0, 0}, 0},
	{"kill", SYS_kill, {0, 0, 0}, 0},
	{"setuid", SYS_setuid, {0}, 0},
	{"mmap-exec", SYS_mmap, {0, 4096, 7, 0x22, -1, 0}, 0},
	{"clone", SYS_clone, {CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0}, 0},
	/* The last one: where it succeeds, nothing is left to go on with. */
	{"execve", SYS_execve, {0, 0, 0}, 1},
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void stop_again(pid_t tid)
{
	int status;

	if (waitpid(tid, &status, __WALL) < 0)
		fail("waitpid");
	if (!WIFSTOPPED(status)) {
		fprintf(stderr, "inject: the thread is gone\n");
		exit(1);
	}
}

static void get(pid_t tid, registers *ret)
{
	struct iovec part = {ret, sizeof(*ret)};

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &part) < 0)
		fail("PTRACE_GETREGSET");
}

static void set(pid_t tid, registers *regs)
{
	struct iovec part = {regs, sizeof(*regs)};

	if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &part) < 0)
		fail("PTRACE_SETREGSET");
}

static void load(registers *regs, const struct call *call, long path_at)
{
	long values[6];

	for (unsigned i = 0; i < 6; i++)
		values[i] = call->path_arguments & 1u << i ? path_at : call->arguments[i];
#if defined(__x86_64__)
	regs->orig_rax = (unsigned long long)-1; /* nothing to be restarted */
	regs->rax = (unsigned long long)call->number;
	regs->rdi = (unsigned long long)values[0];
	regs->rsi = (unsigned long long)values[1];
	regs->rdx = (unsigned long long)values[2];
	regs->r10 = (unsigned long long)values[3];
	regs->r8 = (unsigned long long)values[4];
	regs->r9 = (unsigned long long)values[5];
#elif defined(__aarch64__)
	for (unsigned i = 0; i < 6; i++)
		regs->regs[i] = (uint64_t)values[i];
	regs->regs[8] = (uint64_t)call->number;
#endif
	regs->PC -= INSTRUCTION_BYTES;
}

static long execute(pid_t tid, const registers *at_stop, const struct call *call,
		    long path_at)
{
	registers regs = *at_stop;

	load(&regs, call, path_at);
	set(tid, &regs);
	/* Into the call, and out of it. */
	for (int i = 0; i < 2; i++) {
		if (ptrace(PTRACE_SYSCALL, tid, 0, 0) < 0)
			fail("PTRACE_SYSCALL");
		stop_again(tid);
	}
	get(tid, &regs);
	return (long)regs.RESULT;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: inject PID TID\n");
		return 2;
	}
	pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
	pid_t tid = (pid_t)strtol(argv[2], NULL, 10);
	registers at_stop;

	if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) < 0)
		fail("PTRACE_SEIZE");
	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		fail("PTRACE_INTERRUPT");
	stop_again(tid);
	get(tid, &at_stop);

	long path_at = (long)(at_stop.SP - BELOW_STACK);
	struct iovec here = {(void *)(uintptr_t)path, sizeof(path)};
	struct iovec there = {(void *)path_at, sizeof(path)};
	if (process_vm_writev(pid, &here, 1, &there, 1, 0) != sizeof(path))
		fail("process_vm_writev");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		printf("%s %ld\n", calls[i].name,
		       execute(tid, &at_stop, &calls[i], path_at));

	/* The call that was interrupted says so, as after any signal. */
	at_stop.RESULT = (unsigned long)-EINTR;
#if defined(__x86_64__)
	at_stop.orig_rax = (unsigned long long)-1;
#endif
	set(tid, &at_stop);
	if (ptrace(PTRACE_DETACH, tid, 0, 0) < 0)
		fail("PTRACE_DETACH");
	return 0;
}
