/* The system calls that are traced: what each is for, where its descriptor stands, and
 * the seccomp filter that stops for them alone. */
#ifndef TRACE_SYSCALL_H
#define TRACE_SYSCALL_H

#include <stdint.h>

#include <sonde/recording.h>

/* How the arguments and the result are read. */
enum syscall_shape {
	SHAPE_SOCKET,     /* domain, type, protocol -> fd */
	SHAPE_SOCKETPAIR, /* ..., int[2] */
	SHAPE_PIPE,       /* int[2], ... */
	SHAPE_BIND,       /* fd, address, length */
	SHAPE_LISTEN,     /* fd, backlog */
	SHAPE_CONNECT,    /* fd, address, length */
	SHAPE_ACCEPT,     /* fd, address, &length */
	SHAPE_ACCEPT4,    /* ..., flags */
	SHAPE_SENDTO,     /* fd, buffer, length, flags, address, length */
	SHAPE_RECVFROM,   /* fd, buffer, length, flags, address, &length */
	SHAPE_SENDMSG,    /* fd, msghdr, flags */
	SHAPE_RECVMSG,
	SHAPE_SENDMMSG, /* fd, mmsghdr[], count, flags */
	SHAPE_RECVMMSG,
	SHAPE_WRITE, /* fd, buffer, length */
	SHAPE_READ,
	SHAPE_WRITEV, /* fd, iovec[], count */
	SHAPE_READV,
	SHAPE_SENDFILE,   /* out, in, offset, count */
	SHAPE_SPLICE,     /* in, offset, out, offset, length, flags */
	SHAPE_TEE,        /* in, out, length, flags: the bytes stay in `in` */
	SHAPE_VMSPLICE,   /* fd, iovec[], count, flags: in or out, as the pipe's end */
	SHAPE_SHUTDOWN,   /* fd, how */
	SHAPE_CLOSE,      /* fd */
	SHAPE_CLOSERANGE, /* first, last, flags */
	SHAPE_DUP,        /* fd -> fd */
	SHAPE_DUP2,       /* fd, fd -> fd */
	SHAPE_DUP3,       /* fd, fd, flags -> fd */
	SHAPE_FCNTL,      /* fd, F_DUPFD* or F_SETFL, argument */
	SHAPE_IOCTL,      /* fd, FIONBIO, &int */
	SHAPE_POLL,       /* pollfd[], count, ms */
	SHAPE_PPOLL,      /* pollfd[], count, timespec, ... */
	SHAPE_SELECT,     /* count, read, write, except, timeval */
	SHAPE_PSELECT,    /* count, read, write, except, timespec, ... */
	SHAPE_EPOLL_CREATE,
	SHAPE_EPOLL_CTL,    /* epfd, op, fd, event */
	SHAPE_EPOLL_WAIT,   /* epfd, events, count, ms */
	SHAPE_EPOLL_PWAIT2, /* epfd, events, count, timespec, ... */
	SHAPE_OPTION,       /* fd, ...: getsockopt and its kin, taken as it is */
	SHAPE_SETSOCKOPT,   /* fd, level, name, value, size */
	SHAPE_PIDFD_GETFD,  /* pidfd, fd, flags -> fd */
	SHAPE_RESTART,      /* none: goes on with the call that was stopped */
	SHAPE_EXIT,         /* status */
	SHAPE_PTRACE,       /* request, pid, ... */
	SHAPE_CLONE,        /* flags, of a child that no tracer gets */
	SHAPE_URING,        /* io_uring_setup: socket calls that nobody can see */
};

struct syscall {
	const char *name;
	uint16_t number;
	uint8_t shape; /* enum syscall_shape */
	uint8_t kind;  /* enum sonde_call_kind */
	int8_t fd;     /* which argument is the descriptor; -1 none */
};

/* NULL where that number is not traced. */
const struct syscall *syscall_find(uint64_t number);

/* The architecture that the numbers belong to, as in struct ptrace_syscall_info. */
uint32_t syscall_architecture(void);

/* Makes the calling process stop, under a tracer, at each call in the table.  Sets
 * no_new_privs only where the filter cannot be had without.  0 or a negative errno. */
int syscall_install_filter(void);

#endif
