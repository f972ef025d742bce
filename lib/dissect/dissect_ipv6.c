/* IPv6 (RFC 8200) with its extension headers, and its fragments put together. */
#include <errno.h>
#include <string.h>

#include "dissect/number.h"
#include "dissect/state.h"

enum {
	IPV6,
	VERSION,
	TRAFFIC_CLASS,
	DSCP,
	ECN,
	FLOW_LABEL,
	PAYLOAD_LENGTH,
	NEXT,
	HOP_LIMIT,
	SOURCE,
	SOURCE_HOST,
	DESTINATION,
	DESTINATION_HOST,
	ADDRESS,
	HOST,
	HOPOPTS,
	HOPOPTS_NEXT,
	HOPOPTS_LENGTH,
	HOPOPTS_OCTETS,
	DSTOPTS,
	DSTOPTS_NEXT,
	DSTOPTS_LENGTH,
	DSTOPTS_OCTETS,
	OPTION_TYPE,
	OPTION_LENGTH,
	OPTION_JUMBO,
	ROUTING,
	ROUTING_NEXT,
	ROUTING_LENGTH,
	ROUTING_OCTETS,
	ROUTING_TYPE,
	ROUTING_LEFT,
	FRAGHDR,
	FRAGHDR_NEXT,
	FRAGHDR_RESERVED,
	FRAGHDR_OFFSET,
	FRAGHDR_RESERVED_BITS,
	FRAGHDR_MORE,
	FRAGHDR_IDENT,
	FRAGMENTS,
	FRAGMENT,
	FRAGMENT_COUNT,
	FRAGMENT_OVERLAP,
	FRAGMENT_CONFLICT,
	FRAGMENT_TAILS,
	FRAGMENT_TOO_LONG,
	REASSEMBLED_LENGTH,
};

enum {
	HEADER_LENGTH = 40,
	FRAGMENT_HEADER = 8,
	OPTION_PAD1 = 0,
	OPTION_JUMBOGRAM = 0xc2
};

static const struct sonde_field_info fields[] = {
	[IPV6] = FIELD("ipv6", "Internet Protocol Version 6", PROTOCOL),
	[VERSION] = NUMBER("ipv6.version", "Version", 8, DECIMAL, NULL),
	[TRAFFIC_CLASS] = NUMBER("ipv6.tclass", "Traffic Class", 32, HEX, NULL),
	[DSCP] = NUMBER("ipv6.tclass.dscp", "Differentiated Services Codepoint", 32,
			DECIMAL, NULL),
	[ECN] = NUMBER("ipv6.tclass.ecn", "Explicit Congestion Notification", 32, DECIMAL,
		       NULL),
	[FLOW_LABEL] = NUMBER("ipv6.flow", "Flow Label", 24, HEX, NULL),
	[PAYLOAD_LENGTH] = NUMBER("ipv6.plen", "Payload Length", 16, DECIMAL, NULL),
	[NEXT] = NUMBER("ipv6.nxt", "Next Header", 8, DECIMAL, dissect_ip_protocols),
	[HOP_LIMIT] = NUMBER("ipv6.hlim", "Hop Limit", 8, DECIMAL, NULL),
	[SOURCE] = FIELD("ipv6.src", "Source Address", IPV6),
	[SOURCE_HOST] = FIELD("ipv6.src_host", "Source Host", TEXT),
	[DESTINATION] = FIELD("ipv6.dst", "Destination Address", IPV6),
	[DESTINATION_HOST] = FIELD("ipv6.dst_host", "Destination Host", TEXT),
	[ADDRESS] = FIELD("ipv6.addr", "Source or Destination Address", IPV6),
	[HOST] = FIELD("ipv6.host", "Source or Destination Host", TEXT),
	[HOPOPTS] = FIELD("ipv6.hopopts", "IPv6 Hop-by-Hop Option", PROTOCOL),
	[HOPOPTS_NEXT] = NUMBER("ipv6.hopopts.nxt", "Next Header", 8, DECIMAL,
				dissect_ip_protocols),
	[HOPOPTS_LENGTH] = NUMBER("ipv6.hopopts.len", "Length", 8, DECIMAL, NULL),
	[HOPOPTS_OCTETS] = NUMBER("ipv6.hopopts.len_oct", "Length", 16, DECIMAL, NULL),
	[DSTOPTS] = FIELD("ipv6.dstopts", "Destination Options for IPv6", PROTOCOL),
	[DSTOPTS_NEXT] = NUMBER("ipv6.dstopts.nxt", "Next Header", 8, DECIMAL,
				dissect_ip_protocols),
	[DSTOPTS_LENGTH] = NUMBER("ipv6.dstopts.len", "Length", 8, DECIMAL, NULL),
	[DSTOPTS_OCTETS] = NUMBER("ipv6.dstopts.len_oct", "Length", 16, DECIMAL, NULL),
	[OPTION_TYPE] = NUMBER("ipv6.opt.type", "Type", 8, HEX, NULL),
	[OPTION_LENGTH] = NUMBER("ipv6.opt.length", "Length", 8, DECIMAL, NULL),
	[OPTION_JUMBO] = NUMBER("ipv6.opt.jumbo", "Payload Length", 32, DECIMAL, NULL),
	[ROUTING] = FIELD("ipv6.routing", "Routing Header for IPv6", PROTOCOL),
	[ROUTING_NEXT] = NUMBER("ipv6.routing.nxt", "Next Header", 8, DECIMAL,
				dissect_ip_protocols),
	[ROUTING_LENGTH] = NUMBER("ipv6.routing.len", "Length", 8, DECIMAL, NULL),
	[ROUTING_OCTETS] = NUMBER("ipv6.routing.len_oct", "Length", 16, DECIMAL, NULL),
	[ROUTING_TYPE] = NUMBER("ipv6.routing.type", "Type", 8, DECIMAL, NULL),
	[ROUTING_LEFT] =
		NUMBER("ipv6.routing.segleft", "Segments Left", 8, DECIMAL, NULL),
	[FRAGHDR] = FIELD("ipv6.fraghdr", "Fragment Header for IPv6", PROTOCOL),
	[FRAGHDR_NEXT] = NUMBER("ipv6.fraghdr.nxt", "Next header", 8, DECIMAL,
				dissect_ip_protocols),
	[FRAGHDR_RESERVED] =
		NUMBER("ipv6.fraghdr.reserved_octet", "Reserved octet", 8, HEX, NULL),
	[FRAGHDR_OFFSET] = NUMBER("ipv6.fraghdr.offset", "Offset", 16, DECIMAL, NULL),
	[FRAGHDR_RESERVED_BITS] =
		NUMBER("ipv6.fraghdr.reserved_bits", "Reserved bits", 16, DECIMAL, NULL),
	[FRAGHDR_MORE] = FIELD("ipv6.fraghdr.more", "More Fragments", BOOL),
	[FRAGHDR_IDENT] = NUMBER("ipv6.fraghdr.ident", "Identification", 32, HEX, NULL),
	[FRAGMENTS] = FIELD("ipv6.fragments", "IPv6 Fragments", NOTE),
	[FRAGMENT] = NUMBER("ipv6.fragment", "IPv6 Fragment", 32, DECIMAL, NULL),
	[FRAGMENT_COUNT] =
		NUMBER("ipv6.fragment.count", "Fragment count", 32, DECIMAL, NULL),
	[FRAGMENT_OVERLAP] = FIELD("ipv6.fragment.overlap", "Fragment overlap", BOOL),
	[FRAGMENT_CONFLICT] = FIELD("ipv6.fragment.overlap.conflict",
				    "Conflicting data in fragment overlap", BOOL),
	[FRAGMENT_TAILS] = FIELD("ipv6.fragment.multipletails",
				 "Multiple tail fragments found", BOOL),
	[FRAGMENT_TOO_LONG] =
		FIELD("ipv6.fragment.toolongfragment", "Fragment too long", BOOL),
	[REASSEMBLED_LENGTH] = NUMBER("ipv6.reassembled.length",
				      "Reassembled IPv6 length", 32, DECIMAL, NULL),
};

static void add_host(struct sonde_dissector *d, unsigned own, const struct span *span,
		     uint32_t at, const struct sonde_address *address)
{
	char text[48], *kept;
	size_t n;

	if (!dissect_wants(d, own))
		return;
	n = column_host(address, text);
	kept = dissect_keep(d, n);
	if (kept)
		memcpy(kept, text, n);
	dissect_set_flags(dissect_add_text(d, own, span, at, 16, kept, n),
			  SONDE_FIELD_HIDDEN);
}

static void add_end(struct sonde_dissector *d, unsigned own, unsigned host,
		    const struct span *span, uint32_t at,
		    const struct sonde_address *address)
{
	dissect_add_bytes(d, own, span, at, 16);
	dissect_set_flags(dissect_add_bytes(d, ADDRESS, span, at, 16),
			  SONDE_FIELD_HIDDEN);
	add_host(d, host, span, at, address);
	add_host(d, HOST, span, at, address);
}

static void add_fields(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	unsigned class = (bytes[0] & 0x0f) << 4 | bytes[1] >> 4;

	dissect_add_number(d, VERSION, span, 0, 1, bytes[0] >> 4);
	dissect_add_number(d, TRAFFIC_CLASS, span, 0, 4, class);
	dissect_nest(d);
	dissect_add_number(d, DSCP, span, 0, 4, class >> 2);
	dissect_add_number(d, ECN, span, 0, 4, class & 3);
	dissect_unnest(d);
	dissect_add_number(d, FLOW_LABEL, span, 1, 3,
			   (uint32_t)(bytes[1] & 0x0f) << 16 | (uint32_t)bytes[2] << 8 |
				   bytes[3]);
	dissect_add_be(d, PAYLOAD_LENGTH, span, 4, 2);
	dissect_add_be(d, NEXT, span, 6, 1);
	dissect_add_be(d, HOP_LIMIT, span, 7, 1);
	add_end(d, SOURCE, SOURCE_HOST, span, 8, &d->src);
	add_end(d, DESTINATION, DESTINATION_HOST, span, 24, &d->dst);
}

/* Extension headers are layers of their own in the list of protocols. */
static void name_layer(struct sonde_dissector *d, const char *name)
{
	size_t n = strlen(name);

	if (!d->wants_of[0] || d->protocols_used + n + 1 >= sizeof(d->protocols))
		return;
	d->protocols[d->protocols_used++] = ':';
	memcpy(d->protocols + d->protocols_used, name, n);
	d->protocols_used += (uint32_t)n;
}

static uint32_t add_options(struct sonde_dissector *d, const struct span *span)
{
	uint32_t at = 2, length = span_left(span), jumbo = 0;

	while (at < length) {
		uint8_t type = span_bytes(span)[at], size;

		dissect_add_be(d, OPTION_TYPE, span, at, 1);
		at++;
		if (type == OPTION_PAD1)
			continue;
		if (at >= length)
			break;
		size = span_bytes(span)[at];
		dissect_add_be(d, OPTION_LENGTH, span, at, 1);
		at++;
		if (type == OPTION_JUMBOGRAM && size == 4 && at + 4 <= length) {
			const uint8_t *bytes = span_bytes(span) + at;

			jumbo = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
				(uint32_t)bytes[2] << 8 | bytes[3];
			dissect_add_be(d, OPTION_JUMBO, span, at, 4);
		}
		at += size;
	}
	return jumbo;
}

/* A header of options or routing: `own` is its protocol field, and next, length and
 * length in bytes are the three behind it. */
static uint32_t add_header(struct sonde_dissector *d, unsigned own, const char *name,
			   const struct span *header)
{
	uint32_t length = span_left(header), jumbo = 0;

	name_layer(d, name);
	dissect_add_bytes(d, own, header, 0, length);
	dissect_nest(d);
	dissect_add_be(d, own + 1, header, 0, 1);
	dissect_add_be(d, own + 2, header, 1, 1);
	dissect_set_flags(dissect_add_number(d, own + 3, header, 1, 1, length),
			  SONDE_FIELD_GENERATED);
	if (own == ROUTING) {
		dissect_add_be(d, ROUTING_TYPE, header, 2, 1);
		dissect_add_be(d, ROUTING_LEFT, header, 3, 1);
	} else {
		jumbo = add_options(d, header);
	}
	dissect_unnest(d);
	return jumbo;
}

static void add_fragments(struct sonde_dissector *d,
			  const struct fragment_datagram *datagram,
			  const struct span *whole)
{
	struct sonde_field *field =
		dissect_add_number(d, FRAGMENTS, whole, 0, datagram->total, 1);

	dissect_set_flags(field, SONDE_FIELD_GENERATED);
	dissect_set_label(d, field, "%zu IPv6 Fragments (%u bytes)",
			  datagram->piece_count, datagram->total);
	dissect_nest(d);
	for (size_t i = 0; i < datagram->piece_count; i++) {
		const struct fragment_piece *piece = &datagram->pieces[i];

		field = dissect_add_number(d, FRAGMENT, whole, piece->offset,
					   piece->length, piece->frame);
		dissect_set_flags(field, SONDE_FIELD_GENERATED);
		dissect_nest(d);
		if (piece->is_overlap)
			dissect_add_made(d, FRAGMENT_OVERLAP, 1);
		if (piece->is_conflict)
			dissect_add_made(d, FRAGMENT_CONFLICT, 1);
		if (piece->is_too_long)
			dissect_add_made(d, FRAGMENT_TOO_LONG, 1);
		dissect_unnest(d);
	}
	if (datagram->has_overlap)
		dissect_add_made(d, FRAGMENT_OVERLAP, 1);
	if (datagram->has_conflict)
		dissect_add_made(d, FRAGMENT_CONFLICT, 1);
	if (datagram->has_many_tails)
		dissect_add_made(d, FRAGMENT_TAILS, 1);
	if (datagram->has_too_long)
		dissect_add_made(d, FRAGMENT_TOO_LONG, 1);
	dissect_add_made(d, FRAGMENT_COUNT, datagram->piece_count);
	dissect_add_made(d, REASSEMBLED_LENGTH, datagram->total);
	dissect_unnest(d);
}

struct fragment_facts {
	uint8_t next;
	uint32_t offset, ident;
	bool more;
};

static struct fragment_facts read_fragment(struct sonde_dissector *d,
					   const struct span *header)
{
	const uint8_t *bytes = span_bytes(header);
	struct fragment_facts facts = {
		.next = bytes[0],
		.offset = (uint32_t)(bytes[2] << 8 | bytes[3]) & 0xfff8,
		.more = bytes[3] & 1,
		.ident = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 |
			 (uint32_t)bytes[6] << 8 | bytes[7],
	};

	name_layer(d, "ipv6.fraghdr");
	dissect_add_bytes(d, FRAGHDR, header, 0, FRAGMENT_HEADER);
	dissect_nest(d);
	dissect_add_be(d, FRAGHDR_NEXT, header, 0, 1);
	dissect_add_be(d, FRAGHDR_RESERVED, header, 1, 1);
	dissect_add_number(d, FRAGHDR_OFFSET, header, 2, 2, facts.offset >> 3);
	dissect_add_number(d, FRAGHDR_RESERVED_BITS, header, 2, 2, bytes[3] >> 1 & 3);
	dissect_add_number(d, FRAGHDR_MORE, header, 2, 2, facts.more);
	dissect_add_be(d, FRAGHDR_IDENT, header, 4, 4);
	dissect_unnest(d);
	return facts;
}

/* True with *payload what goes on; otherwise all is said. */
static bool take_fragment(struct sonde_dissector *d, const struct span *header,
			  struct span *payload, uint8_t *next)
{
	struct fragment_facts facts = read_fragment(d, header);
	struct fragment_key key = {.src = d->src, .dst = d->dst, .id = facts.ident};
	struct fragment_datagram *datagram = NULL;
	struct column *info = dissect_info(d);
	int whole = 0;

	*payload = span_part(header, FRAGMENT_HEADER, UINT32_MAX);
	*next = facts.next;
	if (facts.offset == 0 && !facts.more) /* an atomic one (RFC 6946) */
		return true;
	if (span_left(payload) == span_length(payload) && !d->is_quoted)
		whole = fragment_add(&d->fragments, &key, facts.offset, facts.more,
				     facts.next, span_bytes(payload), span_left(payload),
				     d->frame_number, &datagram);
	if (whole < 0)
		d->trouble = whole;
	if (whole > 0) {
		bool is_there;

		*next = datagram->next;
		is_there = dissect_put_together(d, datagram, payload);
		if (is_there)
			add_fragments(d, datagram, payload);
		fragment_remove(&d->fragments, datagram);
		if (is_there)
			return true;
	}
	if (!d->is_quoted) {
		column_add_pair(info, "IPv6 fragment (off=", facts.offset);
		column_add(info, facts.more ? " more=y ident=" : " more=n ident=");
		column_add_hex(info, facts.ident, 8);
		column_add_pair(info, " nxt=", facts.next);
		column_add(info, ")");
	}
	dissect_rest(d, payload);
	return false;
}

static void walk(struct sonde_dissector *d, uint8_t next, struct span span,
		 bool may_jumbo)
{
	/* Every header takes 8 bytes at least, so that this ends. */
	for (;;) {
		uint32_t left = span_left(&span), length, jumbo;
		struct span header;
		unsigned own;
		const char *name;

		switch (next) {
		case IP_PROTOCOL_HOP_BY_HOP:
			own = HOPOPTS;
			name = "ipv6.hopopts";
			break;
		case IP_PROTOCOL_DESTINATION:
			own = DSTOPTS;
			name = "ipv6.dstopts";
			break;
		case IP_PROTOCOL_ROUTING:
			own = ROUTING;
			name = "ipv6.routing";
			break;
		case IP_PROTOCOL_FRAGMENT:
			if (left < FRAGMENT_HEADER) {
				dissect_set_short(d);
				return;
			}
			header = span;
			if (!take_fragment(d, &header, &span, &next))
				return;
			continue;
		case IP_PROTOCOL_NONE:
			column_add(dissect_info(d), "IPv6 no next header");
			dissect_rest(d, &span);
			return;
		default:
			dissect_ip_protocol(d, next, &span);
			return;
		}
		length = left >= 2 ? (span_bytes(&span)[1] + 1u) * 8 : 8;
		if (left < length) {
			dissect_set_short(d);
			return;
		}
		header = span_part(&span, 0, length);
		jumbo = add_header(d, own, name, &header);
		/* With routing left to do, the destination is the last address. */
		if (own == ROUTING && length >= 24 && span_bytes(&span)[3] &&
		    (span_bytes(&span)[2] == 0 || span_bytes(&span)[2] == 2)) {
			memcpy(d->dst.bytes, span_bytes(&span) + length - 16, 16);
			dissect_set_ip_ends(d);
		}
		next = span_bytes(&span)[0];
		if (jumbo && may_jumbo && jumbo >= length)
			span = span_part(&span, 0, jumbo);
		span = span_part(&span, length, UINT32_MAX);
	}
}

static void set_label(struct sonde_dissector *d, struct sonde_field *layer)
{
	char from[48], to[48];

	if (!layer || !d->wants_all)
		return;
	dissect_set_label(d, layer, "Internet Protocol Version 6, Src: %.*s, Dst: %.*s",
			  (int)column_host(&d->src, from), from,
			  (int)column_host(&d->dst, to), to);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t length;
	struct span payload;

	dissect_set_column(d, "IPv6");
	if (span_left(span) < HEADER_LENGTH || bytes[0] >> 4 != 6) {
		dissect_open(d, span, span_left(span));
		dissect_set_short(d);
		return;
	}
	length = (uint32_t)(bytes[4] << 8 | bytes[5]);
	d->src = (struct sonde_address){.family = SONDE_FAMILY_INET6};
	d->dst = d->src;
	memcpy(d->src.bytes, bytes + 8, 16);
	memcpy(d->dst.bytes, bytes + 24, 16);
	dissect_set_ip_ends(d);
	set_label(d, dissect_open(d, span, HEADER_LENGTH));
	if (dissect_wants_own(d))
		add_fields(d, span);
	/* 0: more than fits into the field, or nothing segmented it yet. */
	payload = span_part(span, HEADER_LENGTH,
			    length || bytes[6] == IP_PROTOCOL_NONE ? length : UINT32_MAX);
	walk(d, bytes[6], payload, length == 0);
}

const struct dissector dissector_ipv6 = {
	.name = "ipv6",
	.column = "IPv6",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
