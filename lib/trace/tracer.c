/* The tracer's process.
 *
 * Theory of operation.  The programs are children of this process, seized before they run
 * their first instruction (launch.c).  A seccomp filter stops them for the calls of the
 * table in syscall.c and no others: everything else costs nothing.  At such a stop the
 * call is described (call.c), stamped and fed; the thread goes on to the call's return,
 * where it stops once more and the result is fed.  fork, clone, exec and exit stop too,
 * so that no thread and no image is missed.
 *
 * follow.c serves the stops, phase.c starts and ends the programs, call_enter.c and
 * call_return.c describe calls.  Where this process dies, so do the programs (EXITKILL);
 * it dies with the one that started it (PDEATHSIG). */
#include "trace/tracer.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/ring.h"
#include "io/netns.h"
#include "trace/session.h"

static void on_tick(int signal)
{
	(void)signal;
}

/* Hands the ring over, or says why there is none. */
static int send_ring(const struct tracer_options *options)
{
	struct tracer_ring_message message = {0};
	struct iovec vector = {.iov_base = &message, .iov_len = sizeof(message)};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr out = {.msg_iov = &vector, .msg_iovlen = 1};
	int fd = ring_open(NULL), error = 0;

	if (fd < 0) {
		message.error = fd;
	} else {
		out.msg_control = control.bytes;
		out.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	if (sendmsg(options->control_fd, &out, MSG_NOSIGNAL) < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	return error;
}

/* To the processor that it runs on now; the programs inherit it.  A stop then is a switch
 * on one processor, without waking another. */
static void pin(void)
{
	int processor = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	if (processor < 0)
		return;
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void start_ticks(void)
{
	struct itimerval interval = {{0, TICK_NS / NS_PER_US}, {0, TICK_NS / NS_PER_US}};

	setitimer(ITIMER_REAL, &interval, NULL);
}

int tracer_run(const struct tracer_options *options)
{
	static struct session session; /* large, and one a process */
	struct sonde_error error = {0};
	pid_t parent = getppid();
	int code;

	session.options = options;
	session.tracer.feed = &session.feed;
	feed_init(&session.feed, options->feed_fd);
	launch_prepare(&session.launch, &options->program_mask, on_tick);
	if (options->isolate) {
		code = netns_isolate(&error);
		if (code < 0) {
			feed_failure(&session.feed, code, &error);
			feed_flush(&session.feed);
			return 1;
		}
	}
	/* Only now: the kernel forgets it when credentials change. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || send_ring(options) < 0)
		return 1;
	if (options->pin)
		pin();
	session.root_count = (uint32_t)options->with_count + 1;
	session.roots = array_new(session.root_count, sizeof(session.roots[0]));
	if (!session.roots)
		return 1;
	start_ticks();
	session.tracer.has_lines = !options->no_lines;
	session.tracer.now_ns = clock_realtime_ns();
	phase_launch(&session);
	follow(&session);
	if (session.tracer.calls_dropped)
		feed_calls_dropped(&session.feed, session.tracer.calls_dropped);
	feed_cost(&session.feed, session.tracer.stops, session.tracer.held_ns);
	feed_flush(&session.feed);
	array_free(session.roots);
	return 0;
}
