/* The table of traced system calls, and its seccomp filter.
 *
 * The filter answers RET_TRACE for the calls in the table and ALLOW for the rest; the
 * kernel remembers which numbers are always allowed and does not even run the filter for
 * them. fcntl, ioctl and clone stop for what matters only.  Another architecture
 * than the one sonde was built for is allowed, unseen: the tracer says so at the exec. */
#include "trace/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct syscall table[] = {
	{"socket", SYS_socket, SHAPE_SOCKET, SONDE_CALL_SOCKET, -1},
	{"socketpair", SYS_socketpair, SHAPE_SOCKETPAIR, SONDE_CALL_SOCKET, -1},
#ifdef SYS_pipe
	{"pipe", SYS_pipe, SHAPE_PIPE, SONDE_CALL_SOCKET, -1},
#endif
	{"pipe2", SYS_pipe2, SHAPE_PIPE, SONDE_CALL_SOCKET, -1},
	{"bind", SYS_bind, SHAPE_BIND, SONDE_CALL_BIND, 0},
	{"listen", SYS_listen, SHAPE_LISTEN, SONDE_CALL_LISTEN, 0},
	{"connect", SYS_connect, SHAPE_CONNECT, SONDE_CALL_CONNECT, 0},
	{"accept", SYS_accept, SHAPE_ACCEPT, SONDE_CALL_ACCEPT, 0},
	{"accept4", SYS_accept4, SHAPE_ACCEPT4, SONDE_CALL_ACCEPT, 0},
	{"sendto", SYS_sendto, SHAPE_SENDTO, SONDE_CALL_SEND, 0},
	{"recvfrom", SYS_recvfrom, SHAPE_RECVFROM, SONDE_CALL_RECEIVE, 0},
	{"sendmsg", SYS_sendmsg, SHAPE_SENDMSG, SONDE_CALL_SEND, 0},
	{"recvmsg", SYS_recvmsg, SHAPE_RECVMSG, SONDE_CALL_RECEIVE, 0},
	{"sendmmsg", SYS_sendmmsg, SHAPE_SENDMMSG, SONDE_CALL_SEND, 0},
	{"recvmmsg", SYS_recvmmsg, SHAPE_RECVMMSG, SONDE_CALL_RECEIVE, 0},
	{"write", SYS_write, SHAPE_WRITE, SONDE_CALL_SEND, 0},
	{"read", SYS_read, SHAPE_READ, SONDE_CALL_RECEIVE, 0},
	{"writev", SYS_writev, SHAPE_WRITEV, SONDE_CALL_SEND, 0},
	{"readv", SYS_readv, SHAPE_READV, SONDE_CALL_RECEIVE, 0},
	{"pwritev2", SYS_pwritev2, SHAPE_WRITEV, SONDE_CALL_SEND, 0},
	{"preadv2", SYS_preadv2, SHAPE_READV, SONDE_CALL_RECEIVE, 0},
	{"sendfile", SYS_sendfile, SHAPE_SENDFILE, SONDE_CALL_SEND, 0},
	{"splice", SYS_splice, SHAPE_SPLICE, SONDE_CALL_SEND, -1},
	{"tee", SYS_tee, SHAPE_TEE, SONDE_CALL_SEND, -1},
	{"vmsplice", SYS_vmsplice, SHAPE_VMSPLICE, SONDE_CALL_SEND, 0},
	{"shutdown", SYS_shutdown, SHAPE_SHUTDOWN, SONDE_CALL_SHUTDOWN, 0},
	{"close", SYS_close, SHAPE_CLOSE, SONDE_CALL_CLOSE, 0},
	{"close_range", SYS_close_range, SHAPE_CLOSERANGE, SONDE_CALL_CLOSE, -1},
	{"dup", SYS_dup, SHAPE_DUP, SONDE_CALL_SOCKET, 0},
#ifdef SYS_dup2
	{"dup2", SYS_dup2, SHAPE_DUP2, SONDE_CALL_SOCKET, 0},
#endif
	{"dup3", SYS_dup3, SHAPE_DUP3, SONDE_CALL_SOCKET, 0},
	{"fcntl", SYS_fcntl, SHAPE_FCNTL, SONDE_CALL_OPTION, 0},
	{"ioctl", SYS_ioctl, SHAPE_IOCTL, SONDE_CALL_OPTION, 0},
#ifdef SYS_poll
	{"poll", SYS_poll, SHAPE_POLL, SONDE_CALL_WAIT, -1},
#endif
	{"ppoll", SYS_ppoll, SHAPE_PPOLL, SONDE_CALL_WAIT, -1},
#ifdef SYS_select
	{"select", SYS_select, SHAPE_SELECT, SONDE_CALL_WAIT, -1},
#endif
	{"pselect6", SYS_pselect6, SHAPE_PSELECT, SONDE_CALL_WAIT, -1},
#ifdef SYS_epoll_create
	{"epoll_create", SYS_epoll_create, SHAPE_EPOLL_CREATE, SONDE_CALL_OPTION, -1},
#endif
	{"epoll_create1", SYS_epoll_create1, SHAPE_EPOLL_CREATE, SONDE_CALL_OPTION, -1},
	{"epoll_ctl", SYS_epoll_ctl, SHAPE_EPOLL_CTL, SONDE_CALL_OPTION, 2},
#ifdef SYS_epoll_wait
	{"epoll_wait", SYS_epoll_wait, SHAPE_EPOLL_WAIT, SONDE_CALL_WAIT, -1},
#endif
	{"epoll_pwait", SYS_epoll_pwait, SHAPE_EPOLL_WAIT, SONDE_CALL_WAIT, -1},
	{"epoll_pwait2", SYS_epoll_pwait2, SHAPE_EPOLL_PWAIT2, SONDE_CALL_WAIT, -1},
	{"setsockopt", SYS_setsockopt, SHAPE_SETSOCKOPT, SONDE_CALL_OPTION, 0},
	{"getsockopt", SYS_getsockopt, SHAPE_OPTION, SONDE_CALL_OPTION, 0},
	{"getsockname", SYS_getsockname, SHAPE_OPTION, SONDE_CALL_OPTION, 0},
	{"getpeername", SYS_getpeername, SHAPE_OPTION, SONDE_CALL_OPTION, 0},
	{"pidfd_getfd", SYS_pidfd_getfd, SHAPE_PIDFD_GETFD, SONDE_CALL_SOCKET, -1},
	{"restart_syscall", SYS_restart_syscall, SHAPE_RESTART, SONDE_CALL_OTHER, -1},
	{"exit_group", SYS_exit_group, SHAPE_EXIT, SONDE_CALL_EXIT, -1},
	{"ptrace", SYS_ptrace, SHAPE_PTRACE, SONDE_CALL_OTHER, -1},
	{"clone", SYS_clone, SHAPE_CLONE, SONDE_CALL_OTHER, -1},
	{"io_uring_setup", SYS_io_uring_setup, SHAPE_URING, SONDE_CALL_OTHER, -1},
};

enum { TABLE_SIZE = sizeof(table) / sizeof(table[0]), NUMBERS = 512 };

const struct syscall *syscall_find(uint64_t number)
{
	static const struct syscall *by_number[NUMBERS];
	static bool is_filled;

	if (!is_filled) {
		for (int i = 0; i < TABLE_SIZE; i++)
			by_number[table[i].number] = &table[i];
		is_filled = true;
	}
	return number < NUMBERS ? by_number[number] : NULL;
}

uint32_t syscall_architecture(void)
{
#if defined(__x86_64__)
	return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
	return AUDIT_ARCH_AARCH64;
#endif
}

/* Offset of the low half of an argument. */
#define ARGUMENT_LOW(i) (offsetof(struct seccomp_data, args) + 8 * (i))

int syscall_install_filter(void)
{
	static const uint32_t fcntl_commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_SETFL};
	struct sock_filter filter[2 * TABLE_SIZE + 32];
	unsigned n = 0;

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, arch));
	filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						   syscall_architecture(), 1, 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr));
	for (int i = 0; i < TABLE_SIZE; i++) {
		if (table[i].shape == SHAPE_FCNTL || table[i].shape == SHAPE_IOCTL ||
		    table[i].shape == SHAPE_CLONE)
			continue;
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   table[i].number, 0, 1);
		filter[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}

	filter[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4);
	filter[n++] =
		(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT_LOW(1));
	filter[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FIONBIO, 0, 1);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	filter[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	filter[n++] =
		(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT_LOW(0));
	filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
						   CLONE_UNTRACED, 0, 1);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	filter[n++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 1, 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] =
		(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT_LOW(1));
	for (unsigned i = 0; i < sizeof(fcntl_commands) / sizeof(fcntl_commands[0]);
	     i++) {
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   fcntl_commands[i], 0, 1);
		filter[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	struct sock_fprog program = {.len = (unsigned short)n, .filter = filter};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	if (errno != EACCES)
		return -errno;
	/* Without CAP_SYS_ADMIN a filter is given only to who promises to gain none. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}
