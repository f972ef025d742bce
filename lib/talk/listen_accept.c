/* Who comes to a listener: accepted, refused, or left in the queue until there is room. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "talk/listener.h"
#include "talk/unix_path.h"

enum { PAUSE_MS = 250, QUIET_MS = 10000, ACCEPTS = 64 };

static void name_one(const struct sockaddr_storage *from, socklen_t length,
		     struct sonde_address *ret, char text[SONDE_ENDPOINT_CHARS])
{
	struct sockaddr_un path;

	*ret = (struct sonde_address){0};
	text[0] = '\0';
	if (from->ss_family == AF_UNIX) {
		memcpy(&path, from, sizeof(path));
		unix_path_format(&path, length, text, SONDE_ENDPOINT_CHARS);
		*ret = (struct sonde_address){.family = SONDE_FAMILY_UNIX};
	} else if (sonde_address_from_sockaddr((const struct sockaddr *)from, length,
					       ret) == 0) {
		sonde_address_format(ret, text);
	}
}

void listener_name_ends(int fd, const struct peer *peer, struct caller *client)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		name_one(&name, length, &client->local_address, client->local);
	client->peer_address = peer->address;
	memcpy(client->peer, peer->text, sizeof(client->peer));
}

/* Counts and tells those that it turns away. */
static bool is_welcome(struct sonde_listener *listener, const struct sonde_address *peer)
{
	const struct sonde_listen_options *options = &listener->options;
	struct sonde_listen_event event = {.kind = SONDE_LISTEN_REFUSED,
					   .peer_address = *peer};
	char text[SONDE_ADDRESS_CHARS];

	if (peer->family != SONDE_FAMILY_INET && peer->family != SONDE_FAMILY_INET6)
		return true;
	if (options->deny && sonde_cidr_set_has(options->deny, peer))
		event.text = "--deny has its address";
	else if (options->allow && !sonde_cidr_set_has(options->allow, peer))
		event.text = "--allow has not its address";
	else
		return true;
	listener->totals.refused++;
	sonde_address_format(peer, text);
	event.peer = text;
	listener_tell(listener, &event);
	return false;
}

static void take_client(struct sonde_listener *listener, int fd, const struct peer *peer)
{
	if (!listener_is_single_pipe(listener)) {
		caller_new(listener, fd, peer);
		if (!listener->options.keep_open)
			listener_watch(listener);
		return;
	}
	listener->single_fd = fd;
	listener->single_peer = *peer;
	listener->is_done = true;
}

static bool has_room(const struct sonde_listener *listener)
{
	if (listener->is_done)
		return false;
	if (!listener->options.keep_open)
		return listener->totals.clients == 0 && listener->single_fd < 0;
	return listener->client_count < listener->max_clients;
}

void listener_watch(struct sonde_listener *listener)
{
	bool wants = has_room(listener);

	for (size_t i = 0; i < listener->socket_count; i++) {
		struct listening *it = &listener->sockets[i];

		if (it->slot >= 0)
			loop_watch(listener->loop, it->slot,
				   wants && !it->is_paused ? EPOLLIN : 0);
	}
}

/* Without descriptors the client waits in the queue, and is asked for again soon. */
static void pause_accepting(struct listening *it, int error)
{
	struct sonde_listener *listener = it->listener;

	it->is_paused = true;
	loop_set_deadline(listener->loop, it->slot,
			  loop_now_ns(listener->loop) + PAUSE_MS * NS_PER_MS);
	listener_watch(listener);
	if (clock_monotonic_ns() < listener->quiet_until_ns)
		return;
	listener->quiet_until_ns = clock_monotonic_ns() + QUIET_MS * NS_PER_MS;
	listener_note(listener,
		      "a client has to wait: %s; ulimit -n sets how many may be "
		      "open",
		      strerrordesc_np(-error));
}

static void accept_clients(struct listening *it)
{
	struct sonde_listener *listener = it->listener;

	for (int i = 0; i < ACCEPTS && has_room(listener); i++) {
		struct sockaddr_storage name = {0};
		socklen_t length = sizeof(name);
		struct peer peer;
		int fd = accept4(it->fd, (struct sockaddr *)&name, &length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			       errno == ENOBUFS))
			pause_accepting(it, -errno);
		if (fd < 0)
			return;
		name_one(&name, length, &peer.address, peer.text);
		if (is_welcome(listener, &peer.address))
			take_client(listener, fd, &peer);
		else
			close(fd);
	}
}

/* ---- datagrams: a socket of its own for each peer
 *
 * It has the listener's address and is connected, so that the kernel gives it what that
 * peer sends from then on.  The datagram that began it is put into its queue by us: into
 * its own receive queue it cannot get any more. */

static int open_datagram_peer(const struct listening *it,
			      const struct sockaddr_storage *peer, socklen_t length)
{
	const int on = 1;
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof(local);
	int fd, r = 0;

	if (getsockname(it->fd, (struct sockaddr *)&local, &size) < 0)
		return -errno;
	fd = socket(local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if ((local.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&local, size) < 0 ||
	    connect(fd, (const struct sockaddr *)peer, length) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* The peer may have sent more before it had its socket. */
static struct caller *find_peer(struct sonde_listener *listener,
				const struct sonde_address *peer)
{
	for (struct caller *it = listener->clients; it; it = it->next)
		if (sonde_address_equal(&it->peer_address, peer))
			return it;
	return NULL;
}

static void receive_datagram(struct listening *it)
{
	struct sonde_listener *listener = it->listener;
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);
	struct peer peer;
	struct caller *client;
	bool is_first;
	ssize_t got;
	int fd;

	if (listener_is_single_pipe(listener)) {
		/* Looked at only: the socket itself becomes the client's, with its queue. */
		got = recvfrom(it->fd, NULL, 0, MSG_PEEK | MSG_TRUNC,
			       (struct sockaddr *)&name, &length);
		if (got < 0)
			return;
		name_one(&name, length, &peer.address, peer.text);
		if (!is_welcome(listener, &peer.address)) {
			(void)recv(it->fd, NULL, 0, 0);
			return;
		}
		if (length > sizeof(sa_family_t) &&
		    connect(it->fd, (struct sockaddr *)&name, length) < 0)
			return;
		take_client(listener, fcntl(it->fd, F_DUPFD_CLOEXEC, 0), &peer);
		return;
	}
	got = recvfrom(it->fd, listener->scratch, LIMIT_TALK_BYTES, 0,
		       (struct sockaddr *)&name, &length);
	if (got < 0)
		return;
	name_one(&name, length, &peer.address, peer.text);
	client = find_peer(listener, &peer.address);
	is_first = !client;
	if (is_first) {
		if (!is_welcome(listener, &peer.address) || !has_room(listener))
			return;
		fd = open_datagram_peer(it, &name, length);
		if (fd < 0) {
			listener_note(listener, "no socket for %s: %s", peer.text,
				      strerrordesc_np(-fd));
			return;
		}
		take_client(listener, fd, &peer);
		client = find_peer(listener, &peer.address);
	}
	if (client)
		caller_take_datagram(client, listener->scratch, (size_t)got);
}

/* ---- events */

void listening_ready(struct listening *it)
{
	if (listener_is_datagram(it->listener))
		receive_datagram(it);
	else
		accept_clients(it);
}

void listening_late(struct listening *it)
{
	it->is_paused = false;
	listener_watch(it->listener);
}
