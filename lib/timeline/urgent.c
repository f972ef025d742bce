/* Urgent bytes, which are sent in the stream and taken out of what is received.
 *
 * Unless the reader asked for it (MSG_OOB, SO_OOBINLINE), the last byte of a segment with
 * URG is not in its way (RFC 6093): what it reads behind has one place more in the stream.
 * Whether it asked is not recorded; that all was read to the end, and so many bytes less
 * than were sent as were urgent, says so.  Where neither all was read nor the end was, the
 * places behind are not known. */
#include "timeline/join.h"

enum { URGENT_MOST = 16 };

struct urgent {
	int64_t at[URGENT_MOST]; /* offsets, rising */
	unsigned count;
	int64_t sent_until;
	bool is_too_much;
};

static void look_for(const struct join *join, uint32_t side_number, struct urgent *urgent)
{
	uint32_t stream = side_number / 2 + 1;

	for (uint32_t i = join->stream_begin[stream]; i < join->stream_begin[stream + 1];
	     i++) {
		const struct sonde_packet *packet = join_packet(join, join->of_stream[i]);
		int64_t end = join->offsets[packet->packet - 1] +
			      packet->decoded.payload_length;

		if (join->timeline->packet_places[packet->packet - 1].direction !=
			    side_number % 2 ||
		    !packet->decoded.payload_length || end <= urgent->sent_until)
			continue;
		urgent->sent_until = end;
		if (!(packet->decoded.tcp_flags & SONDE_TCP_URG))
			continue;
		if (urgent->count < URGENT_MOST)
			urgent->at[urgent->count++] = end - 1;
		else
			urgent->is_too_much = true;
	}
}

static void move_behind(struct range *range, const struct urgent *urgent)
{
	for (unsigned i = 0; i < urgent->count; i++) {
		if (range->from >= urgent->at[i])
			range->from++;
		if (range->to > urgent->at[i])
			range->to++;
		if (range->reach >= urgent->at[i])
			range->reach++;
	}
	range->is_exact = range->is_exact && range->to - range->from == range->bytes;
}

void urgent_side(struct join *join, uint32_t side_number)
{
	struct side *side = join_side(join, side_number);
	struct side *reader = join_side(join, side_number ^ 1);
	struct urgent urgent = {0};
	int64_t left;

	if (!side->knows_read || side->read_shift != 0 || !reader->socket)
		return;
	look_for(join, side_number, &urgent);
	left = urgent.sent_until - reader->receives.total;
	if (!urgent.count || left <= 0)
		return;
	if (urgent.is_too_much || left != urgent.count ||
	    !anchor_has_read_the_end(join, reader)) {
		side->knows_read = false;
		return;
	}
	for (size_t i = 0; i < reader->receives.count; i++)
		move_behind(&reader->receives.ranges[i], &urgent);
}
