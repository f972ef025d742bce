/* What reached a socket, and what its program took of it. */
#include "finding/finding.h"

/* Bytes that the reader need not get: an urgent one is taken out of what it receives, unless
 * it asked otherwise (RFC 6093). */
static int64_t urgent_until(const struct finding_facts *facts, uint32_t stream,
			    unsigned side, int64_t at_ns)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	int64_t urgent = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);

		if (packet->at_ns > at_ns)
			break;
		urgent += fact_place(facts, packets[i])->direction == side &&
			  packet->decoded.payload_length &&
			  packet->decoded.proto == SONDE_PACKET_TCP &&
			  packet->decoded.tcp_flags & SONDE_TCP_URG;
	}
	return urgent;
}

/* The offset behind the furthest byte that this side sent until then. */
static int64_t sent_until(const struct finding_facts *facts, uint32_t stream,
			  unsigned side, int64_t at_ns)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	int64_t until = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);
		const struct sonde_packet_place *place = fact_place(facts, packets[i]);

		if (packet->at_ns > at_ns)
			break;
		if (place->direction == side && packet->decoded.payload_length &&
		    packet->decoded.proto == SONDE_PACKET_TCP) {
			int64_t end =
				(int64_t)place->seq - 1 + packet->decoded.payload_length;

			until = end > until ? end : until;
		}
	}
	return until;
}

static int64_t taken_until(const struct finding_facts *facts, uint32_t socket,
			   int64_t at_ns)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	int64_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_RECEIVE &&
		    !(call->flags & SONDE_CALL_PEEK) && call->enter_ns <= at_ns)
			taken += call_bytes(call);
	}
	return taken;
}

/* What the calls of the other side had sent. */
static int64_t given_until(const struct finding_facts *facts, uint32_t socket,
			   int64_t at_ns)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	int64_t given = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_SEND && call_end_ns(call) <= at_ns)
			given += call_bytes(call);
	}
	return given;
}

bool fact_unread(const struct finding_facts *facts, uint32_t socket, int64_t at_ns,
		 int64_t *ret_arrived, int64_t *ret_taken)
{
	unsigned side;
	uint32_t stream = fact_stream(facts, socket, &side);
	const uint32_t *packets;

	if (socket && socket <= facts->recording->socket_count && facts->peer[socket] &&
	    !facts->recording->calls_dropped) {
		*ret_arrived = given_until(facts, facts->peer[socket], at_ns);
		*ret_taken = taken_until(facts, socket, at_ns);
		/* It may be an urgent one. */
		if (*ret_arrived == *ret_taken + 1)
			*ret_arrived = *ret_taken;
		return true;
	}
	if (!stream || facts->timeline->streams[stream - 1].kind != SONDE_SOCKET_TCP ||
	    facts->recording->packets_dropped || facts->recording->calls_dropped)
		return false;
	/* Relative numbers count from the SYN only where it was seen. */
	if (!fact_packets(facts, stream, &packets) ||
	    !(fact_packet(facts, packets[0])->decoded.tcp_flags & SONDE_TCP_SYN))
		return false;
	*ret_arrived = sent_until(facts, stream, !side, at_ns);
	*ret_taken = taken_until(facts, socket, at_ns);
	if (*ret_arrived > *ret_taken &&
	    *ret_arrived - urgent_until(facts, stream, !side, at_ns) <= *ret_taken)
		*ret_arrived = *ret_taken;
	return true;
}
