/* What made a socket ready.  For a send that is room: ready_room.c. */
#include "timeline/ready.h"

#include <errno.h>

#include "timeline/datagram.h"
#include "timeline/local.h"
#include "timeline/moment.h"
#include "timeline/ready_local.h"

static bool is_by(const struct join *join, uint32_t packet, int64_t end_ns)
{
	const struct sonde_packet *found = join_packet(join, packet);

	return found && found->at_ns <= end_ns;
}

const struct sonde_call *ready_call(const struct join *join, uint32_t ready)
{
	if (ready >= READY_OWN_SIDE || !(ready & READY_CALL))
		return NULL;
	return call_at(join->recording, ready & ~READY_CALL);
}

int64_t ready_at_ns(const struct join *join, uint32_t ready)
{
	const struct sonde_call *call = ready_call(join, ready);
	const struct sonde_packet *packet = join_packet(join, ready);

	if (call)
		return call->enter_ns;
	return packet ? packet->at_ns : INT64_MAX;
}

/* The first ICMP error about the stream in that time. */
static uint32_t first_quote(const struct join *join, uint32_t stream, int64_t enter_ns,
			    int64_t end_ns)
{
	size_t low = 0, high = join->quote_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (join->quotes[middle].stream < stream)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < join->quote_count && join->quotes[low].stream == stream; low++) {
		int64_t at_ns = join_packet(join, join->quotes[low].packet)->at_ns;

		if (at_ns > end_ns)
			break;
		if (at_ns >= enter_ns)
			return join->quotes[low].packet;
	}
	return READY_NOT_SEEN;
}

/* TCP_DEFER_ACCEPT: a bare ACK is not heeded, until the SYN-ACK was repeated. */
static uint32_t accept_deferred(const struct join *join, const struct stream_state *state,
				int64_t end_ns)
{
	if (is_by(join, state->established_again, end_ns) &&
	    (!state->spoke || state->established_again < state->spoke))
		return state->established_again;
	return is_by(join, state->spoke, end_ns) ? state->spoke : READY_NOT_SEEN;
}

uint32_t ready_accept(const struct join *join, const struct sonde_call *accept)
{
	const struct sonde_socket *listener = socket_at(join->recording, accept->socket);
	const struct stream_state *state;
	uint32_t stream;
	unsigned which;

	if (!join_socket_stream(join, accept->new_socket, accept->enter_ns, &stream,
				&which))
		return READY_NOT_SEEN;
	state = join_state(join, stream);
	if (which != 1 || state->sides[1].origin != accept->call)
		return READY_NOT_SEEN;
	if (listener && listener->defers_accept &&
	    state->established != state->sides[0].syn)
		return accept_deferred(join, state, accept->exit_ns);
	/* The SYN-ACK was repeated: then the first ACK had not been taken. */
	if (is_by(join, state->established_again, accept->exit_ns))
		return state->established_again;
	return is_by(join, state->established, accept->exit_ns) ? state->established
								: READY_NOT_SEEN;
}

uint32_t ready_connect(const struct join *join, const struct sonde_call *connect,
		       bool has_failed, int64_t end_ns)
{
	const struct stream_state *state;
	uint32_t stream;
	unsigned which;

	if (!join_socket_stream(join, connect->socket, connect->enter_ns, &stream,
				&which))
		return READY_NOT_SEEN;
	state = join_state(join, stream);
	if (which != 0 || state->sides[0].origin != connect->call)
		return READY_NOT_SEEN;
	if (!has_failed)
		return is_by(join, state->syn_ack, end_ns) ? state->syn_ack
							   : READY_NOT_SEEN;
	if (is_by(join, state->sides[1].reset, end_ns))
		return state->sides[1].reset;
	return first_quote(join, stream, connect->enter_ns, end_ns);
}

/* The packet that made the byte at that offset of the whole stream readable. */
static uint32_t find_byte(const struct join *join, const struct side *sender,
			  int64_t offset, int64_t end_ns)
{
	int64_t at = moment_minus(offset, sender->read_shift);

	/* What came before the capture has no packet. */
	if (!sender->knows_read || at < 0)
		return READY_NOT_SEEN;
	return arrivals_find(&sender->arrivals, join->recording, at, end_ns);
}

/* The packets that may have made one of the bytes [from, to] readable. */
static uint32_t find_bytes(const struct join *join, const struct side *sender,
			   int64_t from, int64_t to, int64_t guess, int64_t end_ns,
			   struct candidates *among)
{
	for (int64_t at = from; at <= to;) {
		uint32_t packet = find_byte(join, sender, at, end_ns);
		int64_t end;

		if (packet == READY_NOT_SEEN || candidates_add(among, packet))
			break;
		end = moment_plus(join->offsets[packet - 1],
				  join_packet(join, packet)->decoded.payload_length);
		end = moment_plus(end, sender->read_shift);
		at = end > at ? end : at + 1;
	}
	return candidates_end(among, among->count > 1
					     ? find_byte(join, sender, guess, end_ns)
					     : READY_NOT_SEEN);
}

/* The FIN, once all before it has arrived. */
static uint32_t find_end(const struct join *join, const struct side *sender,
			 int64_t end_ns)
{
	if (!sender->fin)
		return READY_NOT_SEEN;
	return arrivals_find(&sender->arrivals, join->recording, sender->fin_offset,
			     end_ns);
}

/* The shutdown of the reading half, which ends what waits there. */
static uint32_t find_deafening(const struct join *join, const struct side *side,
			       int64_t end_ns)
{
	const struct sonde_call *call = call_at(join->recording, side->deafened);

	return call && call->enter_ns <= end_ns ? READY_CALL | call->call
						: READY_NOT_SEEN;
}

static uint32_t receive_bytes(const struct join *join, const struct side *reader,
			      const struct side *sender, const struct sonde_call *receive,
			      struct candidates *among)
{
	const struct range *range = range_of_receive(join, &reader->receives, receive);
	/* Of its first byte, or the last. */
	int64_t from, to, guess, last = 0;

	if (range) {
		from = range->from;
		to = range->to - range->bytes;
		guess = range->reach - range->bytes;
	} else {
		/* A look ahead, or bytes that cannot be counted. */
		range_ahead(join, &reader->receives, receive, &from, &to);
		guess = from;
	}
	if (receive->flags & SONDE_CALL_WAIT_ALL)
		last = receive->result - 1;
	return find_bytes(join, sender, moment_plus(from, last), moment_plus(to, last),
			  moment_plus(guess, last), receive->exit_ns, among);
}

static uint32_t receive_from_stream(const struct join *join,
				    const struct sonde_call *receive,
				    struct candidates *among)
{
	const struct side *reader, *sender;
	uint32_t stream, packet;
	unsigned which;

	if (!join_socket_stream(join, receive->socket, receive->enter_ns, &stream,
				&which))
		return READY_NOT_SEEN;
	reader = &join_state(join, stream)->sides[which];
	sender = &join_state(join, stream)->sides[1 - which];
	if (receive->result > 0)
		return receive_bytes(join, reader, sender, receive, among);
	if (receive->result == 0) {
		packet = find_end(join, sender, receive->exit_ns);
		return packet != READY_NOT_SEEN
			       ? packet
			       : find_deafening(join, reader, receive->exit_ns);
	}
	if (is_by(join, sender->reset, receive->exit_ns))
		return sender->reset;
	return first_quote(join, stream, INT64_MIN, receive->exit_ns);
}

/* The ICMP error that a datagram socket reports: the latest about one of its own. */
static uint32_t datagram_error(const struct join *join, const struct sonde_call *receive)
{
	uint32_t found = READY_NOT_SEEN;

	for (size_t i = 0; i < join->quote_count; i++) {
		const struct sonde_stream *stream =
			&join->timeline->streams[join->quotes[i].stream - 1];

		if ((stream->client_socket == receive->socket ||
		     stream->server_socket == receive->socket) &&
		    is_by(join, join->quotes[i].packet, receive->exit_ns) &&
		    join->quotes[i].packet > found)
			found = join->quotes[i].packet;
	}
	return found;
}

static int found_datagram(uint32_t packet, void *context)
{
	return candidates_add(context, packet);
}

/* The datagram that a receive got, or that was the next for a wait. */
static uint32_t find_datagram(const struct join *join, const struct datagram_queue *queue,
			      const struct sonde_call *call, struct candidates *among)
{
	datagram_candidates(join, queue, call, found_datagram, among);
	return candidates_end(among, join->datagram_of[call->call - 1]);
}

static uint32_t receive_datagram(const struct join *join,
				 const struct sonde_call *receive,
				 struct candidates *among)
{
	const struct datagram_queue *queue = datagram_queue_of(join, receive->socket);

	if (receive->result < 0)
		return datagram_error(join, receive);
	return queue ? find_datagram(join, queue, receive, among)
		     : join->datagram_of[receive->call - 1];
}

uint32_t ready_receive(const struct join *join, const struct sonde_call *receive,
		       struct candidates *among)
{
	const struct sonde_socket *socket = socket_at(join->recording, receive->socket);

	if (!socket)
		return READY_OWN_SIDE;
	if (receive->result == 0 && receive->length == 0 &&
	    socket->kind == SONDE_SOCKET_TCP)
		return READY_WITHOUT_PACKET;
	switch (socket->kind) {
	case SONDE_SOCKET_TCP:
		return receive_from_stream(join, receive, among);
	case SONDE_SOCKET_UDP:
		return receive_datagram(join, receive, among);
	default:
		return ready_local_receive(join, receive, among);
	}
}

/* The packet that the first call of this kind on the socket after the wait's begin took:
 * a listening socket is ready for the connection that the next accept returns, a datagram
 * socket for the datagram that the next receive gets. */
static uint32_t watched_next(const struct join *join, const struct sonde_call *wait,
			     uint32_t socket, enum sonde_call_kind kind,
			     struct candidates *among)
{
	const struct call_index *calls = &join->calls;
	const struct datagram_queue *queue = datagram_queue_of(join, socket);
	uint32_t low = call_index_since(join->recording, calls, socket, wait->enter_ns);

	if (queue)
		return find_datagram(join, queue, wait, among);
	for (; low < calls->socket_begin[socket + 1]; low++) {
		const struct sonde_call *call =
			call_at(join->recording, calls->of_socket[low]);
		uint32_t packet;

		if (call->kind != kind || !call_returned(call))
			continue;
		if (kind == SONDE_CALL_ACCEPT && call->result < 0)
			continue;
		packet = kind == SONDE_CALL_ACCEPT ? ready_accept(join, call)
						   : ready_receive(join, call, among);
		return is_by(join, packet, wait->exit_ns) ? packet : READY_NOT_SEEN;
	}
	return READY_NOT_SEEN;
}

static uint32_t earlier(const struct join *join, uint32_t a, uint32_t b)
{
	if (a == READY_NOT_SEEN)
		return b;
	return b == READY_NOT_SEEN || ready_at_ns(join, a) <= ready_at_ns(join, b) ? a
										   : b;
}

static uint32_t watched_stream(const struct join *join, const struct sonde_call *wait,
			       const struct sonde_watched *watched,
			       struct candidates *among)
{
	const struct side *reader, *sender;
	uint32_t found = READY_NOT_SEEN, stream;
	unsigned which;

	if (!join_socket_stream(join, watched->socket, wait->enter_ns, &stream, &which))
		return READY_NOT_SEEN;
	reader = &join_state(join, stream)->sides[which];
	sender = &join_state(join, stream)->sides[1 - which];
	if (watched->ready & SONDE_READY_READ) {
		int64_t from, to;

		range_ahead(join, &reader->receives, wait, &from, &to);
		found = find_bytes(join, sender, from, to, from, wait->exit_ns, among);
		if (found == READY_NOT_SEEN)
			found = find_deafening(join, reader, wait->exit_ns);
	}
	if (watched->ready & (SONDE_READY_READ | SONDE_READY_HANGUP))
		found = earlier(join, found, find_end(join, sender, wait->exit_ns));
	if (watched->ready &
	    (SONDE_READY_READ | SONDE_READY_ERROR | SONDE_READY_HANGUP)) {
		if (is_by(join, sender->reset, wait->exit_ns))
			found = earlier(join, found, sender->reset);
		if (found == READY_NOT_SEEN)
			found = first_quote(join, stream, INT64_MIN, wait->exit_ns);
	}
	if (found == READY_NOT_SEEN && watched->ready == SONDE_READY_WRITE)
		return ready_room(join, watched->socket, wait->enter_ns, wait->exit_ns,
				  among);
	return found;
}

uint32_t ready_watched(const struct join *join, const struct sonde_call *wait,
		       const struct sonde_watched *watched, uint32_t connecting,
		       struct candidates *among)
{
	const struct sonde_socket *socket = socket_at(join->recording, watched->socket);
	const struct sonde_call *connect = call_at(join->recording, connecting);

	if (socket && local_is_kind(socket->kind))
		return ready_local_watched(join, wait, watched, among);
	if (!socket ||
	    (socket->kind != SONDE_SOCKET_TCP && socket->kind != SONDE_SOCKET_UDP))
		return READY_OWN_SIDE;
	if (socket->kind == SONDE_SOCKET_UDP)
		return watched->ready & SONDE_READY_READ
			       ? watched_next(join, wait, watched->socket,
					      SONDE_CALL_RECEIVE, among)
			       : READY_WITHOUT_PACKET;
	if (socket->is_listening)
		return watched_next(join, wait, watched->socket, SONDE_CALL_ACCEPT,
				    among);
	if (connect) {
		uint32_t made = ready_connect(join, connect, false, wait->exit_ns);

		return made != READY_NOT_SEEN
			       ? made
			       : ready_connect(join, connect, true, wait->exit_ns);
	}
	return watched_stream(join, wait, watched, among);
}
