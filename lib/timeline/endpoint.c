/* Traced sockets to the sides of streams.
 *
 * An accepted socket is known by its two addresses.  A connecting one is known by the
 * address it called and, where the tracer could ask, its own; a refused connect has lost
 * its own address by the time it returns, and then the SYN must be the only one to that
 * address while the call ran.  Two that could be meant are none.  Addresses return when a
 * port is used again, so every match also asks for the time. */
#include "timeline/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "timeline/moment.h"

struct matcher {
	struct join *join;
	bool *is_turned;     /* [stream - 1]: its sides changed places */
	uint32_t *listeners; /* socket numbers by port */
	uint32_t listener_count;
	uint8_t *connects; /* [socket - 1]: connect calls on it, up to 2 */
};

static bool is_known(const struct sonde_address *address)
{
	return flow_is_internet(address) && address->port && !flow_is_any_host(address);
}

/* The address that a connect to `address` reaches: any host means this one. */
static bool is_called(const struct sonde_address *address,
		      const struct sonde_address *reached)
{
	if (address->port != reached->port)
		return false;
	return flow_same_host(address, reached) ||
	       (flow_is_any_host(address) && flow_is_loopback(reached));
}

static bool may_be_local(const struct sonde_address *local,
			 const struct sonde_address *address)
{
	if (!flow_is_internet(local) || !local->port)
		return true;
	return local->port == address->port &&
	       (flow_is_any_host(local) || flow_same_host(local, address));
}

static int64_t last_ns(const struct join *join, uint32_t stream)
{
	uint32_t last = join->timeline->streams[stream - 1].last_packet;

	return join_packet(join, last)->at_ns;
}

static void turn_stream(struct matcher *matcher, uint32_t stream)
{
	struct sonde_stream *turned = &matcher->join->timeline->streams[stream - 1];
	struct stream_state *state = join_state(matcher->join, stream);
	struct sonde_address client = turned->client;
	struct side side = state->sides[0];

	turned->client = turned->server;
	turned->server = client;
	state->sides[0] = state->sides[1];
	state->sides[1] = side;
	matcher->is_turned[stream - 1] = !matcher->is_turned[stream - 1];
}

/* The socket is the client (0) or server (1) of the stream. */
static void claim(struct matcher *matcher, uint32_t stream, unsigned which,
		  uint32_t socket, const struct sonde_call *origin)
{
	struct side *side = &join_state(matcher->join, stream)->sides[which];

	side->socket = socket;
	side->origin = origin ? origin->call : 0;
	side->from_ns = origin ? origin->enter_ns : INT64_MIN;
}

/* Claims the side of the stream that `local` names, as a client or as a server where the
 * origin tells (and no SYN was captured that tells). */
static bool claim_address(struct matcher *matcher, uint32_t stream,
			  const struct sonde_address *local, uint32_t socket,
			  const struct sonde_call *origin)
{
	const struct sonde_stream *found = &matcher->join->timeline->streams[stream - 1];
	const struct stream_state *state = join_state(matcher->join, stream);
	unsigned which = flow_same_address(local, &found->client) ? 0 : 1;
	bool has_syn = state->sides[0].syn || state->sides[1].syn;

	if (state->sides[which].socket)
		return false;
	if (origin) {
		unsigned wanted = origin->kind == SONDE_CALL_ACCEPT ? 1 : 0;

		if (which != wanted && has_syn)
			return false;
		if (which != wanted) {
			turn_stream(matcher, stream);
			which = wanted;
		}
	}
	claim(matcher, stream, which, socket, origin);
	return true;
}

static uint32_t latest_stream(const struct matcher *matcher,
			      const struct sonde_address *local,
			      const struct sonde_address *peer)
{
	const struct flow *flow =
		flow_find(&matcher->join->flows, SONDE_PACKET_TCP, local, peer);

	return flow ? flow->stream : 0;
}

static void match_accepted(struct matcher *matcher, const struct sonde_socket *socket,
			   const struct sonde_call *accept)
{
	int64_t end_ns = moment_plus(call_end_ns(accept), join_margin_ns(matcher->join));
	uint32_t stream = latest_stream(matcher, &socket->local, &socket->peer);

	while (stream) {
		const struct stream_state *state = join_state(matcher->join, stream);
		bool has_syn = state->sides[0].syn || state->sides[1].syn;

		/* Without a SYN, the capture began later than the connection. */
		if ((!has_syn || state->began_ns <= end_ns) &&
		    claim_address(matcher, stream, &socket->local, socket->socket,
				  accept))
			return;
		stream = state->previous;
	}
}

/* A socket that was there before: the earliest stream that lived when it was seen. */
static void match_inherited(struct matcher *matcher, const struct sonde_socket *socket)
{
	uint32_t stream = latest_stream(matcher, &socket->local, &socket->peer);
	uint32_t found = 0;

	for (; stream; stream = join_state(matcher->join, stream)->previous)
		if (last_ns(matcher->join, stream) >= socket->opened_ns)
			found = stream;
	if (found)
		claim_address(matcher, found, &socket->local, socket->socket, NULL);
}

static bool match_connect_exactly(struct matcher *matcher,
				  const struct sonde_socket *socket,
				  const struct sonde_call *connect,
				  const struct sonde_address *called)
{
	int64_t margin_ns = join_margin_ns(matcher->join);
	int64_t begin_ns = moment_minus(connect->enter_ns, margin_ns);
	int64_t end_ns = moment_plus(call_end_ns(connect), margin_ns);
	uint32_t stream, found = 0;

	stream = latest_stream(matcher, &socket->local,
			       is_known(called) ? called : &socket->peer);
	for (; stream; stream = join_state(matcher->join, stream)->previous) {
		const struct stream_state *state = join_state(matcher->join, stream);

		if (state->began_ns < begin_ns)
			break;
		if (state->began_ns <= end_ns || !state->sides[0].syn)
			found = stream;
	}
	return found &&
	       claim_address(matcher, found, &socket->local, socket->socket, connect);
}

/* Number of the first stream that began at that time or later. */
static uint32_t first_stream_since(const struct join *join, int64_t at_ns)
{
	uint32_t low = 1, high = join->timeline->stream_count + 1;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (join->states[middle - 1].began_ns >= at_ns)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Without an address of its own: the one SYN to that address while the call ran. */
static void match_connect_by_time(struct matcher *matcher,
				  const struct sonde_socket *socket,
				  const struct sonde_call *connect)
{
	const struct join *join = matcher->join;
	bool has_many = matcher->connects[socket->socket - 1] > 1;
	int64_t begin_ns = connect->enter_ns, end_ns = call_end_ns(connect);
	uint32_t found = 0;

	/* An address that is known and was not found has not been captured, and need not
	 * be looked for; but it is the latest one, and says nothing of the connects
	 * before. */
	if (is_known(&socket->local) && !has_many)
		return;
	for (uint32_t i = first_stream_since(join, begin_ns);
	     i <= join->timeline->stream_count; i++) {
		const struct sonde_stream *stream = &join->timeline->streams[i - 1];
		const struct stream_state *state = &join->states[i - 1];

		if (state->began_ns > end_ns)
			break;
		if (stream->kind != SONDE_SOCKET_TCP || !state->sides[0].syn ||
		    state->sides[0].socket ||
		    !is_called(&connect->address, &stream->server) ||
		    (!has_many && !may_be_local(&socket->local, &stream->client)))
			continue;
		if (found)
			return;
		found = i;
	}
	if (found)
		claim(matcher, found, 0, socket->socket, connect);
}

static bool is_connect(const struct join *join, const struct sonde_call *call,
		       const struct sonde_socket **ret_socket)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);

	if (call->kind != SONDE_CALL_CONNECT || !socket ||
	    socket->kind != SONDE_SOCKET_TCP || !flow_is_internet(&call->address))
		return false;
	/* The later calls of a connect that goes on, and those for an unfit socket. */
	if (call->result == -EALREADY || call->result == -EISCONN ||
	    call->result == -EINVAL || call->result == -EBADF)
		return false;
	*ret_socket = socket;
	return true;
}

/* Links the sides of each socket in order of time, and gives each its calls. */
static void link_sides(struct join *join)
{
	struct sonde_timeline *timeline = join->timeline;

	memset(join->first_side, 0,
	       join->recording->socket_count * sizeof(*join->first_side));
	for (uint32_t i = timeline->stream_count * 2; i > 0; i--) {
		struct side *side = join_side(join, i - 1);
		uint32_t *first;

		side->until_ns = INT64_MAX;
		side->next_side = 0;
		if (!side->socket)
			continue;
		first = &join->first_side[side->socket - 1];
		side->next_side = *first;
		if (*first)
			side->until_ns = join_side(join, *first - 1)->from_ns;
		*first = i;
	}
	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		timeline->streams[i].client_socket = join->states[i].sides[0].socket;
		timeline->streams[i].server_socket = join->states[i].sides[1].socket;
	}
}

static void match_connects(struct matcher *matcher)
{
	struct join *join = matcher->join;
	const struct sonde_recording *recording = join->recording;
	const struct sonde_socket *socket = NULL;

	for (uint32_t i = 0; i < recording->call_count; i++)
		if (is_connect(join, &recording->calls[i], &socket) &&
		    matcher->connects[socket->socket - 1] < 2)
			matcher->connects[socket->socket - 1]++;
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call =
			call_at(recording, join->calls.by_enter[i]);

		if (is_connect(join, call, &socket) && is_known(&socket->local))
			match_connect_exactly(matcher, socket, call, &call->address);
	}
	link_sides(join);
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call =
			call_at(recording, join->calls.by_enter[i]);
		uint32_t side;

		if (!is_connect(join, call, &socket))
			continue;
		for (side = join->first_side[socket->socket - 1]; side;
		     side = join_side(join, side - 1)->next_side)
			if (join_side(join, side - 1)->origin == call->call)
				break;
		if (!side)
			match_connect_by_time(matcher, socket, call);
	}
}

/* A client that never waited for a connection (TCP_FASTOPEN): its SYN comes from the first
 * send, as if that were a connect. */
static void match_fast_open(struct matcher *matcher)
{
	struct join *join = matcher->join;
	const struct sonde_recording *recording = join->recording;

	for (uint32_t i = 1; i <= recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i - 1];
		const struct sonde_address *called = &socket->peer;
		const struct sonde_call *call = NULL;

		if (join->first_side[i - 1] || socket->kind != SONDE_SOCKET_TCP ||
		    socket->is_inherited || socket->accepted_by ||
		    !is_known(&socket->local))
			continue;
		for (uint32_t k = join->calls.socket_begin[i];
		     k < join->calls.socket_begin[i + 1]; k++) {
			call = call_at(recording, join->calls.of_socket[k]);
			if (is_known(&call->address))
				called = &call->address;
			if (call->kind == SONDE_CALL_SEND)
				break;
		}
		if (call && call->kind == SONDE_CALL_SEND)
			match_connect_exactly(matcher, socket, call, called);
	}
}

static int by_port(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	uint16_t a_port = recording->sockets[a - 1].local.port;
	uint16_t b_port = recording->sockets[b - 1].local.port;

	if (a_port != b_port)
		return a_port < b_port ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void sort_listeners(struct matcher *matcher)
{
	const struct sonde_recording *recording = matcher->join->recording;
	void *context = NULL;

	for (uint32_t i = 0; i < recording->socket_count; i++)
		if (recording->sockets[i].is_listening &&
		    recording->sockets[i].kind == SONDE_SOCKET_TCP)
			matcher->listeners[matcher->listener_count++] = i + 1;
	memcpy(&context, &recording, sizeof(context));
	qsort_r(matcher->listeners, matcher->listener_count, sizeof(*matcher->listeners),
		by_port, context);
}

/* The traced socket that listened for the stream's SYN. */
static uint32_t find_listener(const struct matcher *matcher, uint32_t stream)
{
	const struct join *join = matcher->join;
	const struct sonde_address *server = &join->timeline->streams[stream - 1].server;
	const struct stream_state *state = join_state(join, stream);
	const struct sonde_packet *syn = join_packet(join, state->sides[0].syn);
	uint32_t low = 0, high = matcher->listener_count;

	if (!syn || (state->sides[1].reset && !state->syn_ack))
		return 0;
	/* A SYN that leaves this machine is for somebody else's port. */
	if (syn->is_outgoing && !flow_is_loopback(server))
		return 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (join->recording->sockets[matcher->listeners[middle] - 1].local.port <
		    server->port)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < matcher->listener_count; low++) {
		const struct sonde_socket *socket =
			socket_at(join->recording, matcher->listeners[low]);

		if (socket->local.port != server->port)
			break;
		if (may_be_local(&socket->local, server) &&
		    moment_minus(syn->at_ns, socket->opened_ns) >= 0 &&
		    (!socket->closed_ns || syn->at_ns <= socket->closed_ns))
			return socket->socket;
	}
	return 0;
}

static void find_listeners(struct matcher *matcher)
{
	struct sonde_timeline *timeline = matcher->join->timeline;

	sort_listeners(matcher);
	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		struct sonde_stream *stream = &timeline->streams[i];
		const struct sonde_call *origin =
			call_at(matcher->join->recording,
				matcher->join->states[i].sides[1].origin);

		if (stream->kind != SONDE_SOCKET_TCP)
			continue;
		stream->listening_socket =
			origin && socket_at(matcher->join->recording, origin->socket)
				? origin->socket
				: find_listener(matcher, i + 1);
	}
}

/* What the packets know of the sides. */
static void place_ends(const struct matcher *matcher)
{
	const struct join *join = matcher->join;

	for (uint32_t i = 0; i < join->recording->packet_count; i++) {
		struct sonde_packet_place *place = &join->timeline->packet_places[i];
		const struct stream_state *state = join_state(join, place->stream);

		if (!state ||
		    join->timeline->streams[place->stream - 1].kind != SONDE_SOCKET_TCP)
			continue;
		if (matcher->is_turned[place->stream - 1])
			place->direction = !place->direction;
		place->sender = state->sides[place->direction].socket;
		place->receiver = state->sides[!place->direction].socket;
	}
}

int endpoint_match(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	size_t sockets = (size_t)recording->socket_count + 1;
	struct matcher matcher = {.join = join};
	int error = -ENOMEM;

	join->first_side = array_new(sockets, sizeof(*join->first_side));
	matcher.is_turned = array_new((size_t)join->timeline->stream_count + 1,
				      sizeof(*matcher.is_turned));
	matcher.listeners = array_new(sockets, sizeof(*matcher.listeners));
	matcher.connects = array_new(sockets, sizeof(*matcher.connects));
	if (!join->first_side || !matcher.is_turned || !matcher.listeners ||
	    !matcher.connects)
		goto out;
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];
		const struct sonde_call *accept = call_at(recording, socket->accepted_by);

		if (socket->kind != SONDE_SOCKET_TCP || !is_known(&socket->local) ||
		    !is_known(&socket->peer))
			continue;
		if (accept && accept->kind == SONDE_CALL_ACCEPT)
			match_accepted(&matcher, socket, accept);
		else if (socket->is_inherited)
			match_inherited(&matcher, socket);
	}
	match_connects(&matcher);
	link_sides(join);
	match_fast_open(&matcher);
	link_sides(join);
	find_listeners(&matcher);
	place_ends(&matcher);
	error = 0;
out:
	array_free(matcher.is_turned);
	array_free(matcher.listeners);
	array_free(matcher.connects);
	return error;
}
