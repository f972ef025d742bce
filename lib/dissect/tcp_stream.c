/* TCP's bytes as messages: segments in the order of their numbers, each byte once, cut
 * where the application's dissector says that a message ends.
 *
 * A message that begins and ends within a segment is read where it stands.  One that does
 * not is copied together, and read when its last byte comes.  A segment that comes early
 * waits, until the gap is filled, or until the other side acknowledges what the capture
 * does not have: then reading goes on behind the gap. */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/application.h"
#include "dissect/dissect_tcp.h"

struct taking {
	const struct dissector *dissector;
	struct stream_side *side;
	const struct span *payload; /* of this frame's segment */
	bool was_told;              /* a message was read */
};

static bool is_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

uint32_t *dissect_message_hint(struct sonde_dissector *d)
{
	return d->hint;
}

bool dissect_is_beginning(const struct sonde_dissector *d)
{
	return d->is_beginning;
}

bool dissect_is_behind_gap(const struct sonde_dissector *d)
{
	return d->is_behind_gap;
}

bool dissect_is_first_message(const struct sonde_dissector *d)
{
	return d->messages == 0;
}

static ssize_t length_of(struct sonde_dissector *d, const struct taking *taking,
			 const uint8_t *bytes, size_t n)
{
	d->hint = &taking->side->hint;
	d->is_beginning = bytes != stream_side_bytes(taking->side);
	return taking->dissector->pdu_length(d, bytes, n);
}

/* The last message of a frame has the say in its columns, unless it joins them. */
static void tell(struct sonde_dissector *d, struct taking *taking,
		 const struct span *message)
{
	d->is_behind_gap = taking->side->has_gap;
	taking->side->has_gap = false;
	dissect_call(d, taking->dissector, message);
	taking->was_told = true;
	d->messages++;
}

static void add_segments(struct sonde_dissector *d, const struct stream_side *side,
			 const struct span *message)
{
	static const struct part_fields fields = {
		TCP_SEGMENTS, TCP_SEGMENT, TCP_SEGMENT_COUNT, "Reassembled TCP Segments"};

	dissect_add_parts(d, &fields, message, side->parts, side->part_count);
	dissect_nest(d);
	dissect_add_made(d, TCP_REASSEMBLED_LENGTH, span_left(message));
	dissect_set_flags(dissect_add_bytes(d, TCP_REASSEMBLED_DATA, message, 0,
					    span_left(message)),
			  SONDE_FIELD_GENERATED);
	dissect_unnest(d);
}

/* The first n bytes of what is under way are a message. */
static bool tell_kept(struct sonde_dissector *d, struct taking *taking, size_t n)
{
	struct stream_side *side = taking->side;
	ssize_t at = dissect_reassemble(d, stream_side_bytes(side), n);
	struct span message;

	if (at < 0)
		return false;
	message = (struct span){
		.bytes = d->reassembled,
		.at = (uint32_t)at,
		.captured = (uint32_t)at + (uint32_t)n,
		.end = (uint32_t)at + (uint32_t)n,
		.source = 1,
	};
	if (side->part_count > 1 || side->parts[0].frame != d->frame_number)
		add_segments(d, side, &message);
	tell(d, taking, &message);
	stream_side_consume(&d->streams, side, n);
	return true;
}

static void forget(struct sonde_dissector *d, struct stream_side *side)
{
	if (side->size)
		stream_side_consume(&d->streams, side, side->size);
	side->hint = 0;
	side->until_close = false;
}

/* All whole messages of what is under way. */
static void tell_all_kept(struct sonde_dissector *d, struct taking *taking)
{
	struct stream_side *side = taking->side;

	while (side->size) {
		ssize_t n = length_of(d, taking, stream_side_bytes(side), side->size);

		if (n == PDU_NOT_MINE) {
			forget(d, side);
			return;
		}
		if (n == PDU_UNTIL_CLOSE)
			side->until_close = true;
		if (n > LIMIT_DISSECT_PDU) {
			side->skip = (uint64_t)n - side->size;
			n = (ssize_t)side->size;
		}
		if (n <= 0 || (size_t)n > side->size || !tell_kept(d, taking, (size_t)n))
			return;
	}
}

static void keep(struct sonde_dissector *d, struct taking *taking, const uint8_t *bytes,
		 uint32_t n, uint32_t frame)
{
	int error = stream_side_append(&d->streams, taking->side, bytes, n, frame);

	if (error == -ENOMEM)
		d->trouble = error;
	if (error < 0) {
		forget(d, taking->side);
		taking->side->has_gap = true;
	}
}

/* Messages where they stand, from `skip` bytes of the payload on; what is left of one is
 * kept. */
static void take_in_place(struct sonde_dissector *d, struct taking *taking, uint32_t skip)
{
	struct span rest = span_part(taking->payload, skip, UINT32_MAX);

	while (span_left(&rest)) {
		ssize_t n = length_of(d, taking, span_bytes(&rest), span_left(&rest));
		struct span message;

		if (n == PDU_NOT_MINE) {
			taking->side->hint = 0;
			dissect_rest(d, &rest);
			taking->was_told = true;
			return;
		}
		if (n == PDU_UNTIL_CLOSE)
			taking->side->until_close = true;
		if (n > LIMIT_DISSECT_PDU) {
			taking->side->skip = (uint64_t)n - span_left(&rest);
			n = (ssize_t)span_left(&rest);
		}
		if (n <= 0 || (size_t)n > span_left(&rest)) {
			dissect_add_bytes(d, TCP_SEGMENT_DATA, &rest, 0,
					  span_left(&rest));
			keep(d, taking, span_bytes(&rest), span_left(&rest),
			     d->frame_number);
			if (!taking->was_told)
				column_add(dissect_info(d),
					   " [TCP segment of a reassembled PDU]");
			return;
		}
		message = span_part(&rest, 0, (uint32_t)n);
		taking->side->hint = 0;
		tell(d, taking, &message);
		rest = span_part(&rest, (uint32_t)n, UINT32_MAX);
	}
}

/* How much of `left` belongs to the message under way, where that is known before it is
 * there. */
static uint32_t part_of_message(struct sonde_dissector *d, struct taking *taking,
				uint32_t left)
{
	struct stream_side *side = taking->side;
	ssize_t n = tcp_segments_wanted(d)
			    ? length_of(d, taking, stream_side_bytes(side), side->size)
			    : 0;

	return n > (ssize_t)side->size && (size_t)n - side->size < left
		       ? (uint32_t)((size_t)n - side->size)
		       : left;
}

/* This frame's bytes, from `skip` on: they are the next of the stream. */
static void take(struct sonde_dissector *d, struct taking *taking, uint32_t skip)
{
	struct stream_side *side = taking->side;
	uint32_t left = span_left(taking->payload) - skip;
	const uint8_t *bytes = span_bytes(taking->payload) + skip;
	struct span part;

	if (side->skip) {
		uint32_t n = side->skip < left ? (uint32_t)side->skip : left;

		part = span_part(taking->payload, skip, n);
		dissect_add_bytes(d, TCP_SEGMENT_DATA, &part, 0, n);
		side->skip -= n;
		skip += n;
		left -= n;
		bytes += n;
		if (!left)
			return;
	}
	if (!side->size) {
		take_in_place(d, taking, skip);
		return;
	}
	part = span_part(taking->payload, 0, skip + part_of_message(d, taking, left));
	dissect_add_bytes(d, TCP_SEGMENT_DATA, &part, 0, span_left(&part));
	/* A message under way ends here, or goes on; what follows it stands in place. */
	keep(d, taking, bytes, left, d->frame_number);
	while (side->size) {
		ssize_t n = length_of(d, taking, stream_side_bytes(side), side->size);

		if (n == PDU_UNTIL_CLOSE)
			side->until_close = true;
		if (n == PDU_NOT_MINE) {
			forget(d, side);
			return;
		}
		if (n > LIMIT_DISSECT_PDU) {
			side->skip = (uint64_t)n - side->size;
			n = (ssize_t)side->size;
		}
		if (n <= 0 || (size_t)n > side->size)
			break;
		if (!tell_kept(d, taking, (size_t)n))
			return;
		if (side->size <= left) {
			uint32_t from = skip + left - (uint32_t)side->size;

			forget(d, side);
			take_in_place(d, taking, from);
			return;
		}
	}
	if (!taking->was_told && side->size)
		column_add(dissect_info(d), " [TCP segment of a reassembled PDU]");
}

/* What came early and fits now; `beyond`: what comes before it will not come any more. */
static void take_early(struct sonde_dissector *d, struct taking *taking, bool beyond)
{
	struct stream_side *side = taking->side;

	while (side->early_count) {
		struct stream_early *early = &side->early[0];
		uint32_t end = early->seq + early->length, skip = 0;

		if (is_after(early->seq, side->next)) {
			if (!beyond)
				return;
			forget(d, side);
			side->has_gap = true;
			side->skip = 0;
			side->next = early->seq;
		}
		if (!is_after(end, side->next)) {
			stream_side_drop_early(&d->streams, side);
			continue;
		}
		skip = side->next - early->seq;
		keep(d, taking, early->bytes + skip, early->length - skip, early->frame);
		side->next = end;
		stream_side_drop_early(&d->streams, side);
		tell_all_kept(d, taking);
	}
}

/* The gap before `seq` stays one: the receiver has what the capture has not. */
static bool is_lost(const struct stream_side *side, uint32_t seq)
{
	return side->has_acked && !is_after(seq, side->acked);
}

static void take_segment(struct sonde_dissector *d, struct taking *taking,
			 const struct tcp_segment *segment)
{
	struct stream_side *side = taking->side;
	uint32_t left = span_left(taking->payload), seq = segment->seq;
	uint32_t end = seq + left;

	if (segment->flags & SONDE_TCP_SYN)
		seq++; /* data with a SYN follows its number */
	if (!side->has_next) {
		const struct conversation *flow = d->flow;

		side->has_next = true;
		side->next = flow->has_start[!d->is_forward] ? flow->start[!d->is_forward]
							     : seq;
	}
	if (side->early_count && is_lost(side, side->early[0].seq))
		take_early(d, taking, true);
	if (is_after(seq, side->next)) {
		int error = -ENOSPC;

		if (!is_lost(side, seq))
			error = stream_side_keep_early(&d->streams, side, seq,
						       span_bytes(taking->payload), left,
						       d->frame_number);
		if (error == 0) {
			dissect_add_bytes(d, TCP_SEGMENT_DATA, taking->payload, 0, left);
			column_add(dissect_info(d),
				   " [TCP segment of a reassembled PDU]");
			return;
		}
		if (error == -ENOMEM)
			d->trouble = error;
		take_early(d, taking, true);
		forget(d, side);
		side->has_gap = true;
		side->skip = 0;
		side->next = seq;
	}
	if (!is_after(end, side->next)) {
		/* Seen before. */
		dissect_add_bytes(d, TCP_SEGMENT_DATA, taking->payload, 0, left);
		return;
	}
	left = side->next - seq;
	side->next = end;
	take(d, taking, left);
	take_early(d, taking, false);
}

static void close_side(struct sonde_dissector *d, struct taking *taking)
{
	struct stream_side *side = taking->side;

	take_early(d, taking, true);
	if (side->size && side->until_close)
		tell_kept(d, taking, side->size);
	forget(d, side);
}

/* Of what was there before, nothing is read again. */
static void take_as_it_is(struct sonde_dissector *d, const struct dissector *dissector,
			  uint32_t notes, const struct span *payload)
{
	if (!span_left(payload))
		return;
	if (dissector)
		dissect_call(d, dissector, payload);
	else if (notes & (TCP_NOTE_RETRANSMISSION | TCP_NOTE_KEEP_ALIVE))
		dissect_add_bytes(d, TCP_SEGMENT_DATA, payload, 0, span_left(payload));
	else if (!(notes & TCP_NOTE_OUT_OF_ORDER))
		dissect_rest(d, payload);
}

/* Of a segment that the capture cut: the messages that are whole, then what is left. */
static void take_cut(struct sonde_dissector *d, struct taking *taking, uint32_t notes)
{
	struct span rest = *taking->payload;

	while (span_left(&rest)) {
		ssize_t n = length_of(d, taking, span_bytes(&rest), span_left(&rest));
		struct span message;

		taking->side->hint = 0;
		if (n <= 0 || (size_t)n >= span_left(&rest))
			break;
		message = span_part(&rest, 0, (uint32_t)n);
		tell(d, taking, &message);
		rest = span_part(&rest, (uint32_t)n, UINT32_MAX);
	}
	d->is_behind_gap = taking->side->has_gap;
	take_as_it_is(d, taking->dissector, notes, &rest);
}

void tcp_stream_take(struct sonde_dissector *d, const struct tcp_segment *segment,
		     const struct tcp_seen *seen, const struct span *payload)
{
	struct conversation *flow = d->flow;
	bool is_end = segment->flags & (SONDE_TCP_FIN | SONDE_TCP_RST);
	struct taking taking = {.payload = payload};
	struct stream *stream;

	/* Only what waits for something has a stream. */
	if (!span_left(payload) && !flow->stream)
		return;
	d->is_behind_gap = true; /* but for what a stream puts in order */
	taking.dissector = application_find(d, span_bytes(payload), span_left(payload));
	if (!taking.dissector || !taking.dissector->pdu_length ||
	    segment->flags & SONDE_TCP_RST) {
		take_as_it_is(d, segment->flags & SONDE_TCP_RST ? NULL : taking.dissector,
			      seen->notes, payload);
		goto end;
	}
	stream = stream_store_get(&d->streams, &flow->stream);
	if (!stream) {
		take_as_it_is(d, taking.dissector, seen->notes, payload);
		return;
	}
	/* What this one acknowledges is what its receiver sent. */
	if (segment->flags & SONDE_TCP_ACK) {
		stream->side[d->is_forward].has_acked = true;
		stream->side[d->is_forward].acked = segment->ack;
	}
	taking.side = &stream->side[!d->is_forward];
	if (span_left(payload) < segment->length) {
		/* The capture cut it: what is missing is missing for good. */
		if (taking.side->size || taking.side->next != segment->seq)
			taking.side->has_gap = true;
		forget(d, taking.side);
		taking.side->has_next = true;
		taking.side->next = segment->seq + segment->length;
		take_cut(d, &taking, seen->notes);
		taking.side->has_gap = true;
	} else if (span_left(payload)) {
		take_segment(d, &taking, segment);
	}
	if (is_end)
		close_side(d, &taking);
end:
	if (is_end && flow->stream) {
		flow->closed |=
			segment->flags & SONDE_TCP_RST ? 3u : 1u << !d->is_forward;
		if (flow->closed == 3) {
			stream_store_release(&d->streams, flow->stream);
			flow->stream = 0;
		}
	}
}
