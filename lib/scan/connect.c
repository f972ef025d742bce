/* TCP by connect(2), for everybody.
 *
 * What the course wants to ask now is a batch, which connect_lanes.c carries out.  What is
 * refused or connected at once is told at once; what is under way waits in a slot for
 * epoll, or for its time to end.
 *
 * The kernel would repeat its SYN after a second: by then the socket is closed, because
 * the course, which knows how long answers take here, repeats sooner.
 *
 * What is connected is reset (SO_LINGER 0): no TIME-WAIT is left behind on either side.
 * A port among those that the kernel gives to our own sockets may be answered by that
 * very socket (simultaneous open); such a connection to oneself proves that nobody
 * listens. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "scan/connect_lanes.h"
#include "scan/icmp.h"
#include "scan/session.h"

enum {
	DESCRIPTORS_KEPT = 24, /* for everything else that this program does */
	EVENTS = 256,
	BATCH = 256,
	WAIT_MOST_MS = 50,
};

#define STUCK NS_PER_S
#define STUCK_BUSY (10 * NS_PER_S)

struct slot {
	int fd; /* -1: free */
	struct course_probe probe;
	int64_t sent_ns;
};

/* A slot that was used again since has another time. */
struct waiting {
	uint32_t slot;
	int64_t sent_ns;
};

struct connector {
	struct sonde_scan *scan;
	struct course *course;
	int epoll_fd;
	struct connect_lanes *lanes;
	struct course_probe batch[BATCH];
	struct connect_try tries[BATCH];
	struct slot *slots;
	uint32_t *free_slots;
	uint32_t slot_count, free_count;
	struct waiting *queue; /* in the order of the probes; a ring */
	uint32_t queue_head, queue_count, queue_room;
	uint32_t busy_most; /* connects at once; falls where descriptors run out */
	int64_t left_ns;    /* when a connect left this machine last */
	bool has_noted_ports;
};

static bool is_connected_to_itself(int fd)
{
	struct sockaddr_storage local = {0}, peer = {0};
	socklen_t local_bytes = sizeof(local), peer_bytes = sizeof(peer);

	return getsockname(fd, (struct sockaddr *)&local, &local_bytes) == 0 &&
	       getpeername(fd, (struct sockaddr *)&peer, &peer_bytes) == 0 &&
	       local_bytes == peer_bytes && memcmp(&local, &peer, local_bytes) == 0;
}

/* What the outcome of a connect() means.  False: nothing, the port is still silent. */
static bool judge(const struct connect_try *try, struct scan_result *result)
{
	switch (try->error) {
	case 0:
		result->state = SONDE_SCAN_OPEN;
		result->reason = SONDE_SCAN_SYN_ACK;
		if (is_connected_to_itself(try->fd)) {
			result->state = SONDE_SCAN_CLOSED;
			result->reason = SONDE_SCAN_RST;
		}
		return true;
	case ECONNREFUSED:
	case ECONNRESET:
		result->state = SONDE_SCAN_CLOSED;
		result->reason = SONDE_SCAN_RST;
		break;
	case ETIMEDOUT:
	case EINPROGRESS:
	case EALREADY:
		return false;
	default:
		result->state = SONDE_SCAN_UNREACHABLE;
		result->reason = SONDE_SCAN_REFUSED;
		result->error_number = try->error;
		break;
	}
	if (try->has_report && try->report.is_icmp) {
		result->state = SONDE_SCAN_UNREACHABLE;
		result->reason = SONDE_SCAN_ICMP;
		result->icmp_type = try->report.type;
		result->icmp_code = try->report.code;
		result->from = try->report.from;
		result->error_number = try->error;
	}
	return true;
}

static int tell(struct connector *connector, const struct course_probe *probe,
		const struct connect_try *try)
{
	struct scan_result result = {.rtt_ns = try->done_ns - try->sent_ns};
	int64_t now_ns = try->done_ns;

	if (!judge(try, &result))
		return 0;
	if (probe->is_sentinel) {
		course_sentinel_answer(connector->course, probe->serial, now_ns);
		return 0;
	}
	result.tries = course_tries(connector->course, probe->target);
	if (!course_answer(connector->course, probe->target, probe->attempt, result.state,
			   now_ns))
		return 0;
	result.address = plan_address(&connector->scan->plan, probe->target);
	return scan_tell_port(connector->scan, &result);
}

static void release(struct connector *connector, uint32_t slot)
{
	close(connector->slots[slot].fd);
	connector->slots[slot].fd = -1;
	connector->free_slots[connector->free_count++] = slot;
}

static void note_ports_once(struct connector *connector)
{
	if (!connector->has_noted_ports)
		scan_tell_note(connector->scan,
			       "this machine has no local port left for more connects "
			       "(EADDRNOTAVAIL): a wider net.ipv4.ip_local_port_range "
			       "helps, and so may a lower --max-rate");
	connector->has_noted_ports = true;
}

/* Trouble of this side: no descriptor, no port.  It is asked again, more slowly. */
static void give_back(struct connector *connector, const struct course_probe *probe,
		      int error, int64_t now_ns)
{
	uint32_t busy = connector->slot_count - connector->free_count;

	if (error == EADDRNOTAVAIL)
		note_ports_once(connector);
	if ((error == EMFILE || error == ENFILE) && busy > 1)
		connector->busy_most = busy;
	course_unsent(connector->course, probe, now_ns);
}

static bool is_own_trouble(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM || error == EADDRNOTAVAIL || error == EAGAIN;
}

/* No port will become free: none of ours are under way that could give one back, or they
 * have had the time.  What the kernel says is the result then. */
static bool is_stuck(const struct connector *connector, int error, int64_t now_ns)
{
	bool is_busy = connector->free_count < connector->slot_count;

	return error == EADDRNOTAVAIL &&
	       now_ns - connector->left_ns > (is_busy ? STUCK_BUSY : STUCK);
}

static void wait_for(struct connector *connector, const struct course_probe *probe,
		     const struct connect_try *try)
{
	struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT};
	uint32_t slot = connector->free_slots[--connector->free_count];
	uint32_t tail = connector->queue_head + connector->queue_count++;

	connector->slots[slot] =
		(struct slot){.fd = try->fd, .probe = *probe, .sent_ns = try->sent_ns};
	event.data.u32 = slot;
	epoll_ctl(connector->epoll_fd, EPOLL_CTL_ADD, try->fd, &event);
	if (tail >= connector->queue_room)
		tail -= connector->queue_room;
	connector->queue[tail] = (struct waiting){.slot = slot, .sent_ns = try->sent_ns};
}

static int take_outcome(struct connector *connector, const struct course_probe *probe,
			const struct connect_try *try)
{
	int r = 0;

	if (!is_own_trouble(try->error))
		connector->left_ns = try->done_ns;
	if (try->error == EINPROGRESS) {
		wait_for(connector, probe, try);
		return 0;
	}
	if (is_own_trouble(try->error) &&
	    (probe->is_sentinel || !is_stuck(connector, try->error, try->done_ns)))
		give_back(connector, probe, try->error, clock_monotonic_ns());
	else
		r = tell(connector, probe, try);
	if (try->fd >= 0)
		close(try->fd);
	return r;
}

/* What the course wants to ask now, as far as there is room for it.  *ret_is_over: it has
 * nothing more to ask. */
static int send_batch(struct connector *connector, unsigned *ret_sent, bool *ret_is_over)
{
	uint32_t busy = connector->slot_count - connector->free_count;
	uint32_t room = connector->busy_most > busy ? connector->busy_most - busy : 0;
	unsigned count = 0;
	int r = 0;

	if (room > connector->queue_room - connector->queue_count)
		room = connector->queue_room - connector->queue_count;
	if (room > BATCH)
		room = BATCH;
	while (count < room) {
		struct course_probe *probe = &connector->batch[count];

		r = course_next(connector->course, clock_monotonic_ns(), probe);
		if (r <= 0)
			break;
		connector->tries[count++].to =
			plan_address(&connector->scan->plan, probe->target);
	}
	*ret_is_over = r < 0;
	*ret_sent = count;
	connect_lanes_run(connector->lanes, connector->tries, count);
	r = 0;
	for (unsigned i = 0; i < count; i++) {
		int error = take_outcome(connector, &connector->batch[i],
					 &connector->tries[i]);

		if (r == 0)
			r = error;
	}
	return r;
}

/* Sockets that waited long enough are closed; longer while there are plenty of them, so
 * that a late answer still counts. */
static void close_late(struct connector *connector, int64_t now_ns)
{
	while (connector->queue_count > 0) {
		const struct waiting *waiting = &connector->queue[connector->queue_head];
		struct slot *slot = &connector->slots[waiting->slot];
		bool is_there = slot->fd >= 0 && slot->sent_ns == waiting->sent_ns;
		uint32_t busy = connector->slot_count - connector->free_count;
		int64_t patience = course_rto(connector->course);

		if (busy < connector->busy_most / 8)
			patience *= 3;
		if (is_there && now_ns - slot->sent_ns < patience)
			return;
		if (is_there)
			release(connector, waiting->slot);
		if (++connector->queue_head == connector->queue_room)
			connector->queue_head = 0;
		connector->queue_count--;
	}
}

/* The number of events, or a negative errno. */
static int take_events(struct connector *connector, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(connector->epoll_fd, events, EVENTS, wait_ms);
	int64_t now_ns = clock_monotonic_ns();
	int r = 0;

	for (int i = 0; i < count && r == 0; i++) {
		struct slot *slot = &connector->slots[events[i].data.u32];
		struct connect_try try = {
			.fd = slot->fd, .sent_ns = slot->sent_ns, .done_ns = now_ns};
		socklen_t error_bytes = sizeof(try.error);

		if (slot->fd < 0)
			continue;
		getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &try.error, &error_bytes);
		if (try.error)
			try.has_report = icmp_read_error(slot->fd, &try.report) > 0;
		r = tell(connector, &slot->probe, &try);
		release(connector, events[i].data.u32);
	}
	return r < 0 ? r : count;
}

/* All that has happened by now.  Only then the clock is asked what is late: when this
 * process did not get a processor for a while, answers lie in the kernel, and are not. */
static int catch_up(struct connector *connector, int wait_ms)
{
	int64_t now_ns;
	int r;

	do {
		now_ns = clock_monotonic_ns();
		r = take_events(connector, wait_ms);
		wait_ms = 0;
	} while (r == EVENTS);
	if (r < 0)
		return r;
	course_know_until(connector->course, now_ns);
	close_late(connector, now_ns);
	return 0;
}

static void tell_progress(struct connector *connector, int64_t now_ns)
{
	struct course_report report;

	if (now_ns - connector->scan->told_ns < 100 * NS_PER_MS)
		return;
	course_get_report(connector->course, &report);
	scan_tell_progress(
		connector->scan, now_ns, report.unknown, connector->scan->summary.targets,
		(int64_t)((double)report.ahead / report.rate * (double)NS_PER_S));
}

static int run(struct connector *connector)
{
	int wait_ms = 0;

	while (!scan_is_stopped(connector->scan)) {
		int64_t now_ns, due_ns;
		unsigned sent = 0;
		bool is_over = false;
		int r = catch_up(connector, wait_ms);

		if (r == 0)
			r = send_batch(connector, &sent, &is_over);
		if (r < 0 || is_over)
			return r;
		now_ns = clock_monotonic_ns();
		tell_progress(connector, now_ns);
		due_ns = course_due(connector->course, now_ns) - now_ns;
		wait_ms = sent ? 0 : (int)((due_ns + NS_PER_MS - 1) / NS_PER_MS);
		if (wait_ms < 0 || wait_ms > WAIT_MOST_MS)
			wait_ms = wait_ms < 0 ? 0 : WAIT_MOST_MS;
	}
	return 0;
}

static int open_descriptors(void)
{
	int fd = dup(0);

	if (fd < 0)
		return 3;
	close(fd);
	return fd; /* the lowest free one: about as many are open */
}

static int prepare(struct connector *connector)
{
	struct rlimit limit = {.rlim_cur = 256};
	uint32_t room;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > LIMIT_SCAN_CONNECTS + 1024)
		limit.rlim_cur = LIMIT_SCAN_CONNECTS + 1024;
	room = (uint32_t)limit.rlim_cur;
	if (room < (uint32_t)open_descriptors() + DESCRIPTORS_KEPT + 4)
		return -EMFILE;
	room -= (uint32_t)open_descriptors() + DESCRIPTORS_KEPT;
	if (room > LIMIT_SCAN_CONNECTS)
		room = LIMIT_SCAN_CONNECTS;
	connector->left_ns = clock_monotonic_ns();
	connector->slot_count = connector->free_count = connector->busy_most = room;
	connector->queue_room = 4 * room;
	connector->slots = array_new(room, sizeof(connector->slots[0]));
	connector->free_slots = array_new(room, sizeof(connector->free_slots[0]));
	connector->queue = array_new(connector->queue_room, sizeof(connector->queue[0]));
	connector->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	connector->lanes = connect_lanes_new();
	if (!connector->lanes || !connector->slots || !connector->free_slots ||
	    !connector->queue)
		return -ENOMEM;
	if (connector->epoll_fd < 0)
		return -errno;
	for (uint32_t i = 0; i < room; i++) {
		connector->slots[i].fd = -1;
		connector->free_slots[i] = i;
	}
	return 0;
}

static void done(struct connector *connector)
{
	for (uint32_t i = 0; connector->slots && i < connector->slot_count; i++)
		if (connector->slots[i].fd >= 0)
			close(connector->slots[i].fd);
	connect_lanes_free(connector->lanes);
	if (connector->epoll_fd >= 0)
		close(connector->epoll_fd);
	array_free(connector->slots);
	array_free(connector->free_slots);
	array_free(connector->queue);
	course_free(connector->course);
}

int scan_connect(struct sonde_scan *scan, struct sonde_error *err)
{
	struct connector connector = {.scan = scan, .epoll_fd = -1};
	int r = scan_new_course(scan, &connector.course, err);

	if (r < 0)
		return r;
	r = prepare(&connector);
	if (r == 0)
		r = run(&connector);
	if (r == 0)
		r = scan_end_course(scan, connector.course);
	if (r < 0) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "scan", "", NULL);
		if (r == -EMFILE)
			sonde_error_hint(err, "raise the limit of open files: ulimit -n "
					      "1024");
	}
	done(&connector);
	return r;
}
