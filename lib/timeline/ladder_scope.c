/* Which statements belong to the ladder of a stream.
 *
 * The calls on its two sockets do, and what led to it: the accept that returned the
 * server's socket, the waits that it ended, and for the first connection the socket, bind
 * and listen of the server.  A datagram socket may talk to many: there the packets tell.
 */
#include "timeline/ladder_scope.h"

#include "timeline/calls.h"
#include "timeline/flow.h"
#include "timeline/index.h"

uint32_t ladder_first_edge_since(const struct sonde_timeline *timeline, uint32_t packet)
{
	uint32_t low = 0, high = timeline->edge_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (timeline->edges[middle].packet < packet)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* When the stream's calls begin on the client's socket: with the connect. */
static int64_t begin_ns(const struct sonde_timeline *timeline,
			const struct sonde_stream *stream)
{
	const struct sonde_recording *recording = timeline->recording;
	uint32_t first = ladder_first_edge_since(timeline, stream->first_packet);

	if (first < timeline->edge_count &&
	    timeline->edges[first].packet == stream->first_packet &&
	    timeline->edges[first].kind == SONDE_EDGE_SENT)
		return call_at(recording, timeline->edges[first].call)->enter_ns;
	return recording->packets[stream->first_packet - 1].at_ns;
}

/* The other streams of the lane's socket. */
static void look_around(struct ladder_scope *scope, unsigned lane,
			const uint32_t *streams, uint32_t count)
{
	const struct sonde_timeline *timeline = scope->timeline;
	const struct sonde_stream *stream = scope->stream;

	for (uint32_t i = 0; i < count; i++) {
		const struct sonde_stream *other = &timeline->streams[streams[i] - 1];
		bool is_before = other->stream < stream->stream;

		if (other == stream || (other->client_socket != scope->sockets[lane] &&
					other->server_socket != scope->sockets[lane]))
			continue;
		if (is_before)
			scope->is_first[lane] = false;
		if (stream->kind != SONDE_SOCKET_TCP)
			continue;
		if (is_before)
			scope->since_ns[lane] = begin_ns(timeline, stream);
		else if (scope->until_ns[lane] == INT64_MAX)
			scope->until_ns[lane] = begin_ns(timeline, other);
	}
}

void ladder_scope_init(const struct sonde_timeline *timeline,
		       const struct sonde_stream *stream, struct ladder_scope *ret)
{
	struct ladder_scope scope = {
		.timeline = timeline,
		.stream = stream,
		.sockets = {stream->client_socket, stream->server_socket},
		.since_ns = {INT64_MIN, INT64_MIN},
		.until_ns = {INT64_MAX, INT64_MAX},
		.is_first = {true, true},
		.is_first_of_listener = stream->listening_socket != 0,
	};
	const uint32_t *streams;
	uint32_t count;

	streams = index_find(&timeline->index->streams_of_socket,
			     stream->listening_socket, &count);
	if (count && streams[0] < stream->stream &&
	    timeline->streams[streams[0] - 1].listening_socket ==
		    stream->listening_socket)
		scope.is_first_of_listener = false;
	for (unsigned lane = 0; lane < 2; lane++) {
		streams = index_find(&timeline->index->streams_of_socket,
				     scope.sockets[lane], &count);
		look_around(&scope, lane, streams, count);
	}
	*ret = scope;
}

/* Of the stream, or an ICMP error about one. */
static bool has_packet(const struct ladder_scope *scope, uint32_t packet)
{
	const struct sonde_timeline *timeline = scope->timeline;
	const struct sonde_stream *stream = scope->stream;
	const struct sonde_decoded *decoded;

	if (!packet)
		return false;
	if (timeline->packet_places[packet - 1].stream)
		return timeline->packet_places[packet - 1].stream == stream->stream;
	decoded = &timeline->recording->packets[packet - 1].decoded;
	return decoded->has_quote &&
	       ((flow_same_address(&decoded->quote_src, &stream->client) &&
		 flow_same_address(&decoded->quote_dst, &stream->server)) ||
		(flow_same_address(&decoded->quote_src, &stream->server) &&
		 flow_same_address(&decoded->quote_dst, &stream->client)));
}

static int lane_of_socket(const struct ladder_scope *scope, uint32_t socket,
			  const struct sonde_call *call)
{
	for (int lane = LADDER_CLIENT; lane <= LADDER_SERVER; lane++)
		if (socket && socket == scope->sockets[lane] &&
		    call->enter_ns >= scope->since_ns[lane] &&
		    call->enter_ns < scope->until_ns[lane])
			return lane;
	return LADDER_NO_LANE;
}

static bool has_ready(const struct sonde_call *wait)
{
	for (uint32_t i = 0; i < wait->watched_count; i++)
		if (wait->watched[i].ready)
			return true;
	return false;
}

/* A wait belongs here if this stream ended it, or if nothing did and it would have. */
static int lane_of_wait(const struct ladder_scope *scope, const struct sonde_call *wait)
{
	uint32_t packet = scope->timeline->call_packet[wait->call - 1];
	bool any_ready = has_ready(wait);

	for (uint32_t i = 0; i < wait->watched_count; i++) {
		const struct sonde_watched *watched = &wait->watched[i];
		int lane = lane_of_socket(scope, watched->socket, wait);

		if (lane != LADDER_NO_LANE && (watched->ready || !any_ready))
			return lane;
		if (watched->socket &&
		    watched->socket == scope->stream->listening_socket &&
		    has_packet(scope, packet))
			return LADDER_SERVER;
	}
	return LADDER_NO_LANE;
}

static int lane_of_stream_call(const struct ladder_scope *scope,
			       const struct sonde_call *call)
{
	uint32_t socket = call->socket;

	switch (call->kind) {
	case SONDE_CALL_WAIT:
		return lane_of_wait(scope, call);
	case SONDE_CALL_ACCEPT:
		return call->new_socket && call->new_socket == scope->sockets[1]
			       ? LADDER_SERVER
			       : LADDER_NO_LANE;
	case SONDE_CALL_SOCKET:
		if (call->new_socket)
			socket = call->new_socket;
		break;
	default:
		break;
	}
	if (scope->is_first_of_listener && socket == scope->stream->listening_socket &&
	    (call->kind == SONDE_CALL_SOCKET || call->kind == SONDE_CALL_BIND ||
	     call->kind == SONDE_CALL_LISTEN || call->kind == SONDE_CALL_OPTION))
		return LADDER_SERVER;
	if (lane_of_socket(scope, socket, call) == LADDER_NO_LANE)
		socket = call->from_socket;
	return lane_of_socket(scope, socket, call);
}

static int lane_of_datagram_call(const struct ladder_scope *scope,
				 const struct sonde_call *call)
{
	uint32_t packet = scope->timeline->call_packet[call->call - 1];
	uint32_t socket =
		call->kind == SONDE_CALL_SOCKET ? call->new_socket : call->socket;
	int lane;

	if (call->kind == SONDE_CALL_WAIT)
		lane = lane_of_wait(scope, call);
	else
		lane = lane_of_socket(scope, socket, call);
	if (lane == LADDER_NO_LANE)
		return lane;
	if (call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_CONNECT) {
		const struct sonde_address *other = lane == LADDER_CLIENT
							    ? &scope->stream->server
							    : &scope->stream->client;

		/* Without an address its packets say where it belongs: see ladder.c. */
		return flow_is_internet(&call->address) &&
				       flow_same_address(&call->address, other)
			       ? lane
			       : LADDER_NO_LANE;
	}
	if (packet)
		return has_packet(scope, packet) ? lane : LADDER_NO_LANE;
	return scope->is_first[lane] ? lane : LADDER_NO_LANE;
}

/* Of Unix datagrams the edges say what goes between these two: see ladder.c. */
static int lane_of_message_call(const struct ladder_scope *scope,
				const struct sonde_call *call)
{
	int lane = lane_of_socket(
		scope, call->kind == SONDE_CALL_SOCKET ? call->new_socket : call->socket,
		call);

	if (lane == LADDER_NO_LANE || call->kind == SONDE_CALL_SEND ||
	    call->kind == SONDE_CALL_RECEIVE || call->kind == SONDE_CALL_WAIT)
		return LADDER_NO_LANE;
	return scope->is_first[lane] ? lane : LADDER_NO_LANE;
}

int ladder_lane(const struct ladder_scope *scope, const struct sonde_call *call)
{
	const struct sonde_recording *recording = scope->timeline->recording;

	/* An exit, or whatever else took the last reference. */
	for (int lane = LADDER_CLIENT; lane <= LADDER_SERVER; lane++) {
		const struct sonde_socket *socket =
			socket_at(recording, scope->sockets[lane]);

		if (socket && socket->closed_by == call->call &&
		    scope->until_ns[lane] == INT64_MAX &&
		    ((scope->stream->kind != SONDE_SOCKET_UDP &&
		      scope->stream->kind != SONDE_SOCKET_UNIX_DATAGRAM) ||
		     scope->is_first[lane]))
			return lane;
	}
	if (scope->stream->kind == SONDE_SOCKET_UDP)
		return lane_of_datagram_call(scope, call);
	if (scope->stream->kind == SONDE_SOCKET_UNIX_DATAGRAM)
		return lane_of_message_call(scope, call);
	return lane_of_stream_call(scope, call);
}
