/* The edges between calls, and the streams in which they are shown. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/limits.h"
#include "timeline/local.h"

struct taker {
	struct join *join;
	const struct channel *channel;
	const struct range *range;
	const struct sonde_call *call;
	bool is_exact;
	uint32_t count;
};

static int found_giver(const struct range *given, void *context)
{
	struct taker *taker = context;
	struct join *join = taker->join;
	const struct sonde_call *giver = call_at(join->recording, given->call);
	const struct range *range = taker->range;
	int64_t from = given->from > range->from ? given->from : range->from;
	int64_t to = given->to < range->to ? given->to : range->to;
	struct sonde_edge edge = {
		.kind = SONDE_EDGE_TAKEN,
		.exact = given->is_exact && taker->is_exact,
		.call = taker->call->call,
		.statement = join->timeline->statement_of_call[taker->call->call - 1],
		.by_call = given->call,
		.by_statement = join->timeline->statement_of_call[given->call - 1],
	};

	if (giver->enter_ns > taker->call->exit_ns ||
	    !local_may_have_got(taker->call, giver))
		return 0;
	if (!range->is_exact && ++taker->count > LIMIT_CANDIDATES)
		return 1;
	if (!taker->channel->is_messages && !range->is_exact) {
		/* So many at most, anywhere in what it took. */
		edge.to = (uint32_t)(to - from < range->bytes ? to - from : range->bytes);
	} else if (!taker->channel->is_messages) {
		edge.from = (uint32_t)(from - range->from);
		edge.to = (uint32_t)(to - range->from);
	} else if (range->bytes == 1) {
		/* All of its bytes come from one message. */
		edge.to = (uint32_t)taker->call->result;
	}
	return join_add_call_edge(join, &edge);
}

static int add_taken(struct join *join, const struct channel *channel)
{
	for (size_t i = 0; i < channel->receives.count; i++) {
		const struct range *range = &channel->receives.ranges[i];
		struct taker taker = {
			.join = join,
			.channel = channel,
			.range = range,
			.call = call_at(join->recording, range->call),
			.is_exact = range->is_exact && channel->is_certain,
		};
		size_t first = join->call_edge_count;
		int error = range_overlaps(&channel->sends, range->from, range->to,
					   found_giver, &taker);

		if (error < 0)
			return error;
		/* Too many may have given it. */
		if (error > 0)
			join->call_edge_count = first;
		/* All others had not been entered yet, or gave something else: it was
		 * that one.  Of bytes there may be parts of others. */
		else if (channel->is_certain && join->call_edge_count == first + 1 &&
			 (range->is_exact || (channel->is_messages && range->bytes == 1)))
			join->call_edges[first].exact = true;
	}
	return 0;
}

/* ---- streams ---- */

/* The program of the first call that gave or took something there. */
static uint32_t user_of(const struct join *join, uint32_t socket)
{
	for (uint32_t i = join->calls.socket_begin[socket];
	     i < join->calls.socket_begin[socket + 1]; i++) {
		const struct sonde_call *call =
			call_at(join->recording, join->calls.of_socket[i]);

		if (call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_RECEIVE)
			return call->program;
	}
	return socket_at(join->recording, socket)->program;
}

/* Pipes that nobody wrote to are how a program hears of the end of another. */
static bool is_shown(const struct channel *channel)
{
	return channel->sends.count || channel->receives.count;
}

static int add_stream(struct join *join, uint32_t client, uint32_t server,
		      uint32_t listening, uint32_t *ret)
{
	struct sonde_timeline *timeline = join->timeline;
	const struct sonde_recording *recording = join->recording;
	const struct sonde_socket *a = socket_at(recording, client);
	const struct sonde_socket *b = socket_at(recording, server);

	if (array_reserve(&timeline->streams, &join->stream_room,
			  (size_t)timeline->stream_count + 1,
			  sizeof(*timeline->streams)) < 0)
		return -ENOMEM;
	*ret = ++timeline->stream_count;
	timeline->streams[*ret - 1] = (struct sonde_stream){
		.stream = *ret,
		.kind = a->kind,
		.client = a->local,
		.server = b->local,
		.client_socket = client,
		.server_socket = server,
		.listening_socket = listening,
		.client_program = user_of(join, client),
		.server_program = user_of(join, server),
	};
	return 0;
}

static int show_channel(struct join *join, struct channel *channel)
{
	const struct sonde_call *accept = call_at(join->recording, channel->accept);
	struct channel *back = local_into(join, channel->writer);
	uint32_t listening =
		accept && socket_at(join->recording, accept->socket) ? accept->socket : 0;

	if (!channel->writer || channel->stream)
		return 0;
	/* The way back belongs to the same stream. */
	if (back && back->writer != channel->reader)
		back = NULL;
	if (!is_shown(channel) && !(back && is_shown(back)))
		return 0;
	if (add_stream(join, channel->writer, channel->reader, listening,
		       &channel->stream) < 0)
		return -ENOMEM;
	if (back)
		back->stream = channel->stream;
	return 0;
}

static int by_ends(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->writer != b->writer)
		return a->writer < b->writer ? -1 : 1;
	return a->reader < b->reader ? -1 : a->reader > b->reader;
}

static bool is_queue_of(const struct join *join, uint32_t socket)
{
	const struct channel *channel = local_into(join, socket);

	return channel && !channel->writer;
}

static int show_pairs(struct join *join)
{
	struct local *local = &join->local;
	size_t kept = 0;

	for (size_t i = 0; i < join->call_edge_count; i++) {
		const struct sonde_edge *edge = &join->call_edges[i];
		const struct pair pair = {
			.writer =
				edge->by_call
					? join->recording->calls[edge->by_call - 1].socket
					: 0,
			.reader = join->recording->calls[edge->call - 1].socket,
		};

		if (edge->kind != SONDE_EDGE_TAKEN || !is_queue_of(join, pair.reader))
			continue;
		if (array_reserve(&local->pairs, &local->pair_room, local->pair_count + 1,
				  sizeof(*local->pairs)) < 0)
			return -ENOMEM;
		local->pairs[local->pair_count++] = pair;
	}
	if (local->pair_count)
		qsort(local->pairs, local->pair_count, sizeof(*local->pairs), by_ends);
	for (size_t i = 0; i < local->pair_count; i++)
		if (!kept || by_ends(&local->pairs[kept - 1], &local->pairs[i]) != 0)
			local->pairs[kept++] = local->pairs[i];
	local->pair_count = kept;
	for (size_t i = 0; i < kept; i++)
		if (add_stream(join, local->pairs[i].writer, local->pairs[i].reader, 0,
			       &local->pairs[i].stream) < 0)
			return -ENOMEM;
	return 0;
}

static uint32_t stream_of_pair(const struct join *join, uint32_t writer, uint32_t reader)
{
	const struct pair key = {.writer = writer, .reader = reader};
	const struct pair *found =
		join->local.pair_count
			? bsearch(&key, join->local.pairs, join->local.pair_count,
				  sizeof(key), by_ends)
			: NULL;

	return found ? found->stream : 0;
}

/* The stream in which the call met the other one, by one of its sockets. */
static uint32_t stream_by_socket(const struct join *join, uint32_t socket,
				 const struct sonde_call *by)
{
	const struct channel *in = local_into(join, socket);
	const struct channel *out = local_out_of(join, socket);

	if (in && !in->writer)
		return stream_of_pair(join, by->socket, socket);
	if (in && in->stream)
		return in->stream;
	return out ? out->stream : 0;
}

/* Whether the other call gave into what that socket reads, or took from what it writes. */
static bool has_met(const struct join *join, uint32_t socket, const struct sonde_call *by)
{
	const struct channel *in = local_into(join, socket);
	const struct channel *out = local_out_of(join, socket);

	if (in && (in->writer ? in->writer == by->socket
			      : stream_of_pair(join, by->socket, socket) != 0))
		return true;
	return out && out->reader == by->socket;
}

/* A wait may have found several of its sockets ready: that one which the other call met. */
static uint32_t stream_of_watched(const struct join *join, const struct sonde_call *call,
				  const struct sonde_call *by)
{
	for (uint32_t i = 0; i < call->watched_count; i++)
		if (call->watched[i].ready && has_met(join, call->watched[i].socket, by))
			return stream_by_socket(join, call->watched[i].socket, by);
	return 0;
}

static uint32_t stream_of_edge(const struct join *join, const struct sonde_edge *edge)
{
	const struct sonde_call *call = call_at(join->recording, edge->call);
	const struct sonde_call *by = call_at(join->recording, edge->by_call);
	uint32_t found;

	if (call->kind == SONDE_CALL_ACCEPT)
		return stream_by_socket(join, call->new_socket, by);
	found = edge->kind == SONDE_EDGE_TAKEN && call->from_socket
			? stream_by_socket(join, call->from_socket, by)
			: stream_by_socket(join, call->socket, by);
	if (!found)
		found = stream_of_watched(join, call, by);
	for (uint32_t i = 0; i < call->watched_count && !found; i++) {
		const struct sonde_watched *watched = &call->watched[i];
		const struct channel *accepted = local_into(join, watched->socket);

		if (!watched->ready)
			continue;
		found = stream_by_socket(join, watched->socket, by);
		/* A listening socket's is that of the connection. */
		if (!found && !accepted && by->kind == SONDE_CALL_CONNECT)
			found = stream_by_socket(join, by->socket, by);
	}
	return found;
}

int local_finish(struct join *join)
{
	struct local *local = &join->local;

	for (size_t i = 0; i < local->count; i++)
		if (!local->channels[i].is_broken &&
		    add_taken(join, &local->channels[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < local->count; i++)
		if (show_channel(join, &local->channels[i]) < 0)
			return -ENOMEM;
	if (show_pairs(join) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < join->call_edge_count; i++) {
		struct sonde_edge *edge = &join->call_edges[i];

		if (!edge->by_call)
			continue;
		edge->stream = stream_of_edge(join, edge);
		if (edge->stream && edge->kind == SONDE_EDGE_TAKEN)
			join->timeline->streams[edge->stream - 1].taken_count++;
	}
	return 0;
}
