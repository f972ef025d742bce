/* Binding the sockets of one SPEC.
 *
 * Up to four sockets (IPv4 and IPv6, TCP and UDP) shall have one number.  With port 0 the
 * kernel picks it for the first of them; where one of the others finds it taken, another
 * number is tried.  The first socket is held meanwhile: the kernel has its preferences,
 * and would pick the same number over and over.
 *
 * Sockets may share an address only where each of them says so (SO_REUSEPORT).  Those of
 * the first worker are bound without it, so that a second server is refused like any
 * other, and say so only afterwards, to let the other workers in. */
#include "serve/bind.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/holder.h"

enum { UNPRIVILEGED_PORT_BASE = 10000 };
#define LOOK_NS (2 * NS_PER_S) /* for who has a port */

struct group {
	const struct serve_spec *spec;
	const struct sonde_serve_options *options; /* borrowed */
	struct sonde_address addresses[LIMIT_ADDRESSES];
	size_t address_count;
	struct serve_socket *sockets; /* borrowed */
	size_t socket_count;
	/* The first failure: who wanted what. */
	struct sonde_address failed;
	enum sock_transport failed_transport;
};

static void close_from(struct group *group, size_t first)
{
	for (size_t i = first; i < group->socket_count; i++)
		close(group->sockets[i].fd);
	group->socket_count = 0;
}

/* Takes fd. */
static int finish(int fd, enum sock_transport transport,
		  const struct sonde_serve_options *options, struct serve_socket *ret)
{
	int64_t keepalive_s = options->keepalive_ns / NS_PER_S;
	int r = sock_local_address(fd, &ret->address);

	if (r == 0 && transport == SOCK_TCP && keepalive_s > 0)
		r = sock_set_keepalive(fd, keepalive_s);
	if (r < 0) {
		close(fd);
		return r;
	}
	ret->fd = fd;
	ret->transport = transport;
	return 0;
}

static int bind_one(struct group *group, struct sonde_address address, uint16_t *port,
		    enum sock_transport transport)
{
	struct serve_socket *socket = &group->sockets[group->socket_count];

	address.port = *port;
	int fd = sock_listen(&address, transport, group->options->backlog);
	if (fd < 0) {
		group->failed = address;
		group->failed_transport = transport;
		return fd;
	}
	int r = finish(fd, transport, group->options, socket);
	if (r < 0)
		return r;
	*port = socket->address.port;
	group->socket_count++;
	return 0;
}

static bool is_family_missing(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

/* All sockets with this number; 0 lets the kernel pick it.  On failure those that it
 * could bind are left for the caller to close. */
static int bind_all(struct group *group, uint16_t port)
{
	int missing = 0;
	uint16_t shared = port;

	for (size_t i = 0; i < group->address_count; i++) {
		for (int t = SOCK_TCP; t <= SOCK_UDP; t++) {
			unsigned wanted = t == SOCK_TCP ? SERVICE_TCP : SERVICE_UDP;
			if (!(group->spec->transports & wanted))
				continue;
			int r = bind_one(group, group->addresses[i], &shared,
					 (enum sock_transport)t);
			if (is_family_missing(r)) {
				missing = r;
				break;
			}
			if (r < 0)
				return r;
		}
	}
	return group->socket_count > 0 ? 0 : missing;
}

static int bind_somewhere(struct group *group, uint16_t port)
{
	int held[LIMIT_PORT_RETRIES];
	size_t held_count = 0;
	int r = bind_all(group, port);

	while (r == -EADDRINUSE && port == 0 && group->socket_count > 0 &&
	       held_count < LIMIT_PORT_RETRIES) {
		held[held_count++] = group->sockets[0].fd;
		close_from(group, 1);
		r = bind_all(group, port);
	}
	if (r < 0)
		close_from(group, 0);
	while (held_count > 0)
		close(held[--held_count]);
	return r;
}

static void describe_taken(const struct group *group, const char *subject,
			   struct sonde_error *err)
{
	struct holder holder;
	const struct holder_search search = {.deadline_ns = holder_clock_ns() + LOOK_NS};
	const char *service = group->spec->service->name;

	if (holder_find(&search, &group->failed, group->failed_transport, &holder) < 0 ||
	    !holder.pid) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, -EADDRINUSE, "listen", subject,
				"another program has this port (EADDRINUSE)");
		sonde_error_hint(err, "choose another one: %s@:0 takes any free port",
				 service);
		return;
	}
	if (holder.pid == getpid()) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EADDRINUSE, "listen", subject,
				"another service of this very server has this port");
		sonde_error_hint(err, "give each its own: %s@:PORT", service);
		return;
	}
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -EADDRINUSE, "listen", subject,
			"%s (process %d) has this port%s%s (EADDRINUSE)", holder.name,
			(int)holder.pid,
			holder.state == HOLDER_TALKS ? " for a connection" : "",
			holder.stopped ? " and is stopped" : "");
	sonde_error_hint(err, "%s, or choose another port: %s@:0 takes any free one",
			 holder.stopped ? "continue it with fg, or end it" : "end it",
			 service);
}

static int describe(const struct group *group, int error, struct sonde_error *err)
{
	char subject[SOCK_SUBJECT_CHARS];

	sock_format_subject(&group->failed, group->failed_transport, subject);
	switch (error) {
	case -EADDRINUSE:
		describe_taken(group, subject, err);
		break;
	case -EACCES:
		sonde_error_set(err, SONDE_ERROR_PERMISSION, error, "listen", subject,
				"ports under 1024 need the capability "
				"CAP_NET_BIND_SERVICE (EACCES)");
		sonde_error_hint(err, "run as root, or add to the port: --port-base %d",
				 UNPRIVILEGED_PORT_BASE);
		break;
	case -EADDRNOTAVAIL:
		sonde_error_set(err, SONDE_ERROR_USAGE, error, "listen", subject,
				"no interface of this machine has this address "
				"(EADDRNOTAVAIL)");
		sonde_error_hint(err,
				 "`ip address` shows those it has; *:%u is all of "
				 "them",
				 group->failed.port);
		break;
	default:
		sonde_error_set(err, sonde_error_kind_of(-error), error, "listen",
				subject, NULL);
		if (error == -EMFILE)
			sonde_error_hint(err, "each place to listen at takes a "
					      "descriptor; `ulimit -n` allows more");
	}
	return error;
}

int serve_bind_beside(const struct serve_socket *sockets, int count,
		      const struct sonde_serve_options *options,
		      struct serve_socket ret[SERVE_SOCKETS])
{
	int i, r = 0;

	for (i = 0; r == 0 && i < count; i++) {
		r = sock_listen_beside(sockets[i].fd, &sockets[i].address,
				       sockets[i].transport, options->backlog);
		if (r >= 0)
			r = finish(r, sockets[i].transport, options, &ret[i]);
	}
	if (r < 0) {
		/* The last one is the one that failed. */
		for (i -= 2; i >= 0; i--)
			close(ret[i].fd);
	}
	return r;
}

int serve_bind(const struct serve_spec *spec, const struct sonde_serve_options *options,
	       struct serve_socket ret[SERVE_SOCKETS], struct sonde_error *err)
{
	struct group group = {.spec = spec, .options = options, .sockets = ret};
	int port_base = options->port_base;
	unsigned port = spec->endpoint.port;
	bool low = port > 0 && port < 1024;

	int count =
		resolve_lookup(&spec->endpoint, group.addresses, LIMIT_ADDRESSES, err);
	if (count < 0)
		return count;
	group.address_count = (size_t)count;

	if (low && port_base > 0)
		port += (unsigned)port_base;
	if (port > UINT16_MAX)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -ERANGE, "serve",
				       spec->service->name,
				       "port %u and --port-base %d are beyond 65535",
				       spec->endpoint.port, port_base);
	int r = bind_somewhere(&group, (uint16_t)port);
	/* The kernel itself says whether low ports are ours: capability, user namespace
	 * and net.ipv4.ip_unprivileged_port_start all have a say in it. */
	if (r == -EACCES && low && port_base < 0)
		r = bind_somewhere(&group, (uint16_t)(port + UNPRIVILEGED_PORT_BASE));
	if (r < 0)
		return describe(&group, r, err);
	return (int)group.socket_count;
}
