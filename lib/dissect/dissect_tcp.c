/* TCP (RFC 9293): the header with numbers relative to the connection's, and the columns.
 * What a segment means beside others is tcp_note.c's, what it carries is
 * tcp_stream.c's. */
#include <string.h>

#include "dissect/dissect_tcp.h"
#include "dissect/checksum.h"
#include "dissect/number.h"
#include "dissect/state.h"

enum {
	HEADER_LEAST = 20,
	HEADER_TOLD = 16, /* all that columns tell of it */
};

static uint32_t be32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

bool tcp_notes_wanted(const struct sonde_dissector *d)
{
	unsigned base = d->bases[dissector_place(&dissector_tcp)];

	/* All but what the header alone tells, and the stream's number. */
	for (unsigned own = 0; own < TCP_FIELDS; own++) {
		unsigned number = base + own;

		if (!(d->wanted[number / 64] >> number % 64 & 1))
			continue;
		if (own == TCP_COMPLETENESS || own == TCP_SEQ || own == TCP_NEXT_SEQ ||
		    own == TCP_ACK || own == TCP_WINDOW || own == TCP_WINDOW_FACTOR ||
		    own == TCP_OPTION_SACK_LEFT || own == TCP_OPTION_SACK_RIGHT ||
		    (own >= TCP_ANALYSIS && own <= TCP_ANALYSIS_RTO_FRAME))
			return true;
	}
	return false;
}

bool tcp_options_wanted(const struct sonde_dissector *d)
{
	unsigned base = d->bases[dissector_place(&dissector_tcp)];

	for (unsigned own = TCP_OPTIONS; own <= TCP_OPTION_LENGTH_INVALID; own++) {
		unsigned number = base + own;

		if (d->wanted[number / 64] >> number % 64 & 1)
			return true;
	}
	return d->wants_columns;
}

bool tcp_segments_wanted(const struct sonde_dissector *d)
{
	unsigned base = d->bases[dissector_place(&dissector_tcp)];

	for (unsigned own = TCP_SEGMENT_DATA; own <= TCP_REASSEMBLED_DATA; own++) {
		unsigned number = base + own;

		if (d->wanted[number / 64] >> number % 64 & 1)
			return true;
	}
	return false;
}

/* ---- the stream ---- */

/* Ports that are used again begin a new one; so does a SYN with another number. */
static bool is_reuse(const struct conversation *flow, bool forward, uint8_t flags,
		     uint32_t seq)
{
	if ((flags & (SONDE_TCP_SYN | SONDE_TCP_ACK)) != SONDE_TCP_SYN)
		return false;
	return !(flow->has_syn[!forward] && flow->syn_seq[!forward] == seq);
}

struct conversation *tcp_flow_find(struct sonde_dissector *d, uint8_t flags, uint32_t seq,
				   bool *ret_reused)
{
	struct conversation *flow;

	flow = conversation_find(&d->tcp_flows, &d->src, &d->dst, &d->is_forward);
	if (!flow)
		return NULL;
	if (!d->is_quoted && flow->first_frame &&
	    is_reuse(flow, d->is_forward, flags, seq)) {
		*ret_reused = true;
		/* Nobody finds the old one again to close it. */
		if (flow->stream)
			stream_store_release(&d->streams, flow->stream);
		flow->stream = 0;
		flow = conversation_renew(&d->tcp_flows, &d->src, &d->dst);
		d->is_forward = true;
		if (!flow)
			return NULL;
	}
	if (!flow->first_frame) {
		flow->first_frame = d->frame_number;
		flow->first_ns = flow->last_ns = d->frame->at_ns;
	}
	if (d->is_quoted)
		return flow;
	if (flags & SONDE_TCP_SYN) {
		flow->has_start[!d->is_forward] = true;
		flow->start[!d->is_forward] = seq + 1;
	}
	if ((flags & (SONDE_TCP_SYN | SONDE_TCP_ACK)) == SONDE_TCP_SYN) {
		flow->has_syn[!d->is_forward] = true;
		flow->syn_seq[!d->is_forward] = seq;
	}
	if (!d->out->has_stream) {
		d->out->has_stream = d->out->stream_is_tcp = true;
		d->out->stream = flow->number;
	}
	return flow;
}

/* ---- fields ---- */

static void add_flags(struct sonde_dissector *d, const struct span *span)
{
	static const unsigned own[12] = {TCP_FLAG_RES,   TCP_FLAG_RES, TCP_FLAG_RES,
					 TCP_FLAG_AE,    TCP_FLAG_CWR, TCP_FLAG_ECE,
					 TCP_FLAG_URG,   TCP_FLAG_ACK, TCP_FLAG_PUSH,
					 TCP_FLAG_RESET, TCP_FLAG_SYN, TCP_FLAG_FIN};
	static const char letters[] = "RRRACEUAPRSF";
	const uint8_t *bytes = span_bytes(span);
	unsigned flags = (bytes[12] & 0x0fu) << 8 | bytes[13];
	struct sonde_field *field = dissect_add_number(d, TCP_FLAGS, span, 12, 2, flags);
	char text[24], words[48];
	size_t n = 0;

	if (field && d->wants_all) {
		sonde_packet_flag_words(bytes[13], words);
		dissect_set_label(d, field, "Flags: 0x%03x (%s)", flags, words);
	}
	dissect_nest(d);
	dissect_add_number(d, TCP_FLAG_RES, span, 12, 1, (flags & 0xe00) != 0);
	for (unsigned i = 3; i < 12; i++) {
		dissect_add_number(d, own[i], span, i < 4 ? 12 : 13, 1,
				   flags >> (11 - i) & 1);
		if (i < 10 || !(flags >> (11 - i) & 1))
			continue;
		dissect_nest(d);
		if (i == 11)
			dissect_add_note(d, TCP_CONNECTION_FIN);
		else
			dissect_add_note(d, flags & SONDE_TCP_ACK ? TCP_CONNECTION_SYN_ACK
								  : TCP_CONNECTION_SYN);
		dissect_unnest(d);
	}
	if (flags & SONDE_TCP_RST)
		dissect_add_note(d, TCP_CONNECTION_RST);
	if (dissect_wants(d, TCP_FLAGS_TEXT)) {
		char *kept;

		for (unsigned i = 0; i < 12; i++) {
			if (flags >> (11 - i) & 1) {
				text[n++] = letters[i];
			} else {
				text[n++] = (char)0xc2;
				text[n++] = (char)0xb7;
			}
		}
		kept = dissect_keep(d, n);
		if (kept)
			memcpy(kept, text, n);
		dissect_set_flags(
			dissect_add_text(d, TCP_FLAGS_TEXT, span, 12, 2, kept, n),
			SONDE_FIELD_GENERATED);
	}
	dissect_unnest(d);
}

static void add_window(struct sonde_dissector *d, const struct span *span,
		       const struct tcp_segment *segment, int8_t scale)
{
	struct sonde_field *field;

	dissect_add_be(d, TCP_WINDOW_VALUE, span, 14, 2);
	field = dissect_add_number(d, TCP_WINDOW, span, 14, 2,
				   segment->window << (scale > 0 ? scale : 0));
	dissect_set_flags(field, SONDE_FIELD_GENERATED);
	if (segment->flags & SONDE_TCP_SYN)
		return;
	field = dissect_add_integer(d, TCP_WINDOW_FACTOR, span, 14, 2,
				    scale < 0 ? scale : 1 << scale);
	dissect_set_flags(field, SONDE_FIELD_GENERATED);
}

static void add_duration(struct sonde_dissector *d, unsigned own, int64_t ns)
{
	struct span none = {.bytes = d->frame->bytes};

	dissect_set_flags(dissect_add_integer(d, own, &none, 0, 0, ns),
			  SONDE_FIELD_GENERATED);
}

static void add_times(struct sonde_dissector *d, struct conversation *flow)
{
	if (d->frame->at_ns == INT64_MIN)
		return;
	add_duration(d, TCP_TIME_RELATIVE, d->frame->at_ns - flow->first_ns);
	add_duration(d, TCP_TIME_DELTA, d->frame->at_ns - flow->last_ns);
}

static void add_analysis(struct sonde_dissector *d, const struct tcp_notes *notes,
			 const struct tcp_seen *seen)
{
	bool has_any =
		seen->notes || seen->acks_frame || seen->is_counted || seen->acks_unseen;

	if (!has_any)
		return;
	dissect_add_note(d, TCP_ANALYSIS);
	dissect_nest(d);
	if (seen->acks_frame) {
		dissect_add_made(d, TCP_ANALYSIS_ACKS_FRAME, seen->acks_frame);
		add_duration(d, TCP_ANALYSIS_ACK_RTT, seen->ack_rtt_ns);
	}
	if (notes->has_initial_rtt)
		add_duration(d, TCP_ANALYSIS_INITIAL_RTT, notes->initial_rtt_ns);
	if (seen->bytes_in_flight)
		dissect_add_made(d, TCP_ANALYSIS_IN_FLIGHT, seen->bytes_in_flight);
	if (seen->push_bytes)
		dissect_add_made(d, TCP_ANALYSIS_PUSH, seen->push_bytes);
	if (seen->notes) {
		dissect_add_note(d, TCP_ANALYSIS_FLAGS);
		dissect_nest(d);
		for (unsigned i = 0; i < TCP_NOTES; i++)
			if (seen->notes & 1u << i)
				dissect_add_note(d, TCP_ANALYSIS_REUSED + i);
		dissect_unnest(d);
	}
	if (seen->notes & TCP_NOTE_DUPLICATE_ACK) {
		dissect_add_made(d, TCP_ANALYSIS_DUPLICATE_NUMBER, seen->dup_number);
		dissect_add_made(d, TCP_ANALYSIS_DUPLICATE_FRAME, seen->dup_frame);
	}
	if (seen->rto_frame) {
		add_duration(d, TCP_ANALYSIS_RTO, seen->rto_ns);
		dissect_add_made(d, TCP_ANALYSIS_RTO_FRAME, seen->rto_frame);
	}
	dissect_unnest(d);
}

/* ---- the whole ---- */

static void add_fields(struct sonde_dissector *d, const struct span *span,
		       const struct tcp_segment *segment, const struct tcp_notes *notes,
		       uint8_t completeness, uint32_t header_length, int8_t scale)
{
	uint32_t base = notes ? notes->side[!d->is_forward].base : 0;
	uint32_t other_base = notes ? notes->side[d->is_forward].base : 0;
	uint32_t end = segment->seq + segment->length +
		       !!(segment->flags & (SONDE_TCP_SYN | SONDE_TCP_FIN));
	bool has_ack = segment->flags & SONDE_TCP_ACK;
	bool has_length = !d->is_quoted && span_length(span) >= header_length;

	dissect_add_be(d, TCP_SOURCE_PORT, span, 0, 2);
	dissect_add_be(d, TCP_DESTINATION_PORT, span, 2, 2);
	dissect_set_flags(dissect_add_be(d, TCP_PORT, span, 0, 2), SONDE_FIELD_HIDDEN);
	dissect_set_flags(dissect_add_be(d, TCP_PORT, span, 2, 2), SONDE_FIELD_HIDDEN);
	if (d->flow)
		dissect_add_made(d, TCP_STREAM, d->flow->number);
	if (notes)
		dissect_add_made(d, TCP_COMPLETENESS,
				 d->is_quoted ? notes->completeness : completeness);
	if (has_length)
		dissect_set_flags(
			dissect_add_number(d, TCP_LENGTH, span, 12, 1, segment->length),
			SONDE_FIELD_GENERATED);
	dissect_add_number(d, TCP_SEQ, span, 4, 4, segment->seq - base);
	dissect_add_be(d, TCP_SEQ_RAW, span, 4, 4);
	if (header_length < HEADER_LEAST) {
		dissect_add_number(d, TCP_HEADER_LENGTH, span, 12, 1, header_length);
		dissect_add_note(d, TCP_BOGUS_HEADER);
		return;
	}
	if (has_length)
		dissect_add_made(d, TCP_NEXT_SEQ, end - base);
	dissect_add_number(d, TCP_ACK, span, 8, 4,
			   has_ack ? segment->ack - other_base : segment->ack);
	dissect_add_be(d, TCP_ACK_RAW, span, 8, 4);
	dissect_set_label(
		d, dissect_add_number(d, TCP_HEADER_LENGTH, span, 12, 1, header_length),
		"Header Length: %u bytes (%u)", header_length, header_length / 4);
	add_flags(d, span);
	add_window(d, span, segment, scale);
	dissect_add_be(d, TCP_CHECKSUM, span, 16, 2);
	dissect_set_flags(dissect_add_number(d, TCP_CHECKSUM_STATUS, span, 16, 0,
					     CHECKSUM_UNVERIFIED),
			  SONDE_FIELD_GENERATED);
	dissect_add_be(d, TCP_URGENT, span, 18, 2);
}

static void read_segment(const struct sonde_dissector *d, const struct span *span,
			 uint32_t header_length, struct tcp_segment *ret)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t there =
		header_length < span_left(span) ? header_length : span_left(span);
	struct tcp_options options;

	/* Of the array only what is there is read, here and elsewhere. */
	tcp_options_read(bytes + HEADER_LEAST,
			 there > HEADER_LEAST ? there - HEADER_LEAST : 0, &options);
	ret->seq = be32(bytes + 4);
	ret->ack = be32(bytes + 8);
	ret->length =
		span_length(span) > header_length ? span_length(span) - header_length : 0;
	ret->flags = bytes[13];
	ret->window = (uint32_t)(bytes[14] << 8 | bytes[15]);
	ret->scale = options.scale >= 0      ? options.scale
		     : there < header_length ? WINDOW_SCALE_UNKNOWN
					     : WINDOW_SCALE_NONE;
	ret->has_sack = options.has_sack;
	ret->sack_count = options.sack_count;
	ret->frame = d->frame_number;
	ret->at_ns = d->frame->at_ns;
	for (unsigned i = 0; i < options.sack_count; i++)
		ret->sacks[i] = options.sacks[i];
}

/* Of a header that is not one, or not all there: as far as it can be told. */
static void dissect_odd(struct sonde_dissector *d, const struct span *span,
			uint32_t header_length)
{
	struct tcp_notes *notes = NULL;
	struct tcp_segment segment;
	struct tcp_seen seen = {0};
	bool is_bogus = header_length < HEADER_LEAST, is_reused = false;
	bool has_length = span_length(span) >= header_length;
	int8_t scale = WINDOW_SCALE_UNKNOWN;

	dissect_open(d, span, span_left(span));
	read_segment(d, span, header_length, &segment);
	segment.scale = WINDOW_SCALE_UNKNOWN;
	d->flow = tcp_flow_find(d, segment.flags, segment.seq, &is_reused);
	if (d->flow && d->wants_tcp_notes && !d->is_quoted && has_length)
		notes = tcp_notes_of(d, d->flow->number);
	if (notes) {
		tcp_notes_base(notes, d->is_forward, &segment);
		tcp_notes_add(d, notes, d->is_forward, &segment, &seen);
	}
	if (notes && !(segment.flags & SONDE_TCP_SYN))
		scale = notes->side[!d->is_forward].scale;
	if (dissect_wants_own(d))
		add_fields(d, span, &segment, notes, seen.completeness, header_length,
			   scale);
	if (!has_length && !d->is_quoted)
		dissect_add_note(d, TCP_SHORT);
	if (dissect_wants_columns(d) && !d->is_quoted)
		tcp_describe(d, &segment, NULL, notes, scale, 0);
	if (d->flow && !d->is_quoted)
		d->flow->last_ns = d->frame->at_ns;
	if (is_bogus) {
		column_add_pair(dissect_info(d), ", bogus TCP header length (",
				header_length);
		column_add(dissect_info(d), ", must be at least 20)");
	} else if (!d->is_quoted) {
		dissect_set_short(d);
	}
}

/* The segment; of its header the options may be cut. */
static void dissect_segment(struct sonde_dissector *d, const struct span *span,
			    uint32_t header_length, struct sonde_field **layer)
{
	struct tcp_notes *notes = NULL;
	struct tcp_segment segment;
	struct tcp_seen seen = {0};
	struct span options, payload;
	bool is_reused = false;
	int8_t scale = WINDOW_SCALE_UNKNOWN;

	read_segment(d, span, header_length, &segment);
	d->flow = tcp_flow_find(d, segment.flags, segment.seq, &is_reused);
	if (d->flow && d->wants_tcp_notes)
		notes = tcp_notes_of(d, d->flow->number);
	if (notes && !d->is_quoted) {
		if (tcp_notes_base(notes, d->is_forward, &segment) || is_reused)
			seen.notes |= TCP_NOTE_REUSED_PORTS;
		tcp_notes_add(d, notes, d->is_forward, &segment, &seen);
		if (is_reused) /* the SYN tells that it is a new one */
			seen.completeness = notes->completeness;
	}
	if (notes && !(segment.flags & SONDE_TCP_SYN))
		scale = notes->side[!d->is_forward].scale;
	if (d->wants_all)
		dissect_set_label(
			d, *layer,
			"Transmission Control Protocol, Src Port: %u, Dst Port: %u, "
			"Seq: %u, Ack: %u, Len: %u",
			d->src.port, d->dst.port,
			segment.seq - (notes ? notes->side[!d->is_forward].base : 0),
			segment.flags & SONDE_TCP_ACK
				? segment.ack -
					  (notes ? notes->side[d->is_forward].base : 0)
				: 0,
			segment.length);
	if (dissect_wants_own(d))
		add_fields(d, span, &segment, notes, seen.completeness, header_length,
			   scale);
	if (dissect_wants_columns(d) && !d->is_quoted)
		tcp_describe(
			d, &segment, &seen, notes, scale,
			(uint32_t)(span_bytes(span)[18] << 8 | span_bytes(span)[19]));
	options = span_part(span, HEADER_LEAST, header_length - HEADER_LEAST);
	if (d->wants_tcp_options)
		tcp_options_add(d, &options, notes ? notes->side[d->is_forward].base : 0);
	if (d->flow && dissect_wants_own(d))
		add_times(d, d->flow);
	if (notes && !d->is_quoted && dissect_wants_own(d))
		add_analysis(d, notes, &seen);
	if (d->flow && !d->is_quoted)
		d->flow->last_ns = d->frame->at_ns;
	payload = span_part(span, header_length, UINT32_MAX);
	if (span_left(&payload) && !d->is_quoted && dissect_wants_own(d))
		dissect_add_bytes(d, TCP_PAYLOAD, &payload, 0, span_left(&payload));
	if (d->wants_applications && d->flow && !d->is_quoted)
		tcp_stream_take(d, &segment, &seen, &payload);
}

/* Of a header that was cut, or that an ICMP error quotes: what is there. */
static void dissect_part(struct sonde_dissector *d, const struct span *span)
{
	dissect_add_be(d, TCP_SOURCE_PORT, span, 0, 2);
	dissect_add_be(d, TCP_DESTINATION_PORT, span, 2, 2);
	dissect_set_flags(dissect_add_be(d, TCP_PORT, span, 0, 2), SONDE_FIELD_HIDDEN);
	dissect_set_flags(dissect_add_be(d, TCP_PORT, span, 2, 2), SONDE_FIELD_HIDDEN);
	if (d->is_quoted)
		d->flow = conversation_find(&d->tcp_flows, &d->src, &d->dst,
					    &d->is_forward);
	if (d->is_quoted && d->flow)
		dissect_add_made(d, TCP_STREAM, d->flow->number);
	dissect_add_be(d, TCP_SEQ_RAW, span, 4, 4);
	dissect_add_be(d, TCP_ACK_RAW, span, 8, 4);
	if (!d->is_quoted)
		dissect_set_short(d);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t left = span_left(span), header_length;
	struct sonde_field *layer;

	if (span_length(span) == 0 && d->src.family == SONDE_FAMILY_INET)
		return;
	if (left < 4) {
		dissect_open(d, span, left);
		dissect_set_short(d);
		return;
	}
	dissect_set_column(d, "TCP");
	d->src.port = (uint16_t)(bytes[0] << 8 | bytes[1]);
	d->dst.port = (uint16_t)(bytes[2] << 8 | bytes[3]);
	d->is_tcp = true;
	if (left < HEADER_TOLD || (left < HEADER_LEAST && d->is_quoted)) {
		layer = dissect_open(d, span, left);
		dissect_set_label(
			d, layer,
			"Transmission Control Protocol, Src Port: %u, Dst Port: %u",
			d->src.port, d->dst.port);
		dissect_part(d, span);
		if (!d->is_quoted) {
			column_add_number(dissect_info(d), d->src.port);
			column_add(dissect_info(d), " → ");
			column_add_number(dissect_info(d), d->dst.port);
		}
		return;
	}
	header_length = (bytes[12] >> 4) * 4u;
	if (header_length > left && d->is_quoted) {
		dissect_open(d, span, left);
		dissect_part(d, span);
		return;
	}
	if (header_length < HEADER_LEAST || header_length > span_length(span) ||
	    left < HEADER_LEAST) {
		dissect_odd(d, span, header_length);
		return;
	}
	layer = dissect_open(d, span, header_length);
	dissect_segment(d, span, header_length, &layer);
	if (header_length > left)
		dissect_set_short(d);
}

const struct dissector dissector_tcp = {
	.name = "tcp",
	.column = "TCP",
	.fields = tcp_fields,
	.field_count = TCP_FIELDS,
	.dissect = dissect,
};
