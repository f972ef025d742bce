/* What the network did, and what the two kernels made of it: losses, a receiver that does
 * not read, Nagle's algorithm against delayed acknowledgements. */
#include "finding/finding.h"

#include <string.h>

enum {
	NAGLE_MS = 30,    /* Linux delays an acknowledgement by 40 ms at least */
	NAGLE_HABIT = 3,  /* once is what the beginning of many a protocol costs */
	LOSS_MS = 100,    /* sooner, it is a probe; Linux's timer runs 200 ms at least */
	LOOK_BACK = 4096, /* packets */
	/* Sooner, a busy machine may only have had no processor for the receiver. */
	ZERO_WINDOW_MS = 2000,
	MILLISECOND_NS = 1000000,
};

/* What one side's packets say about the other's, so far. */
struct hearing {
	uint32_t ack, duplicates;
	int64_t window;
	unsigned scale;
	bool has_acked, was_syn;
};

static void hear(struct hearing *hearing, const struct sonde_packet *packet,
		 const struct sonde_packet_place *place)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	bool is_duplicate;
	int64_t window;

	if (decoded->tcp_flags & SONDE_TCP_SYN)
		hearing->scale = decoded->window_scale > 0 ? decoded->window_scale : 0;
	if (!(decoded->tcp_flags & SONDE_TCP_ACK))
		return;
	window = (int64_t)decoded->window;
	if (!(decoded->tcp_flags & SONDE_TCP_SYN))
		window <<= hearing->scale;
	/* With another window it tells of that, and not of a hole; a SYN's is another
	 * measure. */
	is_duplicate = hearing->has_acked && place->is_pure_ack &&
		       decoded->ack == hearing->ack &&
		       (hearing->was_syn || window == hearing->window);
	hearing->duplicates = is_duplicate ? hearing->duplicates + 1 : 0;
	hearing->ack = decoded->ack;
	hearing->has_acked = true;
	hearing->window = window;
	hearing->was_syn = decoded->tcp_flags & SONDE_TCP_SYN;
}

/* When the bytes were sent for the first time; INT64_MAX: too long ago to look. */
static int64_t first_sent_ns(const struct finding_facts *facts, const uint32_t *packets,
			     size_t again)
{
	const struct sonde_packet_place *place = fact_place(facts, packets[again]);
	uint32_t seq = place->seq;

	for (size_t i = again, steps = 0; i-- > 0 && steps < LOOK_BACK; steps++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);
		const struct sonde_packet_place *earlier = fact_place(facts, packets[i]);

		if (earlier->direction == place->direction &&
		    seq - earlier->seq < packet->decoded.payload_length)
			return packet->at_ns;
	}
	return INT64_MAX;
}

/* Something was lost: the sender's timer ran out, or others behind it were acknowledged
 * again and again.  A sender also repeats what merely waits for a full window, or for a
 * kernel that was slow to answer. */
static bool is_loss(const struct finding_facts *facts, const uint32_t *packets, size_t i,
		    const struct hearing *hearing)
{
	const struct sonde_packet *packet = fact_packet(facts, packets[i]);
	int64_t first_ns;

	if (!fact_place(facts, packets[i])->is_retransmission ||
	    !packet->decoded.payload_length)
		return false;
	if (hearing->window < packet->decoded.payload_length)
		return false;
	if (hearing->duplicates)
		return true;
	first_ns = first_sent_ns(facts, packets, i);
	return packet->at_ns - first_ns > LOSS_MS * (int64_t)MILLISECOND_NS;
}

static void find_retransmissions(const struct finding_facts *facts,
				 struct finding_list *list, uint32_t stream)
{
	struct hearing sides[2] = {0};
	struct sonde_finding *finding;
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	uint32_t shown[SONDE_FINDING_EVIDENCE];
	unsigned again = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet_place *place = fact_place(facts, packets[i]);
		unsigned side = place->direction & 1;

		if (is_loss(facts, packets, i, &sides[!side])) {
			if (again < SONDE_FINDING_EVIDENCE)
				shown[again] = packets[i];
			again++;
		}
		hear(&sides[side], fact_packet(facts, packets[i]), place);
	}
	if (!again)
		return;
	finding = finding_add(facts, list, "retransmission", SONDE_NOTE, stream, 0);
	for (unsigned i = 0; i < again && i < SONDE_FINDING_EVIDENCE; i++)
		finding_packet(finding, shown[i]);
	finding_why(finding,
		    "%u packet%s sent again, because the first one%s lost on the way.",
		    again, again == 1 ? " was" : "s were",
		    again == 1 ? " was" : "s were");
	finding_remedy(finding,
		       "No data is lost for the programs, they only wait longer; "
		       "look for the lossy link if it happens often.");
}

/* From the first packet that closes the window until the next one that opens it. */
static void find_zero_window(const struct finding_facts *facts, struct finding_list *list,
			     uint32_t stream, unsigned side)
{
	const struct sonde_stream *it = &facts->timeline->streams[stream - 1];
	uint32_t receiver = side ? it->server_socket : it->client_socket;
	const struct sonde_packet *closed = NULL;
	struct sonde_finding *finding;
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	int64_t longest_ns = 0;
	uint32_t first = 0, last = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);
		bool is_zero = packet->decoded.window == 0;

		if (fact_place(facts, packets[i])->direction != side ||
		    (packet->decoded.tcp_flags & (SONDE_TCP_SYN | SONDE_TCP_RST)))
			continue;
		if (is_zero && !closed) {
			closed = packet;
		} else if (!is_zero && closed) {
			if (packet->at_ns - closed->at_ns > longest_ns) {
				longest_ns = packet->at_ns - closed->at_ns;
				first = closed->packet;
				last = packet->packet;
			}
			closed = NULL;
		}
	}
	if (longest_ns < ZERO_WINDOW_MS * (int64_t)MILLISECOND_NS)
		return;
	finding = finding_add(facts, list, "zero-window", SONDE_NOTE, stream, 0);
	finding_packet(finding, first);
	finding_packet(finding, last);
	finding_why(
		finding,
		"%s did not read for %lld ms: its receive buffer was full (window 0), "
		"and the sender had to wait.",
		receiver ? fact_program(facts,
					facts->recording->sockets[receiver - 1].program)
			 : "The receiver",
		(long long)(longest_ns / MILLISECOND_NS));
	finding_remedy(finding, "Read sooner, or in a thread of its own, if the sender "
				"shall not wait.");
}

/* Where the packet stands among those of its stream. */
static size_t find_at(const uint32_t *packets, size_t count, uint32_t number)
{
	size_t from = 0;

	while (count) {
		size_t half = count / 2;

		if (packets[from + half] < number) {
			from += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return from;
}

/* The packet before that one, from the side; 0. */
static uint32_t find_before(const struct finding_facts *facts, const uint32_t *packets,
			    size_t at, unsigned side, bool has_data)
{
	for (size_t steps = 0; at-- > 0 && steps < LOOK_BACK; steps++)
		if (fact_place(facts, packets[at])->direction == side &&
		    (!has_data ||
		     fact_packet(facts, packets[at])->decoded.payload_length))
			return packets[at];
	return 0;
}

static unsigned scale_of(const struct finding_facts *facts, const uint32_t *packets,
			 size_t count, unsigned side)
{
	for (size_t i = 0; i < count && i < 8; i++) {
		const struct sonde_decoded *decoded =
			&fact_packet(facts, packets[i])->decoded;

		if (fact_place(facts, packets[i])->direction == side &&
		    (decoded->tcp_flags & SONDE_TCP_SYN) && decoded->window_scale > 0)
			return (unsigned)decoded->window_scale;
	}
	return 0;
}

/* The receiver had room for it before the acknowledgement came, and another call than
 * this one had sent what was under way: then only Nagle's algorithm held it. */
static bool is_held_by_nagle(const struct finding_facts *facts,
			     const struct sonde_edge *released, uint32_t call)
{
	const struct sonde_packet_place *place = fact_place(facts, released->packet);
	const uint32_t *packets;
	size_t count = fact_packets(facts, place->stream, &packets);
	size_t at = find_at(packets, count, released->packet);
	size_t by_at = find_at(packets, count, released->by_packet);
	unsigned side = place->direction & 1;
	uint32_t before = find_before(facts, packets, at, side, true);
	uint32_t heard = find_before(facts, packets, by_at, !side, false);
	const struct sonde_packet *packet;
	int64_t room, needed;

	if (!before || !heard || fact_sender(facts, before, SONDE_DATA) == call)
		return false;
	packet = fact_packet(facts, heard);
	room = (int64_t)packet->decoded.window;
	if (!(packet->decoded.tcp_flags & SONDE_TCP_SYN))
		room <<= scale_of(facts, packets, count, !side);
	needed = (int64_t)place->seq - fact_place(facts, heard)->ack +
		 fact_packet(facts, released->packet)->decoded.payload_length;
	return needed <= room;
}

/* A small segment that had to wait for the acknowledgement of the one before. */
static void find_nagle(const struct finding_facts *facts, struct finding_list *list,
		       const struct sonde_edge *released)
{
	const struct sonde_packet *packet = fact_packet(facts, released->packet);
	const struct sonde_packet_place *place = fact_place(facts, released->packet);
	const struct sonde_packet_place *by = fact_place(facts, released->by_packet);
	uint32_t number = fact_sender(facts, released->packet, SONDE_DATA);
	const struct sonde_call *call = call_at(facts->recording, number);
	struct sonde_finding *finding;
	int64_t late_ns;

	if (!packet || !by || !call || !call_returned(call) || !by->is_pure_ack ||
	    place->is_retransmission || packet->decoded.payload_length >= 1200)
		return;
	late_ns = packet->at_ns - call->exit_ns;
	if (late_ns < NAGLE_MS * (int64_t)MILLISECOND_NS)
		return;
	/* A closed window is another matter. */
	if (fact_packet(facts, released->by_packet)->decoded.window == 0 ||
	    !is_held_by_nagle(facts, released, number))
		return;
	finding = finding_add(facts, list, "nagle-delayed-ack", SONDE_WARNING,
			      place->stream, fact_statement(facts, number));
	finding_packet(finding, released->by_packet);
	finding_packet(finding, released->packet);
	finding_why(
		finding,
		"These bytes left %lld ms after they were sent, again and again: Nagle's "
		"algorithm "
		"holds a small segment back until the one before is acknowledged, and "
		"the peer delays that acknowledgement.",
		(long long)(late_ns / MILLISECOND_NS));
	finding_remedy(finding, "Send a message in one call (sendmsg() with several "
				"buffers, or join them), or set TCP_NODELAY.");
}

static void drop_rare_nagle(struct finding_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct sonde_finding *it = &list->findings[i];

		if (it->times < NAGLE_HABIT && strcmp(it->name, "nagle-delayed-ack") == 0)
			continue;
		list->findings[kept++] = *it;
	}
	list->count = kept;
}

void finding_network(const struct finding_facts *facts, struct finding_list *list)
{
	const struct sonde_timeline *timeline = facts->timeline;

	for (uint32_t i = 1; i <= timeline->stream_count; i++) {
		if (timeline->streams[i - 1].kind != SONDE_SOCKET_TCP)
			continue;
		find_retransmissions(facts, list, i);
		find_zero_window(facts, list, i, 0);
		find_zero_window(facts, list, i, 1);
	}
	for (uint32_t i = 0; i < timeline->edge_count; i++)
		if (timeline->edges[i].kind == SONDE_EDGE_RELEASED &&
		    timeline->edges[i].release == SONDE_BY_PACKET)
			find_nagle(facts, list, &timeline->edges[i]);
	drop_rare_nagle(list);
}
