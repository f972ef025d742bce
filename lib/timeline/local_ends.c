/* Which two ends of Unix connections and pipes belong together.
 *
 * Ends are known from the call that made both (pipe, socketpair).  An accepted socket is
 * that of the first connect to this name, by the process that the kernel names (peer_pid),
 * that nobody has accepted yet: the queue of a listening socket is served in its order. */
#include "timeline/local_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "timeline/local.h"

/* Both ways between two sockets. */
static int add_both(struct join *join, uint32_t client, uint32_t server, uint32_t connect,
		    uint32_t accept, bool is_certain)
{
	const struct sonde_socket *socket = socket_at(join->recording, client);
	struct channel channel = {
		.writer = client,
		.reader = server,
		.connect = connect,
		.accept = accept,
		.is_messages = socket->kind != SONDE_SOCKET_UNIX_STREAM,
		.is_certain = is_certain,
	};

	if (local_add(join, &channel) < 0)
		return -ENOMEM;
	channel.writer = server;
	channel.reader = client;
	return local_add(join, &channel);
}

static int add_pair(struct join *join, const struct sonde_socket *socket)
{
	const struct sonde_socket *peer = socket_at(join->recording, socket->peer_socket);

	if (!peer || peer->peer_socket != socket->socket || peer->kind != socket->kind ||
	    peer == socket)
		return 0;
	switch (socket->kind) {
	case SONDE_SOCKET_PIPE:
		if (socket->pipe_end != SONDE_PIPE_WRITE ||
		    peer->pipe_end != SONDE_PIPE_READ)
			return 0;
		return local_add(join, &(struct channel){.writer = socket->socket,
							 .reader = peer->socket,
							 .is_certain = true});
	case SONDE_SOCKET_UNIX_STREAM:
	case SONDE_SOCKET_UNIX_SEQPACKET:
		if (socket->socket > peer->socket)
			return 0;
		return add_both(join, socket->socket, peer->socket, 0, 0, true);
	default:
		return 0;
	}
}

/* A connect on a Unix socket, or an accepted one. */
struct begun {
	struct sonde_address name;
	uint32_t pid, call, socket;
	int64_t at_ns; /* a connect's entry, an accept's return */
	bool is_used;
};

static int by_group(const void *left, const void *right)
{
	const struct begun *a = left, *b = right;
	int order = memcmp(a->name.bytes, b->name.bytes, sizeof(a->name.bytes));

	if (order)
		return order;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return a->call < b->call ? -1 : a->call > b->call;
}

static bool is_connect(const struct join *join, const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);

	return call->kind == SONDE_CALL_CONNECT && socket &&
	       (socket->kind == SONDE_SOCKET_UNIX_STREAM ||
		socket->kind == SONDE_SOCKET_UNIX_SEQPACKET) &&
	       (!call_returned(call) || call->result == 0);
}

static bool is_accepted(const struct join *join, const struct sonde_socket *socket)
{
	const struct sonde_call *accept = call_at(join->recording, socket->accepted_by);

	return socket->kind != SONDE_SOCKET_PIPE && local_is_kind(socket->kind) &&
	       socket->peer_pid && accept && accept->kind == SONDE_CALL_ACCEPT &&
	       call_returned(accept);
}

static bool is_one_queue(const struct begun *a, const struct begun *b)
{
	return a->pid == b->pid && sonde_address_equal(&a->name, &b->name);
}

static int64_t end_ns(const struct join *join, const struct begun *connect)
{
	return call_end_ns(call_at(join->recording, connect->call));
}

/* Two calls of one process that ran at once may have been queued in either order. */
static bool is_alone(const struct join *join, const struct begun *connects, size_t count,
		     size_t at)
{
	const struct begun *connect = &connects[at];

	if (at + 1 < count && is_one_queue(&connects[at + 1], connect) &&
	    connects[at + 1].at_ns <= end_ns(join, connect))
		return false;
	for (size_t i = at; i-- > 0 && is_one_queue(&connects[i], connect);) {
		if (at - i > LIMIT_CANDIDATES ||
		    end_ns(join, &connects[i]) >= connect->at_ns)
			return false;
	}
	return true;
}

/* Both in groups of one name and process, each in order of time. */
static int match(struct join *join, struct begun *connects, size_t connect_count,
		 const struct begun *accepts, size_t accept_count)
{
	size_t at = 0;

	for (size_t i = 0; i < accept_count; i++) {
		const struct begun *accept = &accepts[i];
		struct begun group = *accept;
		bool is_certain;

		group.at_ns = INT64_MIN;
		group.call = 0;
		while (at < connect_count &&
		       (connects[at].is_used || by_group(&connects[at], &group) < 0))
			at++;
		if (at == connect_count)
			break;
		group.at_ns = accept->at_ns;
		if (connects[at].pid != accept->pid ||
		    !sonde_address_equal(&connects[at].name, &accept->name) ||
		    connects[at].at_ns > accept->at_ns)
			continue;
		connects[at].is_used = true;
		is_certain = is_alone(join, connects, connect_count, at);
		if (is_certain)
			join->local.accepts[connects[at].call - 1] = accept->call;
		if (add_both(join, connects[at].socket, accept->socket, connects[at].call,
			     accept->call, is_certain) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int match_accepted(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	size_t connect_count = 0, accept_count = 0;
	struct begun *connects, *accepts;
	int error = -ENOMEM;

	for (uint32_t i = 0; i < recording->call_count; i++)
		connect_count += is_connect(join, &recording->calls[i]);
	for (uint32_t i = 0; i < recording->socket_count; i++)
		accept_count += is_accepted(join, &recording->sockets[i]);
	if (!connect_count || !accept_count)
		return 0;
	connects = array_new(connect_count, sizeof(*connects));
	accepts = array_new(accept_count, sizeof(*accepts));
	if (!connects || !accepts)
		goto out;
	connect_count = accept_count = 0;
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];

		if (is_connect(join, call))
			connects[connect_count++] = (struct begun){
				.name = recording->sockets[call->socket - 1].peer,
				.pid = call->pid,
				.call = call->call,
				.socket = call->socket,
				.at_ns = call->enter_ns,
			};
	}
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];

		if (is_accepted(join, socket))
			accepts[accept_count++] = (struct begun){
				.name = socket->local,
				.pid = socket->peer_pid,
				.call = socket->accepted_by,
				.socket = socket->socket,
				.at_ns = call_at(recording, socket->accepted_by)->exit_ns,
			};
	}
	qsort(connects, connect_count, sizeof(*connects), by_group);
	qsort(accepts, accept_count, sizeof(*accepts), by_group);
	error = match(join, connects, connect_count, accepts, accept_count);
out:
	array_free(connects);
	array_free(accepts);
	return error;
}

int local_match(struct join *join)
{
	const struct sonde_recording *recording = join->recording;

	for (uint32_t i = 0; i < recording->socket_count; i++)
		if (add_pair(join, &recording->sockets[i]) < 0)
			return -ENOMEM;
	return match_accepted(join);
}
