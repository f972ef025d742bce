/* What made a Unix socket or a pipe ready.
 *
 * There is no packet with a time of its own: what a call gave was there some time between
 * its entry and its return.  So the answer is a call, and verdict.c holds both of
 * its ends against the moment of waiting. */
#include "timeline/ready_local.h"

#include "timeline/local.h"
#include "timeline/moment.h"

static uint32_t as_ready(const struct sonde_call *call)
{
	return call ? READY_CALL | call->call : READY_NOT_SEEN;
}

/* ---- bytes and messages ---- */

struct givers {
	const struct join *join;
	const struct sonde_call *taker;
	struct candidates *among;
};

static int found_giver(const struct range *range, void *context)
{
	struct givers *givers = context;
	const struct sonde_call *call = call_at(givers->join->recording, range->call);

	if (call->enter_ns > givers->taker->exit_ns ||
	    !local_may_have_got(givers->taker, call))
		return 0;
	return candidates_add(givers->among, as_ready(call));
}

/* The sends that may have given what lies at the places [from, to]. */
static uint32_t find_givers(const struct join *join, const struct channel *channel,
			    int64_t from, int64_t to, const struct sonde_call *taker,
			    struct candidates *among)
{
	struct givers givers = {.join = join, .taker = taker, .among = among};
	uint32_t found;

	if (channel->is_broken || to == INT64_MAX)
		return READY_NOT_SEEN;
	range_overlaps(&channel->sends, from, to + 1, found_giver, &givers);
	found = candidates_end(among, 0);
	among->is_exact = among->is_exact && channel->is_certain;
	return found;
}

/* ---- the end ---- */

static const struct sonde_call *earlier(const struct sonde_call *a,
					const struct sonde_call *b)
{
	if (!a || !b)
		return a ? a : b;
	return b->enter_ns < a->enter_ns ? b : a;
}

static const struct sonde_call *entered_by(const struct join *join, uint32_t number,
					   int64_t end_ns)
{
	const struct sonde_call *call = call_at(join->recording, number);

	return call && call->enter_ns <= end_ns ? call : NULL;
}

/* The latest of the closes of a FIFO that may be opened again and again. */
static const struct sonde_call *
latest_close(const struct join *join, const struct channel *channel, int64_t end_ns)
{
	const struct sonde_socket *writer = socket_at(join->recording, channel->writer);
	const struct sonde_call *found =
		entered_by(join, writer ? writer->closed_by : 0, end_ns);
	size_t low = 0, high = channel->closes.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entered_by(join, channel->closes.ranges[middle].call, end_ns))
			low = middle + 1;
		else
			high = middle;
	}
	if (low) {
		const struct sonde_call *close =
			call_at(join->recording, channel->closes.ranges[low - 1].call);

		if (!found || close->enter_ns > found->enter_ns)
			found = close;
	}
	return found;
}

/* What ended the channel, for a call that ended at end_ns. */
static uint32_t find_end(const struct join *join, const struct channel *channel,
			 int64_t end_ns)
{
	const struct sonde_call *found = latest_close(join, channel, end_ns);

	found = earlier(found, entered_by(join, channel->shutdown, end_ns));
	return as_ready(earlier(found, entered_by(join, channel->deafened, end_ns)));
}

uint32_t ready_local_receive(const struct join *join, const struct sonde_call *receive,
			     struct candidates *among)
{
	uint32_t socket = local_into(join, receive->socket) ? receive->socket
							    : receive->from_socket;
	const struct channel *channel = local_into(join, socket);
	const struct sonde_socket *reader = socket_at(join->recording, socket);
	const struct range *range;
	int64_t from, to, last = 0;

	if (!channel)
		return READY_OWN_SIDE;
	if (receive->result < 0)
		return find_end(join, channel, receive->exit_ns);
	if (receive->result == 0 && reader->kind != SONDE_SOCKET_UNIX_DATAGRAM)
		return receive->length ? find_end(join, channel, receive->exit_ns)
				       : READY_WITHOUT_PACKET;
	range = range_of_receive(join, &channel->receives, receive);
	/* Of the first byte, or the last. */
	if (range) {
		from = range->from;
		to = range->to - range->bytes;
	} else {
		range_ahead(join, &channel->receives, receive, &from, &to);
	}
	if ((receive->flags & SONDE_CALL_WAIT_ALL) && !channel->is_messages)
		last = receive->result - 1;
	return find_givers(join, channel, moment_plus(from, last), moment_plus(to, last),
			   receive, among);
}

/* ---- connections ---- */

uint32_t ready_local_accept(const struct join *join, const struct sonde_call *accept,
			    struct candidates *among)
{
	const struct channel *channel = local_into(join, accept->new_socket);

	among->is_exact = channel && channel->is_certain;
	if (!channel || channel->accept != accept->call)
		return READY_NOT_SEEN;
	return as_ready(call_at(join->recording, channel->connect));
}

uint32_t ready_local_connect(const struct join *join, const struct sonde_call *connect,
			     struct candidates *among)
{
	const struct sonde_call *own =
		call_at(join->recording, join->local.accepts[connect->call - 1]);
	const struct sonde_call *found = NULL;

	among->is_exact = false;
	if (!own)
		return READY_NOT_SEEN;
	/* The queue was full until somebody took one of it, and that was before its own
	 * connection was taken. */
	for (uint32_t i = join->calls.socket_begin[own->socket];
	     socket_at(join->recording, own->socket) &&
	     i < join->calls.socket_begin[own->socket + 1];
	     i++) {
		const struct sonde_call *call =
			call_at(join->recording, join->calls.of_socket[i]);

		if (call->enter_ns > connect->exit_ns)
			break;
		if (call->kind == SONDE_CALL_ACCEPT && call_returned(call) &&
		    call->result >= 0 && call->exit_ns >= connect->enter_ns)
			found = call;
	}
	return as_ready(found);
}

/* ---- room ---- */

/* The number of receives that returned before at_ns. */
static size_t returned_before(const struct join *join, const struct range_list *list,
			      int64_t at_ns)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (call_at(join->recording, list->ranges[middle].call)->exit_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The latest receive on the channel that ran while the other call did. */
static uint32_t find_room(const struct join *join, const struct channel *channel,
			  const struct sonde_call *waiting, struct candidates *among)
{
	const struct sonde_call *found = NULL;
	unsigned count = 0;

	if (!channel)
		return READY_NOT_SEEN;
	for (size_t i = returned_before(join, &channel->receives, waiting->enter_ns);
	     i < channel->receives.count; i++) {
		const struct sonde_call *call =
			call_at(join->recording, channel->receives.ranges[i].call);

		if (call->enter_ns > waiting->exit_ns)
			break;
		found = call;
		count++;
	}
	among->is_exact = count == 1 && channel->is_certain;
	return as_ready(found);
}

uint32_t ready_local_room(const struct join *join, const struct sonde_call *send,
			  struct candidates *among)
{
	const struct sonde_socket *socket = socket_at(join->recording, send->socket);
	const struct channel *channel = local_out_of(join, send->socket);

	/* To one with a queue of its own. */
	if (!channel && socket && socket->peer_socket)
		channel = local_into(join, socket->peer_socket);
	return find_room(join, channel, send, among);
}

/* ---- waits ---- */

/* The accept that comes next on the listening socket tells for whom it was ready. */
static uint32_t watched_listener(const struct join *join, const struct sonde_call *wait,
				 uint32_t socket, struct candidates *among)
{
	const struct call_index *calls = &join->calls;

	for (uint32_t i =
		     call_index_since(join->recording, calls, socket, wait->enter_ns);
	     i < calls->socket_begin[socket + 1]; i++) {
		const struct sonde_call *call =
			call_at(join->recording, calls->of_socket[i]);
		const struct sonde_call *connect;
		uint32_t ready;

		if (call->kind != SONDE_CALL_ACCEPT || !call_returned(call) ||
		    call->result < 0)
			continue;
		ready = ready_local_accept(join, call, among);
		connect = ready_call(join, ready);
		return connect && connect->enter_ns <= wait->exit_ns ? ready
								     : READY_NOT_SEEN;
	}
	return READY_NOT_SEEN;
}

uint32_t ready_local_watched(const struct join *join, const struct sonde_call *wait,
			     const struct sonde_watched *watched,
			     struct candidates *among)
{
	const struct sonde_socket *socket = socket_at(join->recording, watched->socket);
	const struct channel *in = local_into(join, watched->socket);
	const struct channel *out = local_out_of(join, watched->socket);
	uint32_t found = READY_NOT_SEEN;

	if (socket->is_listening)
		return watched_listener(join, wait, watched->socket, among);
	if (!in && !out)
		return READY_OWN_SIDE;
	if (in && (watched->ready & SONDE_READY_READ)) {
		int64_t from, to;

		range_ahead(join, &in->receives, wait, &from, &to);
		found = find_givers(join, in, from, to, wait, among);
	}
	if (in && found == READY_NOT_SEEN &&
	    (watched->ready &
	     (SONDE_READY_READ | SONDE_READY_HANGUP | SONDE_READY_ERROR)))
		found = find_end(join, in, wait->exit_ns);
	if (found == READY_NOT_SEEN && (watched->ready & SONDE_READY_WRITE)) {
		if (wait->flags & SONDE_CALL_STAYED)
			return READY_WITHOUT_PACKET;
		found = find_room(join, out, wait, among);
		if (found == READY_NOT_SEEN)
			return READY_WITHOUT_PACKET;
	}
	/* The last reader is gone: that is what a writer is told as an error. */
	if (found == READY_NOT_SEEN && out && (watched->ready & SONDE_READY_ERROR)) {
		const struct sonde_socket *reader =
			socket_at(join->recording, out->reader);

		found = as_ready(entered_by(join, reader->closed_by, wait->exit_ns));
	}
	return found;
}
