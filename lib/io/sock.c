/* Sockets, the ordinary way. */
#include "io/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

/* A peer that vanished without a word is noticed after the idle time and all probes. */
enum {
	KEEPALIVE_GONE_S = 90,
	KEEPALIVE_PROBES = 3,
};

static const char *transport_name(enum sock_transport transport)
{
	return transport == SOCK_UDP ? "udp" : "tcp";
}

void sock_format_subject(const struct sonde_address *address,
			 enum sock_transport transport, char ret[SOCK_SUBJECT_CHARS])
{
	char text[SONDE_ADDRESS_CHARS];

	sonde_address_format(address, text);
	snprintf(ret, SOCK_SUBJECT_CHARS, "%s/%s", text, transport_name(transport));
}

int sock_open(const struct sonde_address *address, enum sock_transport transport)
{
	struct sockaddr_storage storage;

	if (sonde_address_to_sockaddr(address, &storage) == 0)
		return -EAFNOSUPPORT;
	int type = transport == SOCK_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

int sock_set_keepalive(int fd, int64_t gone_s)
{
	int64_t interval_s = gone_s / (3 * KEEPALIVE_PROBES);

	if (interval_s < 1)
		interval_s = 1;
	int64_t idle_s = gone_s - KEEPALIVE_PROBES * interval_s;
	if (idle_s < 1)
		idle_s = 1;
	int r = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (r == 0)
		r = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle_s);
	if (r == 0)
		r = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)interval_s);
	if (r == 0)
		r = set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	return r;
}

int sock_set_no_delay(int fd)
{
	return set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* Accepted connections inherit all of this: no call is needed for each of them.  A byte that
 * is urgent stays in its place among the others (RFC 6093, section 6): nobody here asks for it.
 * SO_REUSEADDR lets a server start again while connections of the last one linger in
 * TIME-WAIT; on a UDP socket it would let a second server steal the port. */
static int prepare_listener(int fd)
{
	int r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	if (r == 0)
		r = sock_set_no_delay(fd);
	if (r == 0)
		r = sock_set_keepalive(fd, KEEPALIVE_GONE_S);
	return r;
}

/* Datagrams of many clients at once must find room until they are read, and answers until
 * they are taken.  The system may grant less (net.core.rmem_max, wmem_max). */
int sock_set_datagrams_waiting(int fd)
{
	int r = set(fd, SOL_SOCKET, SO_RCVBUF, LIMIT_DATAGRAMS_WAITING);

	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_SNDBUF, LIMIT_DATAGRAMS_WAITING);
	return r;
}

static int bind_socket(const struct sonde_address *address, enum sock_transport transport,
		       int backlog, bool beside)
{
	struct sockaddr_storage storage;
	socklen_t length = sonde_address_to_sockaddr(address, &storage);
	int r = 0;
	int fd = sock_open(address, transport);

	if (fd < 0)
		return fd;
	if (beside)
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && address->family == SONDE_FAMILY_INET6)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (r == 0 && transport == SOCK_TCP)
		r = prepare_listener(fd);
	if (r == 0 && transport == SOCK_UDP)
		r = sock_set_datagrams_waiting(fd);
	if (r == 0 && bind(fd, (const struct sockaddr *)&storage, length) < 0)
		r = -errno;
	if (r == 0 && transport == SOCK_TCP &&
	    listen(fd, backlog > 0 ? backlog : SOMAXCONN) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int sock_listen(const struct sonde_address *address, enum sock_transport transport,
		int backlog)
{
	return bind_socket(address, transport, backlog, false);
}

int sock_listen_beside(int fd, const struct sonde_address *address,
		       enum sock_transport transport, int backlog)
{
	int r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);

	return r < 0 ? r : bind_socket(address, transport, backlog, true);
}

int sock_local_address(int fd, struct sonde_address *ret)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0)
		return -errno;
	return sonde_address_from_sockaddr((const struct sockaddr *)&storage, length,
					   ret);
}

int sock_wait_or(int fd, short events, int also_fd, int64_t deadline_ns)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = events},
		{.fd = also_fd, .events = POLLIN},
	};

	for (;;) {
		int64_t left_ms = -1;
		if (deadline_ns != SOCK_NEVER) {
			int64_t left_ns = deadline_ns - clock_monotonic_ns();
			left_ms =
				left_ns <= 0 ? 0 : (left_ns + NS_PER_MS - 1) / NS_PER_MS;
			if (left_ms > 3600 * 1000)
				left_ms = 3600 * 1000;
		}
		int r = poll(fds, also_fd < 0 ? 1 : 2, (int)left_ms);
		if (r > 0)
			return fds[1].revents ? -EINTR : 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0 && clock_monotonic_ns() >= deadline_ns)
			return -ETIMEDOUT;
	}
}

int sock_wait(int fd, short events, int64_t deadline_ns)
{
	return sock_wait_or(fd, events, -1, deadline_ns);
}

int sock_connect(int fd, const struct sonde_address *address, int also_fd,
		 int64_t deadline_ns)
{
	struct sockaddr_storage storage;
	socklen_t length = sonde_address_to_sockaddr(address, &storage);
	int error = 0;
	socklen_t error_bytes = sizeof(error);

	if (connect(fd, (const struct sockaddr *)&storage, length) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	int r = sock_wait_or(fd, POLLOUT, also_fd, deadline_ns);
	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) < 0)
		return -errno;
	return -error;
}

int sock_send(int fd, const void *bytes, size_t n, int64_t deadline_ns)
{
	const char *at = bytes;

	do {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			int r = sock_wait(fd, POLLOUT, deadline_ns);
			if (r < 0)
				return r;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		at += sent;
		n -= (size_t)sent;
	} while (n > 0);
	return 0;
}

/* Waits first: an answer is hardly ever there already, and a call that says so would only
 * be one more line in a trace. */
ssize_t sock_receive(int fd, void *bytes, size_t n, int64_t deadline_ns)
{
	for (;;) {
		int r = sock_wait(fd, POLLIN, deadline_ns);
		if (r < 0)
			return r;
		ssize_t got = recv(fd, bytes, n, 0);
		if (got >= 0)
			return got;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

size_t sock_unconfirmed(int fd)
{
	int bytes = 0;

	if (ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0)
		return 0;
	return (size_t)bytes;
}
