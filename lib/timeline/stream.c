/* Packets into streams: which connection a packet belongs to, in which direction, at
 * which offset, and whether it repeats what was sent before.
 *
 * One pass in order of time.  Sequence numbers are compared by serial arithmetic (RFC
 * 1982) against the furthest offset of their direction, which makes them 64-bit offsets.
 * A SYN with another initial number on a known pair of addresses begins a new stream: the
 * port was used again. */
#include "timeline/join.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "timeline/moment.h"

/* A SYN-ACK this long after the third packet of the handshake says that the latter was not
 * taken.  An earlier one answers a copy of the SYN and crossed it. */
#define SYN_ACK_AGAIN_NS INT64_C(100000000)

static int64_t offset_of(const struct side *side, uint32_t seq)
{
	uint32_t reference = side->first_seq + (uint32_t)side->sent_until;

	return side->sent_until + (int32_t)(seq - reference);
}

static int add_stream(struct join *join, struct flow *flow,
		      const struct sonde_packet *packet, bool is_answer)
{
	struct sonde_timeline *timeline = join->timeline;
	const struct sonde_decoded *decoded = &packet->decoded;
	size_t wanted = (size_t)timeline->stream_count + 1;
	uint32_t stream;

	if (array_reserve(&timeline->streams, &join->stream_room, wanted,
			  sizeof(*timeline->streams)) < 0 ||
	    array_reserve(&join->states, &join->state_room, wanted,
			  sizeof(*join->states)) < 0)
		return -ENOMEM;
	stream = ++timeline->stream_count;
	timeline->streams[stream - 1] = (struct sonde_stream){
		.stream = stream,
		.kind = decoded->proto == SONDE_PACKET_TCP ? SONDE_SOCKET_TCP
							   : SONDE_SOCKET_UDP,
		.client = is_answer ? decoded->dst : decoded->src,
		.server = is_answer ? decoded->src : decoded->dst,
		.first_packet = packet->packet,
	};
	join->states[stream - 1] = (struct stream_state){
		.previous = flow->stream,
		.began_ns = packet->at_ns,
	};
	flow->stream = stream;
	return 0;
}

/* Whether the SYN (with or without ACK) begins another stream than the flow's latest. */
static bool is_new_connection(const struct join *join, uint32_t stream,
			      const struct sonde_decoded *decoded)
{
	const struct stream_state *state = &join->states[stream - 1];
	bool is_client = flow_same_address(&decoded->src,
					   &join->timeline->streams[stream - 1].client);
	const struct side *side = &state->sides[is_client ? 0 : 1];
	const struct side *other = &state->sides[is_client ? 1 : 0];
	const struct sonde_packet *syn = join_packet(join, other->syn);

	if (side->syn)
		return side->first_seq != decoded->seq + 1;
	if (decoded->tcp_flags & SONDE_TCP_ACK)
		/* It may acknowledge data that came with the SYN. */
		return !syn ||
		       decoded->ack - other->first_seq > syn->decoded.payload_length;
	/* Both ends call each other at once: the other one's SYN is all there is. */
	return !other->syn || side->has_seq || state->established;
}

static int find_stream(struct join *join, const struct sonde_packet *packet,
		       uint32_t *ret_stream)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	bool is_syn = decoded->proto == SONDE_PACKET_TCP &&
		      (decoded->tcp_flags & SONDE_TCP_SYN);
	struct flow *flow =
		flow_add(&join->flows, decoded->proto, &decoded->src, &decoded->dst);

	if (!flow)
		return -ENOMEM;
	if (!flow->stream || (is_syn && is_new_connection(join, flow->stream, decoded))) {
		int error = add_stream(join, flow, packet,
				       is_syn && (decoded->tcp_flags & SONDE_TCP_ACK));
		if (error < 0)
			return error;
	}
	*ret_stream = flow->stream;
	return 0;
}

static void place_syn(struct side *side, const struct sonde_packet *packet,
		      struct sonde_packet_place *place)
{
	if (side->syn) {
		place->is_retransmission = true;
		return;
	}
	side->syn = packet->packet;
	/* A number taken from an acknowledgement before is right unless bytes had been
	 * acknowledged; then what was placed by it stays where it is. */
	if (!side->has_seq || !side->arrivals.delivery_count) {
		side->first_seq = packet->decoded.seq + 1;
		side->is_anchored = true;
		side->has_seq = true;
	}
}

static bool is_probe(const struct side *side, const struct sonde_decoded *decoded,
		     int64_t offset)
{
	if (offset != side->sent_until - 1 ||
	    (decoded->tcp_flags & (SONDE_TCP_SYN | SONDE_TCP_FIN | SONDE_TCP_RST)))
		return false;
	return decoded->payload_length == 0 ||
	       (decoded->payload_length == 1 && side->acked_until >= side->sent_until);
}

static void note_syn_ack(const struct join *join, struct stream_state *state,
			 const struct sonde_packet *packet)
{
	const struct sonde_packet *established = join_packet(join, state->established);
	const struct sonde_packet *syn = join_packet(join, state->sides[0].syn);

	if (!state->syn_ack)
		state->syn_ack = packet->packet;
	/* The listener took the SYN's data (TCP_FASTOPEN): it waited for no more. */
	if (!state->established && syn && syn->decoded.payload_length &&
	    packet->decoded.ack - syn->decoded.seq > 1)
		state->established = syn->packet;
	else if (!established ||
		 moment_minus(packet->at_ns, established->at_ns) > SYN_ACK_AGAIN_NS)
		state->wants_established = true;
}

/* The third packet of the handshake, or whatever of the client took its place. */
static bool note_established(const struct join *join, struct stream_state *state,
			     unsigned which, const struct sonde_packet *packet)
{
	uint8_t flags = packet->decoded.tcp_flags;

	if (which == 1) {
		if ((flags & SONDE_TCP_SYN) && (flags & SONDE_TCP_ACK))
			note_syn_ack(join, state, packet);
		return false;
	}
	if (!(flags & SONDE_TCP_ACK) || (flags & (SONDE_TCP_SYN | SONDE_TCP_RST)) ||
	    !state->sides[0].syn)
		return false;
	if (!state->spoke && (packet->decoded.payload_length || (flags & SONDE_TCP_FIN)))
		state->spoke = packet->packet;
	if (!state->established) {
		state->established = packet->packet;
		state->wants_established = false;
		return true;
	}
	if (state->wants_established) {
		state->established_again = packet->packet;
		state->wants_established = false;
	}
	return false;
}

static int place_ack(struct side *other, const struct sonde_decoded *decoded,
		     struct sonde_packet_place *place)
{
	int64_t acked;

	if (!other->has_seq) {
		other->first_seq = decoded->ack;
		other->has_seq = true;
	}
	acked = offset_of(other, decoded->ack);
	place->ack = (uint32_t)(acked + 1);
	if (acked <= other->acked_until)
		return 0;
	other->acked_until = acked;
	return arrivals_confirm(&other->arrivals, acked);
}

static int place_segment(struct join *join, const struct sonde_packet *packet,
			 struct sonde_packet_place *place)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	struct stream_state *state = &join->states[place->stream - 1];
	struct side *side = &state->sides[place->direction];
	struct side *other = &state->sides[1 - place->direction];
	uint8_t flags = decoded->tcp_flags;
	bool is_first = note_established(join, state, place->direction, packet);
	int64_t offset, end;

	if (flags & SONDE_TCP_SYN)
		place_syn(side, packet, place);
	if (!side->has_seq) {
		side->first_seq = decoded->seq;
		side->has_seq = true;
	}
	if ((flags & SONDE_TCP_ACK) && place_ack(other, decoded, place) < 0)
		return -ENOMEM;

	offset = offset_of(side, decoded->seq);
	place->seq = (uint32_t)(offset + 1);
	if (flags & SONDE_TCP_SYN)
		offset++;
	join->offsets[packet->packet - 1] = offset;
	end = offset + decoded->payload_length;
	if ((flags & SONDE_TCP_RST)) {
		if (!side->reset)
			side->reset = packet->packet;
		return 0;
	}
	if (is_probe(side, decoded, offset)) {
		place->why = SONDE_WHY_KERNEL_PROBE;
		return 0;
	}
	if (flags & SONDE_TCP_FIN) {
		if (!side->fin) {
			side->fin = packet->packet;
			side->fin_offset = end;
		}
		end++;
	}
	if (end > offset) {
		int repeated = arrivals_add(&side->arrivals, offset, end,
					    side->acked_until, packet->packet);

		if (repeated < 0)
			return repeated;
		place->is_retransmission |= repeated;
	} else if (!(flags & SONDE_TCP_SYN)) {
		place->is_pure_ack = flags & SONDE_TCP_ACK;
		place->is_handshake_ack = place->is_pure_ack && is_first;
	}
	if (end > side->sent_until)
		side->sent_until = end;
	return 0;
}

/* An ICMP error names the stream of the packet that it quotes. */
static int note_quote(struct join *join, const struct sonde_packet *packet)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	const struct flow *flow = flow_find(&join->flows, decoded->quote_proto,
					    &decoded->quote_src, &decoded->quote_dst);

	if (!flow)
		return 0;
	if (array_reserve(&join->quotes, &join->quote_room, join->quote_count + 1,
			  sizeof(*join->quotes)) < 0)
		return -ENOMEM;
	join->quotes[join->quote_count++] =
		(struct quote){.stream = flow->stream, .packet = packet->packet};
	return 0;
}

static int by_stream(const void *left, const void *right)
{
	const struct quote *a = left, *b = right;

	if (a->stream != b->stream)
		return a->stream < b->stream ? -1 : 1;
	return a->packet < b->packet ? -1 : a->packet > b->packet;
}

static int place_packet(struct join *join, const struct sonde_packet *packet,
			struct sonde_packet_place *place)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	struct sonde_stream *stream;
	int error;

	if (decoded->has_quote &&
	    (decoded->proto == SONDE_PACKET_ICMP || decoded->proto == SONDE_PACKET_ICMP6))
		return note_quote(join, packet);
	if (decoded->proto != SONDE_PACKET_TCP && decoded->proto != SONDE_PACKET_UDP)
		return 0;
	/* Only the first fragment holds the ports. */
	if ((decoded->trouble & SONDE_PACKET_FRAGMENT) && !decoded->src.port &&
	    !decoded->dst.port)
		return 0;
	error = find_stream(join, packet, &place->stream);
	if (error < 0)
		return error;
	stream = &join->timeline->streams[place->stream - 1];
	place->direction = !flow_same_address(&decoded->src, &stream->client);
	stream->last_packet = packet->packet;
	stream->packet_count++;
	if (decoded->proto == SONDE_PACKET_TCP)
		return place_segment(join, packet, place);
	return 0;
}

int stream_build(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	struct sonde_timeline *timeline = join->timeline;

	timeline->packet_places = array_new((size_t)recording->packet_count + 1,
					    sizeof(*timeline->packet_places));
	join->offsets =
		array_new((size_t)recording->packet_count + 1, sizeof(*join->offsets));
	if (!timeline->packet_places || !join->offsets)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->packet_count; i++) {
		int error = place_packet(join, &recording->packets[i],
					 &timeline->packet_places[i]);
		if (error < 0)
			return error;
	}
	if (join->quote_count)
		qsort(join->quotes, join->quote_count, sizeof(*join->quotes), by_stream);
	return 0;
}
