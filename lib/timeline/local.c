/* Connections that have no packets: Unix sockets and pipes between traced programs.
 *
 * What one call gave and another took is joined as bytes of a TCP stream are, by their
 * place in it (range.c): a channel is one way through a connection, or the queue of a
 * datagram socket, and where the bounds of messages are kept it is messages that are
 * counted.  It is believed as long as it agrees with itself.  Once more came out than went
 * in, a message came out longer than it was, or before it went in, somebody who is not
 * traced has his hand in it, and the whole channel is left alone.
 *
 * Which two ends belong together says local_ends.c, of datagrams the name that they are
 * sent to (local_names.c). */
#include "timeline/local.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "timeline/local_parts.h"

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

int local_add(struct join *join, const struct channel *channel)
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

/* ---- datagrams ---- */

/* The queue that a datagram of that call went to, made at the first one. */
static int find_queue(struct join *join, const struct local_names *names,
		      const struct sonde_call *call, struct channel **ret)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	const struct sonde_address *name = call->address.family == SONDE_FAMILY_UNIX
						   ? &call->address
						   : &socket->peer;
	uint32_t reader = socket_at(join->recording, socket->peer_socket)
				  ? socket->peer_socket
				  : local_named(join, names, name, call->enter_ns);

	*ret = NULL;
	if (!reader)
		return 0;
	if (!local_into(join, reader) &&
	    local_add(join, &(struct channel){.reader = reader,
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

static int note_send(struct join *join, const struct local_names *names,
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

static int note_given(struct join *join, const struct local_names *names,
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
	/* Edges along the wrong connection would be wrong, all of them. */
	if (!channel->is_certain ||
	    (!channel->sends.is_open && channel->receives.total > channel->sends.total))
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
	struct local_names names = {0};
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
	if (!local->accepts || local_names_find(join, &names) < 0)
		goto out;
	if (local_match(join) < 0)
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
