/* One conversation's bytes in their order.
 *
 * Each direction knows the number of the byte that comes next.  What came before is cut
 * off (a retransmission, a keep-alive's byte), what comes too early waits in a list that is
 * sorted by number.  A gap is given up when the other end acknowledges more than was seen
 * (the capture missed it, the peer did not), when too much waits, and at the end.  Numbers
 * are compared by their difference, so that they may wrap. */
#include <sonde/follow.h>

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

struct held {
	struct held *next;
	uint32_t seq, frame;
	int64_t at_ns;
	/* What the segment claimed, of which so many bytes were captured. */
	uint32_t length, captured;
	uint8_t bytes[];
};

struct side {
	struct sonde_address address;
	bool has_next;
	uint32_t next;
	struct held *held; /* sorted; none of it begins at or before `next` */
	size_t held_bytes;
};

enum own_field {
	FIELD_STREAM = 0,
	FIELD_SRCPORT,
	FIELD_DSTPORT,
	FIELD_SEQ,
	FIELD_ACK,
	FIELD_FLAGS,
	FIELD_LENGTH,
	FIELD_PAYLOAD,
	FIELD_ICMP,
	FIELD_ICMPV6,
	OWN_FIELDS,
};

static const char *const tcp_names[OWN_FIELDS] = {
	[FIELD_STREAM] = "tcp.stream",   [FIELD_SRCPORT] = "tcp.srcport",
	[FIELD_DSTPORT] = "tcp.dstport", [FIELD_SEQ] = "tcp.seq_raw",
	[FIELD_ACK] = "tcp.ack_raw",     [FIELD_FLAGS] = "tcp.flags",
	[FIELD_LENGTH] = "tcp.len",      [FIELD_PAYLOAD] = "tcp.payload",
	[FIELD_ICMP] = "icmp",           [FIELD_ICMPV6] = "icmpv6",
};

static const char *const udp_names[OWN_FIELDS] = {
	[FIELD_STREAM] = "udp.stream",   [FIELD_SRCPORT] = "udp.srcport",
	[FIELD_DSTPORT] = "udp.dstport", [FIELD_LENGTH] = "udp.length",
	[FIELD_PAYLOAD] = "udp.payload", [FIELD_ICMP] = "icmp",
	[FIELD_ICMPV6] = "icmpv6",
};

struct sonde_follow {
	bool is_tcp, has_ends;
	uint32_t stream, streams;
	sonde_follow_take *take;
	void *context;
	int fields[OWN_FIELDS]; /* numbers; negative none */
	struct side sides[2];
};

/* What a frame of the stream says. */
struct segment {
	uint32_t seq, ack, length;
	uint8_t flags;
	const uint8_t *bytes;
	uint32_t captured;
	uint32_t frame;
	int64_t at_ns;
};

int sonde_follow_new(bool is_tcp, uint32_t stream, sonde_follow_take *take, void *context,
		     struct sonde_follow **ret)
{
	struct sonde_follow *follow = array_new(1, sizeof(*follow));
	const char *const *names = is_tcp ? tcp_names : udp_names;

	if (!follow)
		return -ENOMEM;
	follow->is_tcp = is_tcp;
	follow->stream = stream;
	follow->take = take;
	follow->context = context;
	for (int i = 0; i < OWN_FIELDS; i++)
		follow->fields[i] =
			names[i] ? sonde_field_find(names[i], strlen(names[i])) : -1;
	*ret = follow;
	return 0;
}

static void drop_first(struct side *side)
{
	struct held *held = side->held;

	side->held = held->next;
	side->held_bytes -= sizeof(*held) + held->captured;
	array_free(held);
}

void sonde_follow_free(struct sonde_follow *follow)
{
	if (!follow)
		return;
	for (int i = 0; i < 2; i++) {
		while (follow->sides[i].held)
			drop_first(&follow->sides[i]);
	}
	array_free(follow);
}

int sonde_follow_want(const struct sonde_follow *follow,
		      struct sonde_dissector *dissector)
{
	int r = 0;

	for (int i = 0; r == 0 && i < OWN_FIELDS; i++) {
		if (follow->fields[i] >= 0)
			r = sonde_dissector_want(dissector, (uint16_t)follow->fields[i]);
	}
	sonde_dissector_want_headers(dissector);
	sonde_dissector_only_stream(dissector, follow->is_tcp, follow->stream);
	return r;
}

/* ---- what is given ---- */

static int give(struct sonde_follow *follow, const struct side *side,
		const struct sonde_follow_piece *from)
{
	struct sonde_follow_piece piece = *from;

	piece.is_b = side == &follow->sides[1];
	return follow->take(follow->context, &piece);
}

static int give_gap(struct sonde_follow *follow, const struct side *side,
		    uint64_t missing, uint32_t frame, int64_t at_ns)
{
	struct sonde_follow_piece gap = {
		.missing = missing, .frame = frame, .at_ns = at_ns};

	return missing > 0 ? give(follow, side, &gap) : 0;
}

/* The segment's bytes from `next` on, which lies within it or at its start. */
static int give_segment(struct sonde_follow *follow, struct side *side,
			const struct segment *segment)
{
	uint32_t old = side->next - segment->seq;
	struct sonde_follow_piece piece = {
		.bytes = segment->bytes,
		.frame = segment->frame,
		.at_ns = segment->at_ns,
	};
	int r = 0;

	if (old >= segment->length)
		return 0;
	side->next = segment->seq + segment->length;
	if (old < segment->captured) {
		piece.bytes += old;
		piece.size = segment->captured - old;
		old = segment->captured;
		r = give(follow, side, &piece);
	}
	/* The capture kept the beginning only. */
	if (r == 0)
		r = give_gap(follow, side, segment->length - old, segment->frame,
			     segment->at_ns);
	return r;
}

/* What waited and is next now. */
static int give_held(struct sonde_follow *follow, struct side *side)
{
	int r = 0;

	while (r == 0 && side->held && (int32_t)(side->held->seq - side->next) <= 0) {
		const struct held *held = side->held;
		struct segment segment = {
			.seq = held->seq,
			.length = held->length,
			.bytes = held->bytes,
			.captured = held->captured,
			.frame = held->frame,
			.at_ns = held->at_ns,
		};

		if ((int32_t)(held->seq + held->length - side->next) > 0)
			r = give_segment(follow, side, &segment);
		drop_first(side);
	}
	return r;
}

/* Goes on behind the first gap. */
static int give_up_gap(struct sonde_follow *follow, struct side *side)
{
	const struct held *held = side->held;
	uint32_t missing = held->seq - side->next;
	int r;

	side->next = held->seq;
	r = give_gap(follow, side, missing, held->frame, held->at_ns);
	return r == 0 ? give_held(follow, side) : r;
}

/* ---- what comes ---- */

static int hold(struct sonde_follow *follow, struct side *side,
		const struct segment *segment)
{
	struct held **at = &side->held;
	struct held *held = array_new(1, sizeof(*held) + segment->captured);
	int r = 0;

	if (!held)
		return -ENOMEM;
	held->seq = segment->seq;
	held->length = segment->length;
	held->captured = segment->captured;
	held->frame = segment->frame;
	held->at_ns = segment->at_ns;
	if (segment->captured > 0)
		memcpy(held->bytes, segment->bytes, segment->captured);
	while (*at && (int32_t)((*at)->seq - segment->seq) <= 0)
		at = &(*at)->next;
	held->next = *at;
	*at = held;
	side->held_bytes += sizeof(*held) + held->captured;
	while (r == 0 && side->held && side->held_bytes > LIMIT_FOLLOW_HELD)
		r = give_up_gap(follow, side);
	return r;
}

/* The other end has all bytes before `ack`. */
static int take_ack(struct sonde_follow *follow, struct side *side, uint32_t ack)
{
	int r = 0;

	while (r == 0 && side->held && (int32_t)(ack - side->next) > 0 &&
	       (int32_t)(ack - side->held->seq) > 0)
		r = give_up_gap(follow, side);
	return r;
}

static int take_segment(struct sonde_follow *follow, struct side *side,
			struct segment *segment)
{
	int r;

	if (segment->flags & SONDE_TCP_SYN) {
		segment->seq++;
		/* A handshake that is repeated has the same number. */
		if (!side->has_next)
			side->next = segment->seq;
		side->has_next = true;
	}
	if (!side->has_next) {
		side->next = segment->seq;
		side->has_next = true;
	}
	if (segment->length == 0)
		return 0;
	if ((int32_t)(segment->seq - side->next) > 0)
		return hold(follow, side, segment);
	if ((int32_t)(segment->seq + segment->length - side->next) <= 0)
		return 0;
	r = give_segment(follow, side, segment);
	return r == 0 ? give_held(follow, side) : r;
}

/* The fields of the frame's own packet; a quoted one's stand behind icmp. */
static void look(const struct sonde_follow *follow,
		 const struct sonde_dissection *dissection,
		 const struct sonde_field *ret[OWN_FIELDS])
{
	memset(ret, 0, OWN_FIELDS * sizeof(ret[0]));
	for (size_t i = 0; i < dissection->field_count; i++) {
		const struct sonde_field *field = &dissection->fields[i];

		for (int k = 0; k < OWN_FIELDS; k++) {
			if (follow->fields[k] == field->field && !ret[k])
				ret[k] = field;
		}
		if (ret[FIELD_ICMP] || ret[FIELD_ICMPV6])
			return;
	}
}

static uint32_t number_of(const struct sonde_field *field)
{
	return field ? (uint32_t)field->value.number : 0;
}

static struct side *find_side(struct sonde_follow *follow,
			      const struct sonde_dissection *dissection,
			      const struct sonde_field *const fields[OWN_FIELDS])
{
	struct sonde_address src = dissection->decoded.src, dst = dissection->decoded.dst;

	src.port = (uint16_t)number_of(fields[FIELD_SRCPORT]);
	dst.port = (uint16_t)number_of(fields[FIELD_DSTPORT]);
	if (!follow->has_ends) {
		follow->sides[0].address = src;
		follow->sides[1].address = dst;
		follow->has_ends = true;
	}
	return &follow->sides[!sonde_address_equal(&follow->sides[0].address, &src)];
}

static int take_datagram(struct sonde_follow *follow, struct side *side,
			 const struct segment *segment)
{
	struct sonde_follow_piece piece = {
		.bytes = segment->bytes,
		.size = segment->captured,
		.frame = segment->frame,
		.at_ns = segment->at_ns,
	};
	int r = give(follow, side, &piece);

	if (r == 0 && segment->length > segment->captured)
		r = give_gap(follow, side, segment->length - segment->captured,
			     segment->frame, segment->at_ns);
	return r;
}

int sonde_follow_add(struct sonde_follow *follow, const struct sonde_frame *frame,
		     const struct sonde_dissection *dissection)
{
	const struct sonde_field *fields[OWN_FIELDS];
	struct segment segment = {.frame = frame->number, .at_ns = frame->at_ns};
	struct side *side;
	int r = 0;

	if (dissection->has_stream && dissection->stream >= follow->streams &&
	    dissection->stream_is_tcp == follow->is_tcp)
		follow->streams = dissection->stream + 1;
	if (dissection->field_count == 0)
		return 0;
	look(follow, dissection, fields);
	if (!fields[FIELD_STREAM] || number_of(fields[FIELD_STREAM]) != follow->stream)
		return 0;
	side = find_side(follow, dissection, fields);
	segment.length = number_of(fields[FIELD_LENGTH]);
	if (fields[FIELD_PAYLOAD]) {
		segment.bytes = fields[FIELD_PAYLOAD]->value.data.bytes;
		segment.captured = fields[FIELD_PAYLOAD]->value.data.size;
	}
	if (!follow->is_tcp) {
		segment.length = segment.length >= 8 ? segment.length - 8 : 0;
		return take_datagram(follow, side, &segment);
	}
	if (segment.captured > segment.length)
		segment.captured = segment.length;
	segment.seq = number_of(fields[FIELD_SEQ]);
	segment.flags = (uint8_t)number_of(fields[FIELD_FLAGS]);
	if (segment.flags & SONDE_TCP_ACK)
		r = take_ack(follow, &follow->sides[side == &follow->sides[0]],
			     number_of(fields[FIELD_ACK]));
	return r == 0 ? take_segment(follow, side, &segment) : r;
}

int sonde_follow_end(struct sonde_follow *follow)
{
	int r = 0;

	for (int i = 0; i < 2; i++) {
		while (r == 0 && follow->sides[i].held)
			r = give_up_gap(follow, &follow->sides[i]);
	}
	return r;
}

bool sonde_follow_ends(const struct sonde_follow *follow, struct sonde_address *ret_a,
		       struct sonde_address *ret_b)
{
	*ret_a = follow->sides[0].address;
	*ret_b = follow->sides[1].address;
	return follow->has_ends;
}

uint32_t sonde_follow_streams(const struct sonde_follow *follow)
{
	return follow->streams;
}
