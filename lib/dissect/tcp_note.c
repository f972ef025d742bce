/* TCP segments judged; see tcp_note.h. */
#include "dissect/tcp_note.h"

#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "dissect/state.h"
#include "dissect/tcp_unacked.h"

enum {
	FAST_RETRANSMISSION_NS = 20 * 1000 * 1000,
	OUT_OF_ORDER_NS = 3 * 1000 * 1000, /* where the round trip is not known */
	IN_FLIGHT_MOST = 2000000000,
};

enum completeness {
	HAS_SYN = 0x01,
	HAS_SYN_ACK = 0x02,
	HAS_ACK = 0x04,
	HAS_DATA = 0x08,
	HAS_FIN = 0x10,
	HAS_RST = 0x20,
};

struct tcp_notes *tcp_notes_of(struct sonde_dissector *d, uint32_t stream)
{
	if (stream < d->note_count)
		return &d->tcp_notes[stream];
	if (stream >= LIMIT_DISSECT_NOTED)
		return NULL;
	if (array_reserve(&d->tcp_notes, &d->note_capacity, stream + 1u,
			  sizeof(*d->tcp_notes)) < 0) {
		d->trouble = -12;
		return NULL;
	}
	while (d->note_count <= stream) {
		struct tcp_notes *notes = &d->tcp_notes[d->note_count++];

		notes->side[0].scale = notes->side[1].scale = WINDOW_SCALE_UNKNOWN;
	}
	return &d->tcp_notes[stream];
}

bool tcp_notes_base(struct tcp_notes *notes, bool forward,
		    const struct tcp_segment *segment)
{
	struct tcp_side *own = &notes->side[!forward], *other = &notes->side[forward];
	bool is_answer = segment->flags & SONDE_TCP_SYN && segment->flags & SONDE_TCP_ACK;
	bool is_renewed = is_answer && own->has_base && own->base != segment->seq;

	if (!own->has_base || is_renewed) {
		own->has_base = true;
		own->base =
			segment->flags & SONDE_TCP_SYN ? segment->seq : segment->seq - 1;
	}
	if (!other->has_base && segment->flags & SONDE_TCP_ACK) {
		other->has_base = true;
		other->base = segment->ack - 1;
	}
	if (segment->flags & SONDE_TCP_SYN) {
		if (segment->scale >= 0)
			own->scale = segment->scale;
		/* Both must offer it (RFC 7323, 2.2). */
		if (segment->scale == WINDOW_SCALE_NONE &&
		    own->scale == WINDOW_SCALE_UNKNOWN)
			own->scale = other->scale = WINDOW_SCALE_NONE;
		else if (is_answer && other->scale == WINDOW_SCALE_NONE)
			own->scale = WINDOW_SCALE_NONE;
	}
	return is_renewed;
}

struct judged {
	const struct tcp_segment *segment;
	struct tcp_side *own, *other; /* what its sender said, what the receiver said */
	uint32_t end;                 /* the number after it */
	bool is_plain;                /* neither SYN, FIN nor RST */
};

/* Of what is under way, the receiver may have some behind a gap (RFC 2018).  It may as well
 * report what it had twice (RFC 2883); then more is reported than is under way, and nothing
 * is known. */
static uint32_t in_flight(const struct sonde_dissector *d, const struct judged *judged)
{
	const struct tcp_side *other = judged->other;
	uint32_t bytes = tcp_unacked_span(d, judged->own);

	for (unsigned i = 0; i < other->sack_count; i++)
		bytes -= other->sacks[i].right - other->sacks[i].left;
	return bytes < IN_FLIGHT_MOST ? bytes : 0;
}

/* ---- the notes ---- */

static bool is_repeated_ack(const struct judged *judged)
{
	return judged->segment->length == 0 && judged->is_plain && judged->own->has_ack &&
	       judged->own->has_next && judged->segment->seq == judged->own->next &&
	       judged->segment->ack == judged->own->last_ack;
}

/* That of a SYN is as it says (RFC 7323, 2.2). */
static uint32_t scaled_window(const struct tcp_side *side)
{
	return side->window << (side->scale > 0 && !side->has_syn_window ? side->scale
									 : 0);
}

static uint32_t judge_window(const struct judged *judged)
{
	const struct tcp_segment *segment = judged->segment;
	const struct tcp_side *other = judged->other;
	uint32_t notes = 0;

	if (segment->window == 0 && judged->is_plain)
		notes |= TCP_NOTE_ZERO_WINDOW;
	if (is_repeated_ack(judged) && segment->window && judged->own->has_window &&
	    segment->window != judged->own->window)
		notes |= TCP_NOTE_WINDOW_UPDATE;
	if (segment->length > 0 && judged->is_plain && other->has_window &&
	    other->has_ack && other->scale != WINDOW_SCALE_UNKNOWN &&
	    judged->end == other->last_ack + scaled_window(other))
		notes |= TCP_NOTE_WINDOW_FULL;
	return notes;
}

static uint32_t judge_ack(const struct judged *judged, struct tcp_seen *ret)
{
	const struct tcp_segment *segment = judged->segment;
	struct tcp_side *own = judged->own;
	const struct tcp_side *other = judged->other;
	bool is_same_window = own->has_window && segment->window == own->window;

	if (is_repeated_ack(judged) && is_same_window) {
		if (segment->window && other->last_notes & TCP_NOTE_KEEP_ALIVE)
			return TCP_NOTE_KEEP_ALIVE_ACK;
		if (!segment->window && other->last_notes & TCP_NOTE_ZERO_WINDOW_PROBE)
			return TCP_NOTE_ZERO_WINDOW_PROBE_ACK;
	}
	if (is_repeated_ack(judged) && segment->window &&
	    (is_same_window || segment->has_sack)) {
		own->dup_count++;
		own->has_told_gap = false;
		ret->dup_frame = own->dup_frame;
		ret->dup_number = own->dup_count;
		return TCP_NOTE_DUPLICATE_ACK;
	}
	return 0;
}

/* Neither data in between nor another window makes it another acknowledgement. */
static void count_from_here(const struct judged *judged)
{
	struct tcp_side *own = judged->own;

	if (!own->has_ack || judged->segment->ack != own->last_ack) {
		own->dup_frame = judged->segment->frame;
		own->dup_count = 0;
		own->has_told_gap = false;
	}
}

/* What is acknowledged was not seen.  Where bytes behind the gap were seen, all up to them
 * is taken for sent, so that the gap is told once.  Where none were, it is told once until
 * the gap's other side acknowledges something new, which shows that it goes on. */
static bool acks_unseen(const struct judged *judged, struct tcp_seen *ret)
{
	const struct tcp_segment *segment = judged->segment;
	struct tcp_side *other = judged->other;
	bool is_news = !other->dup_count && !other->has_told_gap;

	if (!(segment->flags & SONDE_TCP_ACK) || !other->has_next ||
	    !tcp_is_after(segment->ack, other->reached))
		return false;
	if (tcp_is_after(other->next, other->reached)) {
		other->reached = other->next;
		return true;
	}
	other->dup_count = 0;
	other->has_told_gap = true;
	ret->acks_unseen = true;
	return is_news;
}

/* All its bytes were acknowledged: if they were not seen before, then not all that was
 * sent is in the capture.  That a FIN was is not needed. */
static bool is_spurious(const struct judged *judged)
{
	const struct tcp_segment *segment = judged->segment;
	const struct tcp_side *other = judged->other;

	return segment->length && other->has_ack &&
	       !tcp_is_after(segment->seq + segment->length, other->last_ack);
}

/* Of a segment with bytes (or SYN, FIN) of which some were sent before. */
static uint32_t judge_repeated(const struct sonde_dissector *d,
			       const struct tcp_notes *notes, const struct judged *judged,
			       struct tcp_seen *ret)
{
	const struct tcp_segment *segment = judged->segment;
	const struct tcp_side *own = judged->own, *other = judged->other;
	int64_t since_ns = segment->at_ns - own->next_ns;
	int64_t original_ns;
	int64_t threshold_ns =
		notes->has_initial_rtt ? notes->initial_rtt_ns : OUT_OF_ORDER_NS;

	if (other->dup_count >= 2 && other->last_ack == segment->seq &&
	    segment->at_ns - other->last_ack_ns < FAST_RETRANSMISSION_NS)
		return TCP_NOTE_FAST_RETRANSMISSION | TCP_NOTE_RETRANSMISSION;
	if (since_ns < threshold_ns && own->next != judged->end)
		return TCP_NOTE_OUT_OF_ORDER;
	if (tcp_unacked_first(d, own, &ret->rto_frame, &original_ns)) {
		ret->rto_ns = segment->at_ns - original_ns;
	} else {
		ret->rto_frame = own->next_frame;
		ret->rto_ns = since_ns;
	}
	return TCP_NOTE_RETRANSMISSION;
}

static uint32_t judge_order(const struct sonde_dissector *d,
			    const struct tcp_notes *notes, const struct judged *judged,
			    struct tcp_seen *ret)
{
	const struct tcp_segment *segment = judged->segment;
	const struct tcp_side *own = judged->own;
	uint32_t found = 0;

	if (own->has_next) {
		if (tcp_is_after(segment->seq, own->next))
			found = segment->flags & SONDE_TCP_RST ? 0
							       : TCP_NOTE_LOST_SEGMENT;
		else if (segment->length <= 1 && segment->seq == own->next - 1 &&
			 judged->is_plain)
			return TCP_NOTE_KEEP_ALIVE;
	}
	if (is_spurious(judged))
		return found | TCP_NOTE_SPURIOUS_RETRANSMISSION | TCP_NOTE_RETRANSMISSION;
	if (!own->has_next || !tcp_is_before(segment->seq, own->next) ||
	    judged->end == segment->seq)
		return found;
	/* New bytes behind one that was, it seems, a probe of the window. */
	if (segment->length > 1 && segment->seq == own->next - 1)
		return 0;
	return judge_repeated(d, notes, judged, ret);
}

static uint32_t judge(const struct sonde_dissector *d, const struct tcp_notes *notes,
		      const struct judged *judged, struct tcp_seen *ret)
{
	const struct tcp_segment *segment = judged->segment;
	struct tcp_side *other = judged->other;
	uint32_t found;

	if (segment->length == 1 && judged->own->has_next &&
	    segment->seq == judged->own->next && other->has_window &&
	    other->window == 0) {
		found = TCP_NOTE_ZERO_WINDOW_PROBE;
	} else {
		found = judge_window(judged);
		if (!(found & TCP_NOTE_WINDOW_UPDATE))
			found |= judge_ack(judged, ret);
	}
	count_from_here(judged);
	if (acks_unseen(judged, ret))
		found |= TCP_NOTE_ACK_LOST_SEGMENT;
	return found | judge_order(d, notes, judged, ret);
}

static void keep(struct sonde_dissector *d, const struct judged *judged, uint32_t found)
{
	const struct tcp_segment *segment = judged->segment;
	struct tcp_side *own = judged->own;
	bool is_probe = found & (TCP_NOTE_KEEP_ALIVE | TCP_NOTE_ZERO_WINDOW_PROBE);
	bool is_first = !own->has_next;

	if (is_first || (tcp_is_after(judged->end, own->next) && !is_probe)) {
		own->has_next = true;
		own->next = judged->end;
		own->next_ns = segment->at_ns;
		own->next_frame = segment->frame;
	}
	/* Behind a gap nothing can be acknowledged, until it is filled. */
	if (is_first || segment->seq == own->reached)
		own->reached = own->next;
	own->window = segment->window;
	own->has_window = true;
	own->has_syn_window = segment->flags & SONDE_TCP_SYN;
	if (segment->flags & SONDE_TCP_ACK) {
		own->last_ack = segment->ack;
		own->last_ack_ns = segment->at_ns;
		own->has_ack = true;
	}
	own->sack_count = segment->sack_count;
	for (unsigned i = 0; i < segment->sack_count; i++)
		own->sacks[i] = segment->sacks[i];
	own->last_notes = (uint16_t)found;
	if (judged->end != segment->seq)
		tcp_unacked_keep(d, own, segment, judged->end);
}

static void follow_handshake(struct tcp_notes *notes, const struct tcp_segment *segment)
{
	uint8_t flags = segment->flags;

	if (flags & SONDE_TCP_SYN) {
		if (!(flags & SONDE_TCP_ACK)) {
			notes->has_syn = true;
			notes->syn_ns = segment->at_ns;
		}
	} else if (flags & SONDE_TCP_ACK && notes->has_syn && !notes->has_initial_rtt) {
		notes->has_initial_rtt = true;
		notes->initial_rtt_ns = segment->at_ns - notes->syn_ns;
	}
}

static void complete(struct tcp_notes *notes, const struct tcp_segment *segment,
		     bool is_first)
{
	uint8_t flags = segment->flags;

	/* A capture that begins with anything else than a SYN has not seen what that is a
	 * part of. */
	if (is_first && (flags & (SONDE_TCP_SYN | SONDE_TCP_ACK)) != SONDE_TCP_SYN)
		return;
	if (flags & SONDE_TCP_SYN)
		notes->completeness |= flags & SONDE_TCP_ACK ? HAS_SYN_ACK : HAS_SYN;
	else if (segment->length)
		notes->completeness |= HAS_DATA;
	else if (flags & SONDE_TCP_ACK)
		notes->completeness |= HAS_ACK;
	if (flags & SONDE_TCP_FIN)
		notes->completeness |= HAS_FIN;
	if (flags & SONDE_TCP_RST)
		notes->completeness |= HAS_RST;
}

/* A FIN has a number, but is no byte. */
static void count_bytes(const struct sonde_dissector *d, const struct judged *judged,
			struct tcp_seen *ret)
{
	const struct tcp_segment *segment = judged->segment;
	struct tcp_side *own = judged->own;
	uint32_t bytes;

	if (own->is_behind_gap)
		return;
	ret->is_counted = true;
	own->pushed += segment->length;
	bytes = in_flight(d, judged);
	if (bytes) {
		ret->bytes_in_flight =
			bytes - !!(segment->flags & (SONDE_TCP_SYN | SONDE_TCP_FIN));
		ret->push_bytes = own->pushed;
	}
	if (segment->flags & SONDE_TCP_PSH)
		own->pushed = 0;
}

void tcp_notes_add(struct sonde_dissector *d, struct tcp_notes *notes, bool forward,
		   const struct tcp_segment *segment, struct tcp_seen *ret)
{
	struct judged judged = {
		.segment = segment,
		.own = &notes->side[!forward],
		.other = &notes->side[forward],
		.is_plain = !(segment->flags &
			      (SONDE_TCP_SYN | SONDE_TCP_FIN | SONDE_TCP_RST)),
		.end = segment->seq + segment->length +
		       !!(segment->flags & (SONDE_TCP_SYN | SONDE_TCP_FIN)),
	};

	bool is_first = !judged.own->has_next && !judged.other->has_next;

	ret->completeness = notes->completeness;
	follow_handshake(notes, segment);
	ret->notes |= judge(d, notes, &judged, ret);
	keep(d, &judged, ret->notes);
	complete(notes, segment, is_first);
	/* Behind a gap in the capture nobody knows what is under way, until the next
	 * acknowledgement. */
	if (ret->notes & TCP_NOTE_LOST_SEGMENT)
		judged.own->is_behind_gap = true;
	if (segment->flags & SONDE_TCP_ACK) {
		judged.other->is_behind_gap = false;
		tcp_unacked_take(d, judged.other, segment->ack, segment->at_ns, ret);
	}
	if (segment->length)
		count_bytes(d, &judged, ret);
}
