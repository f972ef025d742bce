/* Who comes to a listener: accepted, refused, or left in the queue until there is room. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "talk/listener.h"
#include "talk/unix_path.h"

enum { ACCEPTS = 64 };

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

/* Takes the stream; NULL: there was no memory for it, and fd is closed. */
static void take_client(struct sonde_listener *listener, int fd, struct stream *stream,
			const struct peer *peer)
{
	if (!stream) {
		close(fd);
		listener_note(listener, "no memory for another client");
		return;
	}
	if (!listener_is_single_pipe(listener)) {
		caller_new(listener, stream, peer);
		if (!listener->options.keep_open)
			listener_watch(listener);
		return;
	}
	listener->single = stream;
	listener->single_peer = *peer;
	listener->is_done = true;
}

static bool has_room(const struct sonde_listener *listener)
{
	/* Another one would take the descriptors that those wait for. */
	if (listener->is_done || listener->waiting_count > 0)
		return false;
	/* A first datagram would pass by those that wait for our output. */
	if (listener_is_datagram(listener) && hub_output_is_full(listener))
		return false;
	if (!listener->options.keep_open)
		return listener->totals.clients == 0 && !listener->single;
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

void listener_note_wait(struct sonde_listener *listener, int error)
{
	if (clock_monotonic_ns() < listener->wait_quiet_until_ns)
		return;
	listener->wait_quiet_until_ns =
		clock_monotonic_ns() + LISTENER_QUIET_MS * NS_PER_MS;
	listener_note(listener,
		      "a client has to wait: %s; ulimit -n sets how many may be "
		      "open",
		      strerrordesc_np(-error));
}

/* Without descriptors the client waits in the queue, and is asked for again soon. */
static void pause_accepting(struct listening *it, int error)
{
	struct sonde_listener *listener = it->listener;

	it->is_paused = true;
	loop_set_deadline(listener->loop, it->slot,
			  loop_now_ns(listener->loop) + LISTENER_PAUSE_MS * NS_PER_MS);
	listener_watch(listener);
	listener_note_wait(listener, error);
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
			take_client(listener, fd, stream_new_plain(fd, false), &peer);
		else
			close(fd);
	}
}

/* ---- datagrams: a socket of its own for each peer
 *
 * It has the address that the peer sent to, which is where its answers have to come from
 * (RFC 1122, 4.1.3.5), and is connected, so that the kernel gives it what that peer sends
 * from then on.  What came before lies in the listener's queue: the one datagram that began
 * it is handed on, or, where this peer is the only one, the stream reads that queue first. */

/* One datagram, with where it came from and went to. */
struct arrival {
	struct sockaddr_storage from, to;
	socklen_t length; /* of from; the other one's is that of its family */
	struct peer peer;
};

static void note_destination(struct msghdr *message, struct sockaddr_storage *to)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	if (!cmsg || (message->msg_flags & MSG_CTRUNC))
		return;
	if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		/* Of a broadcast it is the interface's own. */
		((struct sockaddr_in *)to)->sin_addr = info.ipi_spec_dst;
	} else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
		struct sockaddr_in6 *address = (struct sockaddr_in6 *)to;
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
			return;
		address->sin6_addr = info.ipi6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			address->sin6_scope_id = (uint32_t)info.ipi6_ifindex;
	}
}

static ssize_t receive_arrival(const struct listening *it, void *bytes, size_t n,
			       int flags, struct arrival *ret)
{
	union {
		struct cmsghdr aligned;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct iovec part = {.iov_base = bytes, .iov_len = n};
	struct msghdr message = {
		.msg_name = &ret->from,
		.msg_namelen = sizeof(ret->from),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	socklen_t size = sizeof(ret->to);

	*ret = (struct arrival){0};
	ssize_t got = recvmsg(it->fd, &message, flags);
	if (got < 0)
		return -errno;
	ret->length = message.msg_namelen;
	name_one(&ret->from, ret->length, &ret->peer.address, ret->peer.text);
	if (getsockname(it->fd, (struct sockaddr *)&ret->to, &size) == 0)
		note_destination(&message, &ret->to);
	return got;
}

static int open_datagram_peer(const struct arrival *arrival)
{
	const int on = 1;
	const struct sockaddr *local = (const struct sockaddr *)&arrival->to;
	socklen_t size = local->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						      : sizeof(struct sockaddr_in);
	int fd, r = 0;

	fd = socket(local->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if ((local->sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, local, size) < 0 ||
	    connect(fd, (const struct sockaddr *)&arrival->from, arrival->length) < 0)
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

void listener_note_lost(struct sonde_listener *listener)
{
	char times[32] = "";

	if (listener->lost_unsaid == 0)
		return;
	if (listener->lost_unsaid > 1)
		snprintf(times, sizeof(times), " (%" PRIu64 " times)",
			 listener->lost_unsaid);
	listener->lost_unsaid = 0;
	listener_note(listener, "no socket for %s: %s%s%s", listener->lost_peer,
		      strerrordesc_np(-listener->lost_error), times,
		      listener->lost_error == -EMFILE
			      ? "; ulimit -n sets how many may be open"
			      : "");
}

/* Its datagram is lost.  Each of a flood would be a line: they are counted. */
static void refuse_datagram(struct sonde_listener *listener, const char *who, int error)
{
	int64_t now_ns = clock_monotonic_ns();

	memcpy(listener->lost_peer, who, sizeof(listener->lost_peer));
	listener->lost_error = error;
	listener->lost_unsaid++;
	if (now_ns < listener->lost_quiet_until_ns)
		return;
	listener->lost_quiet_until_ns = now_ns + LISTENER_QUIET_MS * NS_PER_MS;
	listener_note_lost(listener);
}

/* A Unix socket cannot have its address twice: the listener's own becomes the client's. */
static struct stream *connect_unix_peer(int fd, const struct arrival *arrival)
{
	if (arrival->length <= sizeof(sa_family_t)) /* without a name: nobody to answer */
		return stream_new_plain(fd, true);
	if (connect(fd, (const struct sockaddr *)&arrival->from, arrival->length) < 0)
		return NULL;
	return stream_new_datagrams(fd, -1, &arrival->from, arrival->length);
}

/* The first datagram is only looked at: its stream reads it. */
static void take_only_peer(struct listening *it)
{
	struct sonde_listener *listener = it->listener;
	struct arrival arrival;
	int fd, queue_fd;

	if (receive_arrival(it, NULL, 0, MSG_PEEK, &arrival) < 0)
		return;
	if (!is_welcome(listener, &arrival.peer.address)) {
		(void)recv(it->fd, NULL, 0, 0);
		return;
	}
	queue_fd = fcntl(it->fd, F_DUPFD_CLOEXEC, 0);
	if (queue_fd < 0)
		return;
	if (arrival.from.ss_family == AF_UNIX || arrival.length == 0) {
		struct stream *own = connect_unix_peer(queue_fd, &arrival);

		if (!own) /* it has gone */
			(void)recv(it->fd, NULL, 0, 0);
		if (own)
			take_client(listener, queue_fd, own, &arrival.peer);
		else
			close(queue_fd);
		return;
	}
	fd = open_datagram_peer(&arrival);
	if (fd < 0) {
		refuse_datagram(listener, arrival.peer.text, fd);
		(void)recv(it->fd, NULL, 0, 0);
		close(queue_fd);
		return;
	}
	sock_set_datagrams_waiting(fd);
	struct stream *stream =
		stream_new_datagrams(fd, queue_fd, &arrival.from, arrival.length);
	if (!stream)
		close(queue_fd);
	take_client(listener, fd, stream, &arrival.peer);
}

static void receive_datagram(struct listening *it)
{
	struct sonde_listener *listener = it->listener;
	struct arrival arrival;
	struct caller *client;
	ssize_t got;
	int fd;

	if (listener_is_single_pipe(listener)) {
		take_only_peer(it);
		return;
	}
	got = receive_arrival(it, listener->scratch, LIMIT_TALK_BYTES, 0, &arrival);
	if (got < 0)
		return;
	client = find_peer(listener, &arrival.peer.address);
	if (!client) {
		if (!is_welcome(listener, &arrival.peer.address) || !has_room(listener))
			return;
		fd = open_datagram_peer(&arrival);
		if (fd < 0) {
			refuse_datagram(listener, arrival.peer.text, fd);
			return;
		}
		take_client(listener, fd,
			    stream_new_datagrams(fd, -1, &arrival.from, arrival.length),
			    &arrival.peer);
		client = find_peer(listener, &arrival.peer.address);
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
