/* What made room for a send, and whether there had been none. */
#include "timeline/ready.h"

#include "timeline/moment.h"

/* The smallest buffer that the kernel allows has room for so many bytes in one piece. */
#define ROOM_BYTES 2048

/* What makes room for a send comes in at most this long before the send returns. */
#define ROOM_NS INT64_C(1000000)

/* The index in of_stream behind the last packet of the stream until then. */
static uint32_t end_of_packets(const struct join *join, uint32_t stream, int64_t at_ns)
{
	uint32_t low = join->stream_begin[stream], high = join->stream_begin[stream + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (join_packet(join, join->of_stream[middle])->at_ns <= at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first packet of the other side since enter_ns that acknowledged more than those
 * before it, among those before of_stream[end]; 0: none did.  Where others did so, too, it
 * is one of several.  It does not matter how long it took the caller to get a
 * processor. */
static uint32_t first_room(const struct join *join, uint32_t begin, uint32_t end,
			   unsigned which, int64_t enter_ns, struct candidates *among)
{
	uint32_t found = 0, later_ack = 0, later = 0, count = 0;

	for (uint32_t i = end; i > begin; i--) {
		uint32_t packet = join->of_stream[i - 1];
		const struct sonde_packet_place *place =
			&join->timeline->packet_places[packet - 1];

		if (place->direction == which)
			continue;
		if (later && place->ack != later_ack) {
			found = later;
			count++;
		}
		if (join_packet(join, packet)->at_ns < enter_ns)
			break;
		later = packet;
		later_ack = place->ack;
	}
	among->is_exact = count <= 1;
	return found;
}

uint32_t ready_room(const struct join *join, uint32_t socket, int64_t enter_ns,
		    int64_t end_ns, struct candidates *among)
{
	int64_t since_ns = moment_minus(end_ns, ROOM_NS);
	uint32_t stream, begin, end;
	unsigned which;

	if (moment_minus(end_ns, enter_ns) <= READY_SLOW_NS)
		return READY_WITHOUT_PACKET;
	if (!join_socket_stream(join, socket, enter_ns, &stream, &which))
		return READY_NOT_SEEN;
	begin = join->stream_begin[stream];
	end = end_of_packets(join, stream, end_ns);
	for (uint32_t i = end; i > begin; i--) {
		uint32_t packet = join->of_stream[i - 1];

		if (join_packet(join, packet)->at_ns < since_ns)
			break;
		if (join->timeline->packet_places[packet - 1].direction != which)
			return packet;
	}
	return first_room(join, begin, end, which, enter_ns, among);
}

static const struct range *range_of_send(const struct join *join,
					 const struct range_list *sends,
					 const struct sonde_call *send)
{
	size_t low = 0, high = sends->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (call_at(join->recording, sends->ranges[middle].call)->enter_ns <
		    send->enter_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sends->count && sends->ranges[low].call == send->call
		       ? &sends->ranges[low]
		       : NULL;
}

/* What the other side had acknowledged when the call was entered; -1: not known. */
static int64_t acknowledged(const struct join *join, uint32_t stream, unsigned which,
			    int64_t at_ns)
{
	uint32_t begin = join->stream_begin[stream];

	for (uint32_t i = end_of_packets(join, stream, at_ns); i > begin; i--) {
		uint32_t packet = join->of_stream[i - 1];

		if (join->timeline->packet_places[packet - 1].direction != which &&
		    (join_packet(join, packet)->decoded.tcp_flags & SONDE_TCP_ACK))
			return (int64_t)join->timeline->packet_places[packet - 1].ack - 1;
	}
	return -1;
}

bool ready_may_be_full(const struct join *join, const struct sonde_call *send)
{
	const struct side *side;
	const struct range *range;
	uint32_t stream;
	unsigned which;
	int64_t acked;

	if (send->result > ROOM_BYTES ||
	    !join_socket_stream(join, send->socket, send->enter_ns, &stream, &which))
		return true;
	side = &join_state(join, stream)->sides[which];
	range = range_of_send(join, &side->sends, send);
	acked = acknowledged(join, stream, which, send->enter_ns);
	/* Where offsets are more than an acknowledgement's 32 bits, nothing is said. */
	if (!range || !side->knows_sent || !range->is_exact || acked < 0 ||
	    range->to > INT32_MAX)
		return true;
	return acked < moment_minus(range->from, side->shift);
}
