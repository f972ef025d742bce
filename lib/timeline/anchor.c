/* Where in a stream the bytes lie that traced programs sent and read.
 *
 * With the SYN it is plain: the first byte sent, and read, is that after it.  Of a stream
 * whose beginning was not captured the place is found out in one of two ways.
 *
 * The tracer looked at the connection when it was first seen (sonde_socket.looked_ns).
 * The program was stopped then, so what it sends next follows what had been written until
 * then, and what it reads next is the first byte that nobody had read:
 *
 *	first byte to be sent   where sending stood then + unsent
 *	first byte to be read   where the arrivals stood then - unread
 *
 * Where they stood is told by packets: by the end of the data before that moment, else by
 * the sequence number of the first packet after it.  That of a retransmission is an older
 * one; so with something in flight only a bare acknowledgement, which cannot be one, tells.
 *
 * Or the stream was seen to end: then all that was sent, or read, lies before the FIN. */
#include "timeline/join.h"

#include "timeline/moment.h"

bool anchor_has_read_the_end(const struct join *join, const struct side *reader)
{
	const struct call_index *calls = &join->calls;

	for (uint32_t i = calls->socket_begin[reader->socket];
	     i < calls->socket_begin[reader->socket + 1]; i++) {
		const struct sonde_call *call =
			call_at(join->recording, calls->of_socket[i]);

		if (call->kind == SONDE_CALL_RECEIVE && call_returned(call) &&
		    !call->result && call->length)
			return true;
	}
	return false;
}

static void anchor_by_end(const struct join *join, struct side *side,
			  const struct side *reader)
{
	bool all_sent = side->origin && !side->sends.is_open && side->sends.count;
	bool all_read = false;
	const struct sonde_call *origin = call_at(join->recording, reader->origin);
	int64_t shift;

	if (side->is_anchored || !side->fin || join->recording->calls_dropped)
		return;
	if (!all_sent && origin && reader->receives.count)
		all_read = anchor_has_read_the_end(join, reader);
	if (!all_sent && !all_read)
		return;
	shift = moment_minus(all_sent ? side->sends.total : reader->receives.total,
			     side->fin_offset);
	if (shift < 0)
		return;
	side->shift = side->read_shift = shift;
	side->is_anchored = true;
}

/* Whether the socket was there before anybody looked, and began with no call. */
static bool is_from_before(const struct join *join, const struct side *side)
{
	const struct sonde_socket *socket = socket_at(join->recording, side->socket);

	return !side->origin && socket && socket->is_inherited;
}

/* What the packets of one direction say about a moment. */
struct standing {
	int64_t before; /* the furthest end of what came before it; INT64_MIN: nothing */
	int64_t after;  /* the offset of the first packet after it */
	bool has_after;
	bool is_bare;     /* that one is a bare acknowledgement */
	bool is_doubtful; /* one came so near to it that it may be on either side */
};

static struct standing look(const struct join *join, uint32_t side_number,
			    int64_t looked_ns)
{
	struct standing standing = {.before = INT64_MIN};
	uint32_t stream = side_number / 2 + 1;
	int64_t margin_ns = join_margin_ns(join);

	for (uint32_t i = join->stream_begin[stream]; i < join->stream_begin[stream + 1];
	     i++) {
		const struct sonde_packet *packet = join_packet(join, join->of_stream[i]);
		const struct sonde_packet_place *place =
			&join->timeline->packet_places[packet->packet - 1];
		int64_t offset = join->offsets[packet->packet - 1];
		int64_t end = moment_plus(offset, packet->decoded.payload_length);

		if (place->direction != side_number % 2 ||
		    place->why == SONDE_WHY_KERNEL_PROBE ||
		    (packet->decoded.tcp_flags & SONDE_TCP_RST))
			continue;
		if (packet->at_ns <= looked_ns) {
			standing.before = end > standing.before ? end : standing.before;
		} else if (!standing.has_after) {
			standing.has_after = true;
			standing.after = offset;
			standing.is_bare = place->is_pure_ack;
		}
		if (packet->decoded.payload_length &&
		    packet->at_ns > moment_minus(looked_ns, margin_ns) &&
		    packet->at_ns < moment_plus(looked_ns, margin_ns))
			standing.is_doubtful = true;
		if (packet->at_ns > moment_plus(looked_ns, margin_ns))
			break;
	}
	return standing;
}

/* Where sending stood in that direction; false: it is not to be told. */
static bool stood_at(const struct standing *standing, bool is_in_flight, int64_t *ret)
{
	if (standing->is_doubtful)
		return false;
	if (standing->before != INT64_MIN) {
		*ret = standing->before;
		return true;
	}
	if (!standing->has_after || (is_in_flight && !standing->is_bare))
		return false;
	*ret = standing->after;
	return true;
}

static void anchor_sends(const struct join *join, struct side *side, uint32_t side_number)
{
	const struct sonde_socket *socket = socket_at(join->recording, side->socket);
	struct standing standing;
	int64_t at;

	if (!socket->looked_ns)
		return;
	standing = look(join, side_number, socket->looked_ns);
	/* The program was stopped: none of these packets is a send of its own. */
	standing.is_doubtful = standing.is_doubtful && socket->unsent;
	if (!stood_at(&standing, socket->in_flight, &at))
		return;
	side->shift = moment_minus(0, moment_plus(at, socket->unsent));
	side->knows_sent = true;
}

static void anchor_reads(const struct join *join, struct side *side,
			 const struct side *reader, uint32_t side_number)
{
	const struct sonde_socket *socket = socket_at(join->recording, reader->socket);
	struct standing standing;
	int64_t at;

	if (!socket->looked_ns)
		return;
	standing = look(join, side_number, socket->looked_ns);
	if (!stood_at(&standing, false, &at))
		return;
	side->read_shift = moment_minus(0, moment_minus(at, socket->unread));
	side->knows_read = true;
}

void anchor_side(struct join *join, uint32_t side_number)
{
	struct side *side = join_side(join, side_number);
	const struct side *reader = join_side(join, side_number ^ 1);
	bool is_dropped = join->recording->packets_dropped != 0;

	anchor_by_end(join, side, reader);
	if (is_from_before(join, side)) {
		if (!is_dropped)
			anchor_sends(join, side, side_number);
	} else {
		side->knows_sent = side->is_anchored && side->socket;
	}
	if (is_from_before(join, reader)) {
		if (!is_dropped)
			anchor_reads(join, side, reader, side_number);
	} else {
		side->knows_read = side->is_anchored;
	}
}
