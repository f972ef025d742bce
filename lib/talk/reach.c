/* Another address for a client: looked up once, connected to for each of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/resolve.h"
#include "talk/listener.h"
#include "talk/session.h"
#include "talk/unix_path.h"

static bool is_unix(const struct sonde_listener *listener)
{
	return listener->options.to->transport == SONDE_TRANSPORT_UNIX;
}

int reach_prepare(struct sonde_listener *listener, struct sonde_error *err)
{
	const struct sonde_target *to = listener->options.to;
	struct resolve_endpoint endpoint;
	struct sockaddr_un path;
	socklen_t length;
	int r;

	if (is_unix(listener))
		return unix_path_parse(to->host, &path, &length, err);
	r = to->port ? resolve_parse_pair(to->host, to->port, &endpoint, err)
		     : resolve_parse(to->host, &endpoint, err);
	if (r < 0)
		return r;
	if (endpoint.port == 0 || strcmp(endpoint.host, "*") == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "relay to", to->host,
				"it is no address of a peer");
		sonde_error_hint(err, "give host and port, as in: --to localhost:8080");
		return -EINVAL;
	}
	r = resolve_lookup(&endpoint, listener->to, LIMIT_ADDRESSES, err);
	if (r < 0)
		return r;
	if (r == 1 && connect_lacks_interface(&listener->to[0]))
		return connect_refuse_link_local("relay to", to->host, &listener->to[0],
						 err);
	listener->to_count = r;
	return 0;
}

/* Its clients would be its own, each with one more, until no descriptor is left. */
int reach_check(const struct sonde_listener *listener, struct sonde_error *err)
{
	char text[SONDE_ENDPOINT_CHARS];

	for (int i = 0; i < listener->to_count; i++) {
		const struct sonde_address *to = &listener->to[i];

		for (size_t k = 0; k < listener->socket_count; k++) {
			const struct sonde_address *own = &listener->sockets[k].address;

			if (to->port != own->port || to->family != own->family ||
			    (!sonde_address_equal_host(to, own) &&
			     !(sonde_address_is_any(own) &&
			       sonde_address_is_loopback(to))))
				continue;
			sonde_address_format(to, text);
			sonde_error_set(err, SONDE_ERROR_USAGE, -ELOOP, "relay to", text,
					"it is this listener itself");
			sonde_error_hint(err, "--to is where the server is; listen on "
					      "another port");
			return -ELOOP;
		}
	}
	return 0;
}

static int try_unix(const struct sonde_listener *listener)
{
	struct sonde_error ignored;
	struct sockaddr_un path;
	socklen_t length;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = unix_path_parse(listener->options.to->host, &path, &length, &ignored);
	if (r == 0 && connect(fd, (struct sockaddr *)&path, length) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int try_address(const struct sonde_address *address, enum sock_transport transport)
{
	struct sockaddr_storage to;
	socklen_t length = sonde_address_to_sockaddr(address, &to);
	int fd = sock_open(address, transport);

	if (fd < 0)
		return fd;
	if (transport == SOCK_TCP)
		sock_set_no_delay(fd);
	if (connect(fd, (struct sockaddr *)&to, length) < 0 && errno != EINPROGRESS) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static int add_far(struct caller *client, int fd)
{
	bool is_datagram = client->near.stream->is_datagram;
	struct stream *stream = stream_new_plain(fd, is_datagram);
	int r;

	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	r = end_open(&client->far, client, stream);
	if (r < 0)
		return r;
	client->far.watched = EPOLLOUT;
	return loop_watch(client->listener->loop, client->far.slot, EPOLLOUT);
}

/* One that does not answer at all shall leave time for the others. */
static void share_deadline(struct caller *client, int addresses_left)
{
	int64_t now_ns = loop_now_ns(client->listener->loop);

	client->deadline_ns = now_ns + (client->reach_until_ns - now_ns) / addresses_left;
}

int reach_begin(struct caller *client)
{
	struct sonde_listener *listener = client->listener;
	enum sock_transport transport =
		listener->options.transport == SONDE_TRANSPORT_UDP ? SOCK_UDP : SOCK_TCP;
	int fd = -ECONNREFUSED;

	client->deadline_ns = client->reach_until_ns;
	if (is_unix(listener)) {
		fd = client->to_try++ ? -ECONNREFUSED : try_unix(listener);
		return fd < 0 ? fd : add_far(client, fd);
	}
	while (client->to_try < listener->to_count) {
		share_deadline(client, listener->to_count - client->to_try);
		fd = try_address(&listener->to[client->to_try++], transport);
		if (fd >= 0)
			return add_far(client, fd);
		if (fd == -EMFILE || fd == -ENFILE) /* and so it is with the next one */
			return fd;
	}
	return fd;
}

/* It is the target that has an error, not the client. */
void reach_fail(struct caller *client, int error)
{
	struct sonde_listener *listener = client->listener;
	const struct sonde_target *to = listener->options.to;
	char subject[SONDE_ENDPOINT_CHARS];
	char what[SONDE_ENDPOINT_CHARS + 32];
	struct sonde_error why;

	snprintf(subject, sizeof(subject), "%s%s%s", to->host, to->port ? ":" : "",
		 to->port ? to->port : "");
	if (error == -ETIMEDOUT)
		connect_fail_timeout("relay to", subject,
				     LIMIT_LISTEN_REACH_MS * NS_PER_MS, &why);
	else if (is_unix(listener))
		connect_explain_unix("relay to", subject, false, error, &why);
	else
		connect_explain("relay to", subject, &listener->to[0], false, error,
				&why);
	snprintf(what, sizeof(what), "cannot be relayed to %s", subject);
	caller_fail(client, &why, what);
}

/* The name of where it got to. */
static void tell(struct caller *client)
{
	struct sonde_listen_event event = {
		.kind = SONDE_LISTEN_RELAYED,
		.client = client->number,
		.local = client->local,
		.peer = client->peer,
	};
	char text[SONDE_ADDRESS_CHARS];

	if (is_unix(client->listener)) {
		event.text = client->listener->options.to->host;
	} else {
		sonde_address_format(&client->listener->to[client->to_try - 1], text);
		event.text = text;
	}
	listener_tell(client->listener, &event);
}

/* error: of the one that was tried last. */
static void try_next(struct caller *client, int error)
{
	end_close(&client->far);
	if (reach_begin(client) == 0)
		caller_watch(client); /* until its share of the time is over */
	else
		reach_fail(client, -error);
}

void reach_ready(struct caller *client)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(stream_fd(client->far.stream), SOL_SOCKET, SO_ERROR, &error,
		       &size) < 0)
		error = errno;
	if (error == 0) {
		tell(client);
		caller_opened(client);
		return;
	}
	try_next(client, error);
}

void reach_late(struct caller *client)
{
	try_next(client, ETIMEDOUT);
}
