/* Which call each packet comes from: its bytes, its SYN, FIN or RST; and what let it
 * leave.  A packet that comes from no call gets the reason. */
#include "timeline/join.h"

#include <errno.h>

#include "timeline/moment.h"

struct search {
	struct join *join;
	const struct sonde_packet *packet;
	int64_t from, to;  /* the packet's bytes in the stream */
	size_t first_edge; /* of this packet */
	bool is_complete;  /* the calls account for all bytes that were seen */
};

static uint32_t statement_of(const struct join *join, uint32_t call)
{
	return join->timeline->statement_of_call[call - 1];
}

static int add_sent(struct join *join, const struct sonde_packet *packet, uint32_t call,
		    enum sonde_carries carries)
{
	const struct sonde_edge edge = {
		.kind = SONDE_EDGE_SENT,
		.carries = (uint8_t)carries,
		.exact = true,
		.statement = statement_of(join, call),
		.call = call,
		.packet = packet->packet,
	};

	return join_add_packet_edge(join, &edge);
}

/* Whether the call can have had a part in a packet of that time. */
static bool was_entered(const struct join *join, const struct sonde_call *call,
			int64_t at_ns)
{
	return call && call->enter_ns <= moment_plus(at_ns, join_margin_ns(join));
}

static int found_send(const struct range *range, void *context)
{
	struct search *search = context;
	struct join *join = search->join;
	const struct sonde_call *call = call_at(join->recording, range->call);
	int64_t from = range->from > search->from ? range->from : search->from;
	int64_t to = range->to < search->to ? range->to : search->to;
	const struct sonde_edge edge = {
		.kind = SONDE_EDGE_SENT,
		.carries = SONDE_DATA,
		.exact = range->is_exact && search->is_complete,
		.statement = statement_of(join, range->call),
		.call = range->call,
		.packet = search->packet->packet,
		.from = (uint32_t)(from - search->from),
		.to = (uint32_t)(to - search->from),
	};

	if (!was_entered(join, call, search->packet->at_ns))
		return 0;
	return join_add_packet_edge(join, &edge);
}

static int send_data(struct search *search, const struct side *side)
{
	struct join *join = search->join;
	int64_t sent = moment_plus(side->sent_until - (side->fin != 0), side->shift);
	int error;

	/* Without its beginning, which send gave which byte is not known. */
	if (!side->knows_sent)
		return 0;
	search->is_complete = side->sends.is_open || sent <= side->sends.total;
	error = range_overlaps(&side->sends, search->from, search->to, found_send,
			       search);
	if (error < 0)
		return error;
	/* The others had not been entered yet: what is left is certain. */
	if (search->is_complete && join->packet_edge_count == search->first_edge + 1)
		join->packet_edges[search->first_edge].exact = true;
	return 0;
}

static int send_fin(struct search *search, const struct side *side)
{
	struct join *join = search->join;
	int64_t at_ns = search->packet->at_ns;

	if (was_entered(join, call_at(join->recording, side->shutdown), at_ns))
		return add_sent(join, search->packet, side->shutdown, SONDE_FIN);
	if (was_entered(join, call_at(join->recording, side->close), at_ns))
		return add_sent(join, search->packet, side->close, SONDE_FIN);
	return 0;
}

/* When a call was over that may supply a packet; an exit never returns. */
static int64_t supply_end_ns(const struct join *join, const struct sonde_call *call)
{
	const struct sonde_recording *recording = join->recording;

	if (!call_returned(call) && call->kind == SONDE_CALL_EXIT && call->program &&
	    call->program <= recording->program_count &&
	    recording->programs[call->program - 1].ended_ns)
		return recording->programs[call->program - 1].ended_ns;
	return call_end_ns(call);
}

/* A close or an exit with unread input resets instead of finishing.  A reset after the
 * FIN answers data that came too late: the kernel's own. */
static bool is_reset_by_close(const struct search *search, const struct side *side)
{
	const struct join *join = search->join;
	const struct sonde_call *close = call_at(join->recording, side->close);
	const struct sonde_packet *fin = join_packet(join, side->fin);
	int64_t margin_ns = join_margin_ns(join);

	if (!close || side->reset != search->packet->packet)
		return false;
	if (fin && fin->at_ns >= close->enter_ns)
		return false;
	return was_entered(join, close, search->packet->at_ns) &&
	       search->packet->at_ns <=
		       moment_plus(supply_end_ns(join, close), margin_ns);
}

/* The listening socket of a connection that nobody has accepted; NULL: it was accepted,
 * or that socket is not traced. */
static const struct sonde_socket *waiting_at(const struct join *join,
					     const struct sonde_packet_place *place)
{
	const struct stream_state *state = join_state(join, place->stream);
	uint32_t listener = join->timeline->streams[place->stream - 1].listening_socket;

	if (place->direction != 1 || state->sides[1].socket)
		return NULL;
	return socket_at(join->recording, listener);
}

/* The end of a listening socket resets the connections that wait at it. */
static uint32_t reset_by_listener(const struct search *search,
				  const struct sonde_packet_place *place)
{
	const struct join *join = search->join;
	const struct sonde_socket *listener = waiting_at(join, place);
	const struct sonde_call *close =
		listener ? call_at(join->recording, listener->closed_by) : NULL;

	if (!was_entered(join, close, search->packet->at_ns) ||
	    search->packet->at_ns >
		    moment_plus(supply_end_ns(join, close), join_margin_ns(join)))
		return 0;
	return close->call;
}

static uint8_t why_not_sent(const struct join *join,
			    const struct sonde_packet_place *place, uint8_t tcp_flags)
{
	const struct stream_state *state = join_state(join, place->stream);
	const struct side *side = &state->sides[place->direction];
	const struct side *other = &state->sides[!place->direction];

	if (place->why)
		return place->why;
	if (tcp_flags & SONDE_TCP_RST) {
		bool is_refusal = other->syn && !state->syn_ack && !side->syn;

		return side->socket || is_refusal || waiting_at(join, place)
			       ? SONDE_WHY_KERNEL_RESET
			       : SONDE_WHY_NOT_TRACED;
	}
	if ((tcp_flags & SONDE_TCP_SYN) && (tcp_flags & SONDE_TCP_ACK))
		return SONDE_WHY_KERNEL_SYN_ACK;
	if (place->is_pure_ack)
		return SONDE_WHY_KERNEL_ACK;
	return side->socket ? SONDE_WHY_NOT_SEEN : SONDE_WHY_NOT_TRACED;
}

/* What let the packet leave: the call that supplied it while that ran, else what came in
 * last, or a timer. */
static int add_released(struct search *search, bool is_retransmission,
			uint32_t latest_of_other)
{
	struct join *join = search->join;
	struct sonde_edge edge = {
		.kind = SONDE_EDGE_RELEASED,
		.exact = true,
		.packet = search->packet->packet,
	};

	if (is_retransmission) {
		edge.release = SONDE_BY_TIMER;
		return join_add_packet_edge(join, &edge);
	}
	for (size_t i = join->packet_edge_count; i-- > search->first_edge;) {
		const struct sonde_edge *sent = &join->packet_edges[i];
		const struct sonde_call *call = call_at(join->recording, sent->call);

		if (search->packet->at_ns >= call->enter_ns &&
		    search->packet->at_ns <= supply_end_ns(join, call)) {
			edge.release = SONDE_BY_CALL;
			edge.call = sent->call;
			edge.statement = sent->statement;
			edge.exact = sent->exact;
			return join_add_packet_edge(join, &edge);
		}
	}
	if (!latest_of_other)
		return 0;
	edge.release = SONDE_BY_PACKET;
	edge.by_packet = latest_of_other;
	return join_add_packet_edge(join, &edge);
}

static int send_segment(struct search *search, struct sonde_packet_place *place)
{
	struct join *join = search->join;
	const struct sonde_decoded *decoded = &search->packet->decoded;
	const struct stream_state *state = join_state(join, place->stream);
	const struct side *side = &state->sides[place->direction];
	uint8_t flags = decoded->tcp_flags;
	int error = 0;

	search->from =
		moment_plus(join->offsets[search->packet->packet - 1], side->shift);
	search->to = moment_plus(search->from, decoded->payload_length);
	if (place->why == SONDE_WHY_KERNEL_PROBE)
		return 0;
	if (flags & SONDE_TCP_RST) {
		uint32_t close = is_reset_by_close(search, side)
					 ? side->close
					 : reset_by_listener(search, place);

		return close ? add_sent(join, search->packet, close, SONDE_RST) : 0;
	}
	if (decoded->payload_length)
		error = send_data(search, side);
	if (!error && (flags & SONDE_TCP_SYN) && !(flags & SONDE_TCP_ACK)) {
		const struct sonde_call *origin = call_at(join->recording, side->origin);

		if (origin && origin->kind != SONDE_CALL_ACCEPT)
			error = add_sent(join, search->packet, side->origin, SONDE_SYN);
	}
	if (!error && (flags & SONDE_TCP_FIN))
		error = send_fin(search, side);
	return error;
}

static int add_datagram(struct search *search, uint32_t call, bool is_exact)
{
	const struct sonde_edge edge = {
		.kind = SONDE_EDGE_SENT,
		.carries = SONDE_DATA,
		.exact = is_exact,
		.statement = statement_of(search->join, call),
		.call = call,
		.packet = search->packet->packet,
		.to = search->packet->decoded.payload_length,
	};

	return join_add_packet_edge(search->join, &edge);
}

/* The call that sent it, else all that may have. */
static int send_datagram(struct search *search)
{
	const struct join *join = search->join;
	uint32_t number = search->packet->packet;
	size_t low = 0, high = join->sender_count;

	if (join->sent_by[number - 1])
		return add_datagram(search, join->sent_by[number - 1], true);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (join->senders[middle].packet < number)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < join->sender_count && join->senders[low].packet == number; low++) {
		int error = add_datagram(search, join->senders[low].call, false);

		if (error < 0)
			return error;
	}
	return 0;
}

/* RFC 792; what else there is (requests, answers of other kinds) a program may send. */
static uint8_t why_icmp(uint8_t type)
{
	switch (type) {
	case 0: /* echo reply */
		return SONDE_WHY_KERNEL_ECHO;
	case 3:  /* destination unreachable */
	case 4:  /* source quench */
	case 5:  /* redirect */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return SONDE_WHY_KERNEL_ICMP;
	default:
		return SONDE_WHY_NOT_JOINED;
	}
}

/* RFC 4443, 4861, 2710, 3810. */
static uint8_t why_icmp6(uint8_t type)
{
	if (type < 128)
		return SONDE_WHY_KERNEL_ICMP;
	switch (type) {
	case 129: /* echo reply */
		return SONDE_WHY_KERNEL_ECHO;
	case 131: /* multicast listener report, */
	case 132: /* done, */
	case 133: /* router solicitation */
	case 135: /* neighbor solicitation, */
	case 136: /* advertisement */
	case 137: /* redirect */
	case 143: /* listener report, version 2 */
		return SONDE_WHY_KERNEL_NEIGHBOUR;
	default:
		return SONDE_WHY_NOT_JOINED;
	}
}

static uint8_t why_without_stream(const struct sonde_decoded *decoded)
{
	switch (decoded->proto) {
	case SONDE_PACKET_ICMP:
		return why_icmp(decoded->icmp_type);
	case SONDE_PACKET_ICMP6:
		return why_icmp6(decoded->icmp_type);
	case SONDE_PACKET_OTHER:
		return SONDE_WHY_NOT_JOINED;
	default:
		return SONDE_WHY_NOT_TRACED;
	}
}

/* The edges of one packet, by call: few, and nearly in order. */
static void sort_edges(struct join *join, size_t first)
{
	for (size_t i = first + 1; i < join->packet_edge_count; i++) {
		const struct sonde_edge edge = join->packet_edges[i];
		size_t at = i;

		for (; at > first && join->packet_edges[at - 1].call > edge.call; at--)
			join->packet_edges[at] = join->packet_edges[at - 1];
		join->packet_edges[at] = edge;
	}
}

static int join_one(struct join *join, const struct sonde_packet *packet,
		    struct sonde_packet_place *place)
{
	struct search search = {
		.join = join, .packet = packet, .first_edge = join->packet_edge_count};
	struct stream_state *state = join_state(join, place->stream);
	int error;

	if (!state) {
		place->why = why_without_stream(&packet->decoded);
		return 0;
	}
	if (packet->decoded.proto == SONDE_PACKET_UDP)
		error = send_datagram(&search);
	else
		error = send_segment(&search, place);
	if (error < 0)
		return error;
	state->latest[place->direction] = packet->packet;
	if (join->packet_edge_count > search.first_edge) {
		place->why = SONDE_WHY_NONE;
		join->timeline->packets_mapped++;
		sort_edges(join, search.first_edge);
		return add_released(&search, place->is_retransmission,
				    state->latest[!place->direction]);
	}
	if (packet->decoded.proto == SONDE_PACKET_UDP)
		place->why = place->sender ? SONDE_WHY_NOT_SEEN : SONDE_WHY_NOT_TRACED;
	else
		place->why = why_not_sent(join, place, packet->decoded.tcp_flags);
	return 0;
}

int sent_join(struct join *join)
{
	for (uint32_t i = 0; i < join->recording->packet_count; i++) {
		int error = join_one(join, &join->recording->packets[i],
				     &join->timeline->packet_places[i]);
		if (error < 0)
			return error;
	}
	return 0;
}
