/* Connections that have no packets: Unix sockets and pipes between traced programs.
 *
 * What one call gave and another took is joined as bytes of a TCP stream are, by their
 * place in it (range.c): a channel is one way through a connection, or the queue of a
 * datagram socket, and where the bounds of messages are kept it is messages that are
 * counted.  It is believed as long as it agrees with itself.  Once more came out than went
 * in, a message came out longer than it was, or before it went in, somebody who is not
 * traced has his hand in it, and the whole channel is left alone.
 *
 * Ends are known from the call that made both (pipe, socketpair).  An accepted socket is
 * that of the first connect to this name, by the process that the kernel names (peer_pid),
 * that nobody has accepted yet: the queue of a listening socket is served in its order. */
#include "timeline/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "timeline/join.h"

bool local_is_kind(uint8_t kind)
{
	return kind == SONDE_SOCKET_UNIX_STREAM || kind == SONDE_SOCKET_UNIX_DATAGRAM ||
	       kind == SONDE_SOCKET_UNIX_SEQPACKET || kind == SONDE_SOCKET_PIPE;
}

bool local_has(const struct join *join, uint32_t socket)
{
	const struct sonde_socket *found = socket_at(join->recording, socket);

	return found && local_is_kind(found->kind);
}

struct channel *local_into(const struct join *join, uint32_t socket)
{
	uint32_t index =
		socket_at(join->recording, socket) ? join->local.into[socket - 1] : 0;

	return index ? &join->local.channels[index - 1] : NULL;
}

struct channel *local_out_of(const struct join *join, uint32_t socket)
{
	uint32_t index =
		socket_at(join->recording, socket) ? join->local.out_of[socket - 1] : 0;

	return index ? &join->local.channels[index - 1] : NULL;
}

bool local_may_have_got(const struct sonde_call *receive, const struct sonde_call *send)
{
	if (receive->kind != SONDE_CALL_RECEIVE || receive->datagrams ||
	    send->datagrams || !receive->content_hash || !send->content_hash)
		return true;
	/* A message that is longer than there is room for is cut. */
	if ((uint64_t)receive->result == receive->length &&
	    send->result > receive->result)
		return true;
	return receive->content_hash == send->content_hash;
}

static int add_channel(struct join *join, const struct channel *channel)
{
	struct local *local = &join->local;

	/* One that reads from two is none that could be. */
	if (local->into[channel->reader - 1] ||
	    (channel->writer && local->out_of[channel->writer - 1]))
		return 0;
	if (array_reserve(&local->channels, &local->room, local->count + 1,
			  sizeof(*local->channels)) < 0)
		return -ENOMEM;
	local->channels[local->count++] = *channel;
	local->into[channel->reader - 1] = (uint32_t)local->count;
	if (channel->writer)
		local->out_of[channel->writer - 1] = (uint32_t)local->count;
	return 0;
}

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

	if (add_channel(join, &channel) < 0)
		return -ENOMEM;
	channel.writer = server;
	channel.reader = client;
	return add_channel(join, &channel);
}

/* ---- pairs and pipes ---- */

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
		return add_channel(join, &(struct channel){.writer = socket->socket,
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

/* ---- connect and accept ---- */

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

/* Two calls of one process that ran at once may have been queued in either order. */
static bool is_alone(const struct join *join, const struct begun *connects, size_t count,
		     size_t at)
{
	const struct sonde_call *call = call_at(join->recording, connects[at].call);

	return at + 1 == count || connects[at + 1].pid != connects[at].pid ||
	       !sonde_address_equal(&connects[at + 1].name, &connects[at].name) ||
	       connects[at + 1].at_ns > call_end_ns(call);
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
		is_certain = is_alone(join, connects, connect_count, at) &&
			     (at == 0 || is_alone(join, connects, connect_count, at - 1));
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

/* ---- datagrams ---- */

static int by_name(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = memcmp(recording->sockets[a - 1].local.bytes,
			   recording->sockets[b - 1].local.bytes,
			   sizeof(recording->sockets[0].local.bytes));

	return order ? order : (a > b) - (a < b);
}

struct names {
	uint32_t *sockets; /* Unix datagram sockets that have a name, by it */
	size_t count;
};

static int find_names(const struct join *join, struct names *ret)
{
	const struct sonde_recording *recording = join->recording;
	static const uint8_t none[16];
	struct names names = {
		.sockets = array_new((size_t)recording->socket_count + 1,
				     sizeof(*names.sockets)),
	};
	void *context = NULL;

	if (!names.sockets)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];

		if (socket->kind == SONDE_SOCKET_UNIX_DATAGRAM &&
		    socket->local.family == SONDE_FAMILY_UNIX &&
		    memcmp(socket->local.bytes, none, sizeof(none)) != 0)
			names.sockets[names.count++] = i + 1;
	}
	memcpy(&context, &recording, sizeof(context));
	qsort_r(names.sockets, names.count, sizeof(*names.sockets), by_name, context);
	*ret = names;
	return 0;
}

/* The socket that had the name then; 0: none, or more than one. */
static uint32_t named(const struct join *join, const struct names *names,
		      const struct sonde_address *name, int64_t at_ns)
{
	size_t low = 0, high = names->count;
	uint32_t found = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct sonde_socket *socket =
			socket_at(join->recording, names->sockets[middle]);

		if (memcmp(socket->local.bytes, name->bytes, sizeof(name->bytes)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < names->count; low++) {
		const struct sonde_socket *socket =
			socket_at(join->recording, names->sockets[low]);

		if (!sonde_address_equal(&socket->local, name))
			break;
		if (socket->opened_ns > at_ns ||
		    (socket->closed_ns && socket->closed_ns < at_ns))
			continue;
		if (found)
			return 0;
		found = socket->socket;
	}
	return found;
}

/* The queue that a datagram of that call went to, made at the first one. */
static int find_queue(struct join *join, const struct names *names,
		      const struct sonde_call *call, struct channel **ret)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	const struct sonde_address *name = call->address.family == SONDE_FAMILY_UNIX
						   ? &call->address
						   : &socket->peer;
	uint32_t reader = socket_at(join->recording, socket->peer_socket)
				  ? socket->peer_socket
				  : named(join, names, name, call->enter_ns);

	*ret = NULL;
	if (!reader)
		return 0;
	if (!local_into(join, reader) &&
	    add_channel(join, &(struct channel){.reader = reader,
						.is_messages = true,
						.is_certain = true}) < 0)
		return -ENOMEM;
	*ret = local_into(join, reader);
	return 0;
}

/* ---- calls ---- */

static bool is_datagram(const struct join *join, uint32_t socket)
{
	const struct sonde_socket *found = socket_at(join->recording, socket);

	return found && found->kind == SONDE_SOCKET_UNIX_DATAGRAM;
}

/* What the call moved: bytes, or messages. */
static int64_t amount(const struct channel *channel, const struct sonde_call *call,
		      bool has_empty)
{
	if (!call_returned(call) || call->result < 0 || (!call->result && !has_empty))
		return 0;
	if (!channel->is_messages)
		return call->result;
	return call->datagrams ? call->datagrams : 1;
}

static int note_send(struct join *join, const struct names *names,
		     const struct sonde_call *call)
{
	struct channel *channel = local_out_of(join, call->socket);
	bool is_queue = is_datagram(join, call->socket);
	int64_t moved;

	if (is_queue && find_queue(join, names, call, &channel) < 0)
		return -ENOMEM;
	if (!channel)
		return 0;
	moved = amount(channel, call, is_queue);
	if (!call_returned(call)) {
		channel->sends.is_open = true;
		moved = channel->is_messages       ? 1
			: call->length > INT64_MAX ? INT64_MAX
						   : (int64_t)call->length;
	}
	return moved > 0 ? range_add(&channel->sends, call->call, moved) : 0;
}

static int note_receive(struct join *join, uint32_t socket, const struct sonde_call *call)
{
	struct channel *channel = local_into(join, socket);
	int64_t moved;

	if (!channel || (call->flags & SONDE_CALL_PEEK))
		return 0;
	moved = amount(channel, call, is_datagram(join, socket));
	return moved > 0 ? range_add(&channel->receives, call->call, moved) : 0;
}

static int note_end(struct join *join, const struct sonde_call *call)
{
	struct channel *in = local_into(join, call->socket);
	struct channel *out = local_out_of(join, call->socket);

	if (call->kind == SONDE_CALL_CLOSE) {
		if (out && (call->flags & SONDE_CALL_LAST_REFERENCE))
			return range_add(&out->closes, call->call, 0);
		return 0;
	}
	if (!call_returned(call) || call->result < 0)
		return 0;
	if (out && !out->shutdown && call_ends_stream(call))
		out->shutdown = call->call;
	if (in && !in->deafened && (call->how == SHUT_RD || call->how == SHUT_RDWR))
		in->deafened = call->call;
	return 0;
}

static int note_given(struct join *join, const struct names *names,
		      const struct sonde_call *call)
{
	switch (call->kind) {
	case SONDE_CALL_SEND:
		return local_has(join, call->socket) ? note_send(join, names, call) : 0;
	case SONDE_CALL_CLOSE:
	case SONDE_CALL_SHUTDOWN:
		return note_end(join, call);
	default:
		return 0;
	}
}

static int note_taken(struct join *join, const struct sonde_call *call)
{
	/* What it copies stays where it was. */
	if (call->name && strcmp(call->name, "tee") == 0)
		return 0;
	if (call->from_socket)
		return note_receive(join, call->from_socket, call);
	return call->kind == SONDE_CALL_RECEIVE ? note_receive(join, call->socket, call)
						: 0;
}

/* ---- does it agree with itself? ---- */

struct check {
	const struct join *join;
	const struct channel *channel;
	const struct sonde_call *receive;
};

/* 1: this cannot be what happened. */
static int contradicts(const struct range *range, void *context)
{
	const struct check *check = context;
	const struct sonde_call *send = call_at(check->join->recording, range->call);
	const struct sonde_call *receive = check->receive;

	if (!range->is_exact)
		return 0;
	if (send->enter_ns > receive->exit_ns)
		return 1;
	if (!check->channel->is_messages || !call_returned(send) || send->datagrams ||
	    receive->datagrams)
		return 0;
	return receive->result > send->result ||
	       (receive->result < send->result &&
		receive->length >= (uint64_t)send->result) ||
	       !local_may_have_got(receive, send);
}

static bool is_broken(const struct join *join, const struct channel *channel)
{
	if (!channel->sends.is_open && channel->receives.total > channel->sends.total)
		return true;
	for (size_t i = 0; i < channel->receives.count; i++) {
		const struct range *range = &channel->receives.ranges[i];
		struct check check = {
			.join = join,
			.channel = channel,
			.receive = call_at(join->recording, range->call),
		};

		if (range->is_exact && range_overlaps(&channel->sends, range->from,
						      range->to, contradicts, &check))
			return true;
	}
	return false;
}

static bool has_any(const struct join *join)
{
	for (uint32_t i = 0; i < join->recording->socket_count; i++)
		if (local_is_kind(join->recording->sockets[i].kind))
			return true;
	return false;
}

int local_build(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	struct local *local = &join->local;
	struct names names = {0};
	int error = -ENOMEM;

	local->into =
		array_new((size_t)recording->socket_count + 1, sizeof(*local->into));
	local->out_of =
		array_new((size_t)recording->socket_count + 1, sizeof(*local->out_of));
	if (!local->into || !local->out_of)
		goto out;
	if (!has_any(join))
		return 0;
	local->accepts =
		array_new((size_t)recording->call_count + 1, sizeof(*local->accepts));
	if (!local->accepts || find_names(join, &names) < 0)
		goto out;
	for (uint32_t i = 0; i < recording->socket_count; i++)
		if (add_pair(join, &recording->sockets[i]) < 0)
			goto out;
	if (match_accepted(join) < 0)
		goto out;
	/* A queue comes up with the first datagram for it, and somebody may have waited
	 * there before: so all that was given comes first. */
	for (uint32_t i = 0; i < recording->call_count; i++)
		if (note_given(join, &names,
			       call_at(recording, join->calls.by_enter[i])) < 0)
			goto out;
	for (uint32_t i = 0; i < recording->call_count; i++)
		if (note_taken(join, call_at(recording, join->calls.by_enter[i])) < 0)
			goto out;
	for (size_t i = 0; i < local->count; i++) {
		struct channel *channel = &local->channels[i];

		if (range_order(join, &channel->sends, &channel->receives) < 0)
			goto out;
		channel->is_broken = is_broken(join, channel);
	}
	error = 0;
out:
	array_free(names.sockets);
	return error;
}

void local_done(struct local *local)
{
	for (size_t i = 0; i < local->count; i++) {
		array_free(local->channels[i].sends.ranges);
		array_free(local->channels[i].receives.ranges);
		array_free(local->channels[i].closes.ranges);
	}
	array_free(local->channels);
	array_free(local->into);
	array_free(local->out_of);
	array_free(local->accepts);
	array_free(local->pairs);
}
