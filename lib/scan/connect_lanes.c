/* The tries of a batch are taken from a counter, a few at a time, so that a thread that
 * gets no processor holds up those few alone.
 *
 * A second connect() on a socket that is connecting tells what became of the first: it
 * returns the refusal and leaves the socket fit for the next port, so that a host nearby
 * costs no new descriptor for a closed port.  (Asking SO_ERROR instead leaves the socket
 * in between two states, and the next connect() on it goes wrong.) */
#include "scan/connect_lanes.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "scan/mate.h"

enum {
	SYN_REPEATS = 1,
	TAKEN = 4,         /* tries at a time */
	ALONE = 4 * TAKEN, /* so few are not worth waking anybody */
};

struct lane {
	int spare[2]; /* a socket that can be used again: IPv4, IPv6; -1 */
	/* Once connected to a link-local address, a socket keeps to that link. */
	uint32_t spare_scope_id;
};

struct connect_lanes {
	struct lane own, other;
	struct mate *mate; /* NULL: alone */
	/* Of the batch: set before the mate begins. */
	struct connect_try *tries;
	unsigned count;
	unsigned next; /* atomic */
};

static int open_socket(bool is_inet6)
{
	const struct linger reset = {.l_onoff = 1};
	const int one = 1, repeats = SYN_REPEATS;
	int fd = socket(is_inet6 ? AF_INET6 : AF_INET,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &repeats, sizeof(repeats));
	/* Which ICMP message it was is told on the error queue. */
	if (is_inet6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	return fd;
}

static void try_one(struct lane *lane, struct connect_try *try)
{
	bool is_inet6 = try->to.family == SONDE_FAMILY_INET6;
	struct sockaddr_storage to;
	socklen_t length = sonde_address_to_sockaddr(&try->to, &to);
	int fd = lane->spare[is_inet6], error = 0;

	lane->spare[is_inet6] = -1;
	if (fd >= 0 && is_inet6 && lane->spare_scope_id != try->to.scope_id) {
		close(fd);
		fd = -1;
	}
	try->fd = -1;
	try->has_report = false;
	if (fd < 0)
		fd = open_socket(is_inet6);
	if (fd < 0) {
		try->error = -fd;
		return;
	}
	try->sent_ns = clock_monotonic_ns();
	if (connect(fd, (struct sockaddr *)&to, length) < 0)
		error = errno;
	if (error == EINPROGRESS && connect(fd, (struct sockaddr *)&to, length) < 0)
		error = errno == EALREADY ? EINPROGRESS : errno;
	if (error == EISCONN)
		error = 0;
	try->done_ns = clock_monotonic_ns();
	try->error = error;
	if (error == 0 || error == EINPROGRESS) {
		try->fd = fd;
		return;
	}
	try->has_report = icmp_read_error(fd, &try->report) > 0;
	if (error != ECONNREFUSED) {
		close(fd);
		return;
	}
	lane->spare[is_inet6] = fd;
	if (is_inet6)
		lane->spare_scope_id = try->to.scope_id;
}

static void work(struct connect_lanes *lanes, struct lane *lane)
{
	for (;;) {
		unsigned first =
			__atomic_fetch_add(&lanes->next, TAKEN, __ATOMIC_RELAXED);

		if (first >= lanes->count)
			return;
		for (unsigned i = first; i < first + TAKEN && i < lanes->count; i++)
			try_one(lane, &lanes->tries[i]);
	}
}

static void work_beside(void *context)
{
	struct connect_lanes *lanes = context;

	work(lanes, &lanes->other);
}

struct connect_lanes *connect_lanes_new(void)
{
	struct connect_lanes *lanes = array_new(1, sizeof(*lanes));

	if (!lanes)
		return NULL;
	lanes->own = lanes->other = (struct lane){.spare = {-1, -1}};
	lanes->mate = mate_new();
	return lanes;
}

void connect_lanes_free(struct connect_lanes *lanes)
{
	if (!lanes)
		return;
	mate_free(lanes->mate);
	for (unsigned i = 0; i < 2; i++) {
		if (lanes->own.spare[i] >= 0)
			close(lanes->own.spare[i]);
		if (lanes->other.spare[i] >= 0)
			close(lanes->other.spare[i]);
	}
	array_free(lanes);
}

void connect_lanes_run(struct connect_lanes *lanes, struct connect_try *tries,
		       unsigned count)
{
	bool is_shared = lanes->mate && count > ALONE;

	lanes->tries = tries;
	lanes->count = count;
	lanes->next = 0;
	if (is_shared)
		mate_begin(lanes->mate, work_beside, lanes);
	work(lanes, &lanes->own);
	if (is_shared)
		mate_wait(lanes->mate);
}
