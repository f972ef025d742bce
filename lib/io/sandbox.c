/* The sandbox of a process that serves, or captures.
 *
 * The order matters.  Groups and user go first, which the filter would not permit; then
 * no_new_privs, without which an ordinary user may not load a filter; the filter comes
 * last, for all threads at once (TSYNC).
 *
 * What the filter does not permit fails with EPERM and does not kill: libc opens files of
 * its own accord (message catalogues, the time zone), falls back where it cannot, and a
 * server with many clients shall not end for that.  The call has no effect either way.
 *
 * The filter permits by name.  A call whose arguments decide is permitted for the values
 * that are needed: memory never becomes executable, ioctl() only asks how much waits,
 * and a signal reaches this process alone.  Filters stack: one that was there before,
 * as that of a tracer, goes on working for what is permitted here. */
#include <sonde/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 65534 }; /* the kernel's overflow user, and Debian's nobody and nogroup */

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

/* clang-format off */
static const int serve_calls[] = {
	/* clients */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown),
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt),
};

static const int capture_calls[] = {
	/* a file that could not be written to its end */
	SCMP_SYS(ftruncate),
};

static const int files_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

static const int common_calls[] = {
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(getsockopt),
	/* the log, signals that come as bytes */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(lseek),
	/* waiting */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	/* time and chance, where the vDSO does not have them */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom),
	/* memory; mmap() and mprotect() are below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* signals, threads and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(exit), SCMP_SYS(exit_group),
#ifdef IS_SANITIZED
	SCMP_SYS(sigaltstack), SCMP_SYS(getrusage), SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64),
	/* of a worker that begins when the filter is there: pthread_getattr_np() */
	SCMP_SYS(sched_getaffinity),
#endif
};
/* clang-format on */

/* --- identity */

static int leave_root(uid_t uid, gid_t gid, struct sonde_sandbox *ret)
{
	if (geteuid() != 0 && getuid() != 0)
		return 0;
	/* Where /proc/self/setgroups says "deny" the groups stay as they are: they give
	 * nothing to a process that cannot open a file. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0) {
		if (errno == EINVAL)
			ret->why_root = uid == NOBODY
						? "the user namespace has no user 65534"
						: "the user namespace has no such user";
		else if (errno == EPERM)
			ret->why_root = "the capability CAP_SETUID is missing";
		else
			return -errno;
		return 0;
	}
	if (setuid(0) == 0)
		return -EPERM; /* root again: this must not serve */
	ret->is_nobody = true;
	return 0;
}

/* Those of an ordinary user, who was given some, too.  kept: a bit each. */
static int drop_capabilities(uint32_t kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2] = {{0}};

	if (kept && syscall(SYS_capget, &header, now) < 0)
		return -errno;
	const struct __user_cap_data_struct left[2] = {{
		.effective = now[0].effective & kept,
		.permitted = now[0].permitted & kept,
	}};
	return syscall(SYS_capset, &header, left) < 0 ? -errno : 0;
}

static int give_up_identity(enum sonde_sandbox_policy policy, uid_t uid, gid_t gid,
			    struct sonde_sandbox *ret, struct sonde_error *err)
{
	const uint32_t of_files = UINT32_C(1) << CAP_DAC_OVERRIDE | UINT32_C(1)
									    << CAP_FOWNER;
	int r = policy == SONDE_SANDBOX_FILES ? 0 : leave_root(uid, gid, ret);

	if (r < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "leave",
				       "the user root", NULL);
	if (policy != SONDE_SANDBOX_SERVE)
		r = drop_capabilities(policy == SONDE_SANDBOX_FILES ? of_files : 0);
	return r < 0 ? sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "drop",
				       "the capabilities", NULL)
		     : 0;
}

/* --- the filter */

/* Where (argument & mask) == value. */
static int permit_where(scmp_filter_ctx filter, int call, unsigned argument,
			uint64_t mask, uint64_t value)
{
	struct scmp_arg_cmp test = {
		.arg = argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = mask,
		.datum_b = value,
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &test);
}

static int permit_arguments(scmp_filter_ctx filter)
{
	static const unsigned questions[] = {FIONREAD, SIOCOUTQ, TCGETS, TIOCGWINSZ};
	static const unsigned descriptor_questions[] = {F_GETFD, F_GETFL, F_SETFL};
	unsigned self = (unsigned)getpid();
	int r = permit_where(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	if (r == 0)
		r = permit_where(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	if (r == 0)
		r = permit_where(filter, SCMP_SYS(kill), 0, UINT32_MAX, self);
	if (r == 0)
		r = permit_where(filter, SCMP_SYS(tgkill), 0, UINT32_MAX, self);
	for (size_t i = 0; r == 0 && i < sizeof(questions) / sizeof(unsigned); i++)
		r = permit_where(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, questions[i]);
	for (size_t i = 0; r == 0 && i < sizeof(descriptor_questions) / sizeof(unsigned);
	     i++)
		r = permit_where(filter, SCMP_SYS(fcntl), 1, UINT32_MAX,
				 descriptor_questions[i]);
	return r;
}

static int permit_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int r = 0;

	/* A call that this architecture does not have is passed over. */
	for (size_t i = 0; r == 0 && i < count; i++)
		r = calls[i] >= 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0)
				  : 0;
	return r;
}

static int load_filter(enum sonde_sandbox_policy policy)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter ? 0 : -ENOMEM;

	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	/* A binary tree: the filter runs with every call. */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = permit_all(filter, common_calls, sizeof(common_calls) / sizeof(int));
	if (r == 0 && policy == SONDE_SANDBOX_SERVE)
		r = permit_all(filter, serve_calls, sizeof(serve_calls) / sizeof(int));
	if (r == 0 && policy == SONDE_SANDBOX_CAPTURE)
		r = permit_all(filter, capture_calls,
			       sizeof(capture_calls) / sizeof(int));
	if (r == 0 && policy == SONDE_SANDBOX_FILES)
		r = permit_all(filter, files_calls, sizeof(files_calls) / sizeof(int));
	/* Names of interfaces that come while it captures. */
	if (r == 0 && policy == SONDE_SANDBOX_CAPTURE)
		r = permit_where(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, SIOCGIFNAME);
	/* fstat(), as libc makes it. */
	if (r == 0 && policy == SONDE_SANDBOX_CAPTURE)
		r = permit_where(filter, SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH,
				 AT_EMPTY_PATH);
	if (r == 0)
		r = permit_arguments(filter);
	if (r == 0)
		r = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return r;
}

int sonde_sandbox_enter(enum sonde_sandbox_policy policy, struct sonde_sandbox *ret,
			struct sonde_error *err)
{
	return sonde_sandbox_enter_as(policy, NOBODY, NOBODY, ret, err);
}

int sonde_sandbox_enter_as(enum sonde_sandbox_policy policy, uid_t uid, gid_t gid,
			   struct sonde_sandbox *ret, struct sonde_error *err)
{
	struct sonde_sandbox sandbox = {0};
	int r = give_up_identity(policy, uid, gid, &sandbox, err);

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "set",
				       "no_new_privs", NULL);
	r = load_filter(policy);
	if (r == -ENOMEM)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "filter",
				       "system calls", NULL);
	sandbox.is_filtered = r == 0;
	if (r < 0)
		sandbox.why_opened = r == -EINVAL || r == -ENOSYS
					     ? "the kernel has no seccomp filters"
					     : "the kernel did not take the filter";
	*ret = sandbox;
	return 0;
}
