/* IPv4 (RFC 791), its fragments put together, and what IP protocols lead to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dissect/checksum.h"
#include "dissect/number.h"
#include "dissect/state.h"

enum {
	IP,
	VERSION,
	HEADER_LENGTH,
	DSFIELD,
	DSCP,
	ECN,
	TOTAL_LENGTH,
	ID,
	FLAGS,
	FLAG_RESERVED,
	FLAG_DF,
	FLAG_MF,
	FRAGMENT_OFFSET,
	TTL,
	PROTOCOL,
	CHECKSUM,
	CHECKSUM_STATUS,
	SOURCE,
	SOURCE_HOST,
	DESTINATION,
	DESTINATION_HOST,
	ADDRESS,
	HOST,
	OPTION_TYPE,
	OPTION_LENGTH,
	FRAGMENTS,
	FRAGMENT,
	FRAGMENT_COUNT,
	FRAGMENT_OVERLAP,
	FRAGMENT_CONFLICT,
	FRAGMENT_TAILS,
	FRAGMENT_TOO_LONG,
	REASSEMBLED_LENGTH,
	BOGUS_VERSION,
	BOGUS_LENGTH,
	BOGUS_HEADER_LENGTH,
};

enum { HEADER_LEAST = 20 };

const struct sonde_value_name dissect_ip_protocols[] = {
	{0, "IPv6 Hop-by-Hop Option"},
	{1, "ICMP"},
	{2, "IGMP"},
	{4, "IPIP"},
	{6, "TCP"},
	{8, "EGP"},
	{17, "UDP"},
	{41, "IPv6"},
	{43, "Routing Header for IPv6"},
	{44, "Fragment Header for IPv6"},
	{46, "RSVP"},
	{47, "Generic Routing Encapsulation"},
	{50, "Encap Security Payload"},
	{51, "Authentication Header"},
	{58, "ICMPv6"},
	{59, "No Next Header for IPv6"},
	{60, "Destination Options for IPv6"},
	{88, "EIGRP"},
	{89, "OSPF IGP"},
	{103, "PIM"},
	{112, "VRRP"},
	{132, "SCTP"},
	{136, "UDPlite"},
	{0, NULL}};

static const struct sonde_value_name classes[] = {{0, "Default"},
						  {8, "Class Selector 1"},
						  {10, "Assured Forwarding 11"},
						  {16, "Class Selector 2"},
						  {18, "Assured Forwarding 21"},
						  {24, "Class Selector 3"},
						  {32, "Class Selector 4"},
						  {34, "Assured Forwarding 41"},
						  {40, "Class Selector 5"},
						  {46, "Expedited Forwarding"},
						  {48, "Class Selector 6"},
						  {56, "Class Selector 7"},
						  {0, NULL}};
static const struct sonde_value_name congestions[] = {
	{0, "Not ECN-Capable Transport"},
	{1, "ECN-Capable Transport codepoint '01'"},
	{2, "ECN-Capable Transport codepoint '10'"},
	{3, "Congestion Experienced"},
	{0, NULL}};
static const struct sonde_value_name checksum_statuses[] = {
	{0, "Bad"}, {1, "Good"}, {2, "Unverified"}, {3, "Not present"}, {0, NULL}};

static const struct sonde_field_info fields[] = {
	[IP] = FIELD("ip", "Internet Protocol Version 4", PROTOCOL),
	[VERSION] = NUMBER("ip.version", "Version", 8, DECIMAL, NULL),
	[HEADER_LENGTH] = NUMBER("ip.hdr_len", "Header Length", 8, DECIMAL, NULL),
	[DSFIELD] = NUMBER("ip.dsfield", "Differentiated Services Field", 8, HEX, NULL),
	[DSCP] = NUMBER("ip.dsfield.dscp", "Differentiated Services Codepoint", 8,
			DECIMAL, classes),
	[ECN] = NUMBER("ip.dsfield.ecn", "Explicit Congestion Notification", 8, DECIMAL,
		       congestions),
	[TOTAL_LENGTH] = NUMBER("ip.len", "Total Length", 16, DECIMAL, NULL),
	[ID] = NUMBER("ip.id", "Identification", 16, HEX, NULL),
	[FLAGS] = NUMBER("ip.flags", "Flags", 8, HEX, NULL),
	[FLAG_RESERVED] = FIELD("ip.flags.rb", "Reserved bit", BOOL),
	[FLAG_DF] = FIELD("ip.flags.df", "Don't fragment", BOOL),
	[FLAG_MF] = FIELD("ip.flags.mf", "More fragments", BOOL),
	[FRAGMENT_OFFSET] =
		NUMBER("ip.frag_offset", "Fragment Offset", 16, DECIMAL, NULL),
	[TTL] = NUMBER("ip.ttl", "Time to Live", 8, DECIMAL, NULL),
	[PROTOCOL] = NUMBER("ip.proto", "Protocol", 8, DECIMAL, dissect_ip_protocols),
	[CHECKSUM] = NUMBER("ip.checksum", "Header Checksum", 16, HEX, NULL),
	[CHECKSUM_STATUS] = NUMBER("ip.checksum.status", "Header checksum status", 8,
				   DECIMAL, checksum_statuses),
	[SOURCE] = FIELD("ip.src", "Source Address", IPV4),
	[SOURCE_HOST] = FIELD("ip.src_host", "Source Host", TEXT),
	[DESTINATION] = FIELD("ip.dst", "Destination Address", IPV4),
	[DESTINATION_HOST] = FIELD("ip.dst_host", "Destination Host", TEXT),
	[ADDRESS] = FIELD("ip.addr", "Source or Destination Address", IPV4),
	[HOST] = FIELD("ip.host", "Source or Destination Host", TEXT),
	[OPTION_TYPE] = NUMBER("ip.opt.type", "Type", 8, DECIMAL, NULL),
	[OPTION_LENGTH] = NUMBER("ip.opt.len", "Length", 8, DECIMAL, NULL),
	[FRAGMENTS] = FIELD("ip.fragments", "IPv4 Fragments", BYTES),
	[FRAGMENT] = NUMBER("ip.fragment", "IPv4 Fragment", 32, DECIMAL, NULL),
	[FRAGMENT_COUNT] =
		NUMBER("ip.fragment.count", "Fragment count", 32, DECIMAL, NULL),
	[FRAGMENT_OVERLAP] = FIELD("ip.fragment.overlap", "Fragment overlap", BOOL),
	[FRAGMENT_CONFLICT] = FIELD("ip.fragment.overlap.conflict",
				    "Conflicting data in fragment overlap", BOOL),
	[FRAGMENT_TAILS] =
		FIELD("ip.fragment.multipletails", "Multiple tail fragments found", BOOL),
	[FRAGMENT_TOO_LONG] =
		FIELD("ip.fragment.toolongfragment", "Fragment too long", BOOL),
	[REASSEMBLED_LENGTH] = NUMBER("ip.reassembled.length", "Reassembled IPv4 length",
				      32, DECIMAL, NULL),
	[BOGUS_VERSION] = FIELD("ip.bogus_ip_version", "Bogus IP version", NOTE),
	[BOGUS_LENGTH] = FIELD("ip.bogus_ip_length", "Bogus IP length", NOTE),
	[BOGUS_HEADER_LENGTH] =
		FIELD("ip.bogus_header_length", "Bogus IP header length", NOTE),
};

void dissect_set_ip_ends(struct sonde_dissector *d)
{
	if (!d->wants_columns || d->is_quoted)
		return;
	d->column_source.kind = d->column_destination.kind = END_IP;
	d->column_source.address = d->src;
	d->column_destination.address = d->dst;
}

void dissect_ip_protocol(struct sonde_dissector *d, uint8_t protocol,
			 const struct span *span)
{
	d->ip_protocol = protocol;
	switch (protocol) {
	case IP_PROTOCOL_TCP:
		dissect_call(d, &dissector_tcp, span);
		break;
	case IP_PROTOCOL_UDP:
		dissect_call(d, &dissector_udp, span);
		break;
	case IP_PROTOCOL_ICMP:
		dissect_call(d, &dissector_icmp, span);
		break;
	case IP_PROTOCOL_ICMP6:
		dissect_call(d, &dissector_icmpv6, span);
		break;
	case IP_PROTOCOL_IPV4:
		dissect_call(d, &dissector_ip, span);
		break;
	case IP_PROTOCOL_IPV6:
		dissect_call(d, &dissector_ipv6, span);
		break;
	default:
		if (d->wants_columns && !d->is_quoted) {
			column_clear(&d->info);
			column_add(&d->info,
				   value_name(dissect_ip_protocols, protocol, "Unknown"));
			column_add_pair(&d->info, " (", protocol);
			column_add(&d->info, ")");
		}
		dissect_rest(d, span);
		break;
	}
}

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
	dissect_set_flags(dissect_add_text(d, own, span, at, 4, kept, n),
			  SONDE_FIELD_HIDDEN);
}

static void add_end(struct sonde_dissector *d, unsigned own, unsigned host,
		    const struct span *span, uint32_t at,
		    const struct sonde_address *address)
{
	dissect_add_address(d, own, span, at, address);
	dissect_set_flags(dissect_add_address(d, ADDRESS, span, at, address),
			  SONDE_FIELD_HIDDEN);
	add_host(d, host, span, at, address);
	add_host(d, HOST, span, at, address);
}

static void add_options(struct sonde_dissector *d, const struct span *span,
			uint32_t length)
{
	uint32_t at = HEADER_LEAST;

	while (at < length) {
		uint8_t type = span_bytes(span)[at];
		uint8_t size = 1;

		dissect_add_be(d, OPTION_TYPE, span, at, 1);
		if (type == 0)
			return;
		if (type != 1) {
			if (at + 1 >= length)
				return;
			size = span_bytes(span)[at + 1];
			dissect_add_be(d, OPTION_LENGTH, span, at + 1, 1);
			if (size < 2)
				return;
		}
		at += size;
	}
}

static void add_fields(struct sonde_dissector *d, const struct span *span,
		       uint32_t header_length)
{
	const uint8_t *bytes = span_bytes(span);
	struct sonde_field *field;
	uint8_t flags = bytes[6] >> 5;

	dissect_add_number(d, VERSION, span, 0, 1, bytes[0] >> 4);
	field = dissect_add_number(d, HEADER_LENGTH, span, 0, 1, header_length);
	dissect_set_label(d, field, "Header Length: %u bytes (%u)", header_length,
			  header_length / 4);
	dissect_add_be(d, DSFIELD, span, 1, 1);
	dissect_nest(d);
	dissect_add_number(d, DSCP, span, 1, 1, bytes[1] >> 2);
	dissect_add_number(d, ECN, span, 1, 1, bytes[1] & 3);
	dissect_unnest(d);
	dissect_add_be(d, TOTAL_LENGTH, span, 2, 2);
	dissect_add_be(d, ID, span, 4, 2);
	field = dissect_add_number(d, FLAGS, span, 6, 1, flags);
	dissect_set_label(
		d, field, "Flags: 0x%x%s%s%s", flags, flags & 4 ? ", Reserved bit" : "",
		flags & 2 ? ", Don't fragment" : "", flags & 1 ? ", More fragments" : "");
	dissect_nest(d);
	dissect_add_number(d, FLAG_RESERVED, span, 6, 1, flags >> 2 & 1);
	dissect_add_number(d, FLAG_DF, span, 6, 1, flags >> 1 & 1);
	dissect_add_number(d, FLAG_MF, span, 6, 1, flags & 1);
	dissect_unnest(d);
	dissect_add_number(d, FRAGMENT_OFFSET, span, 6, 2,
			   (uint64_t)((bytes[6] & 0x1f) << 8 | bytes[7]));
	dissect_add_be(d, TTL, span, 8, 1);
	dissect_add_be(d, PROTOCOL, span, 9, 1);
	field = dissect_add_be(d, CHECKSUM, span, 10, 2);
	dissect_set_label(d, field, "Header Checksum: 0x%02x%02x [validation disabled]",
			  bytes[10], bytes[11]);
	dissect_set_flags(
		dissect_add_number(d, CHECKSUM_STATUS, span, 10, 0, CHECKSUM_UNVERIFIED),
		SONDE_FIELD_GENERATED);
	add_end(d, SOURCE, SOURCE_HOST, span, 12, &d->src);
	add_end(d, DESTINATION, DESTINATION_HOST, span, 16, &d->dst);
	add_options(d, span, header_length);
}

static void add_fragments(struct sonde_dissector *d,
			  const struct fragment_datagram *datagram,
			  const struct span *whole)
{
	struct sonde_field *field =
		dissect_add_bytes(d, FRAGMENTS, whole, 0, datagram->total);

	dissect_set_flags(field, SONDE_FIELD_GENERATED);
	dissect_set_label(d, field, "%zu IPv4 Fragments (%u bytes)",
			  datagram->piece_count, datagram->total);
	dissect_nest(d);
	for (size_t i = 0; i < datagram->piece_count; i++) {
		const struct fragment_piece *piece = &datagram->pieces[i];

		field = dissect_add_number(d, FRAGMENT, whole, piece->offset,
					   piece->length, piece->frame);
		dissect_set_flags(field, SONDE_FIELD_GENERATED);
		dissect_set_label(d, field, "Frame: %u, payload: %u-%u (%u bytes)",
				  piece->frame, piece->offset,
				  piece->offset + piece->length - !!piece->length,
				  piece->length);
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

bool dissect_put_together(struct sonde_dissector *d, struct fragment_datagram *datagram,
			  struct span *ret)
{
	uint8_t *joined = dissect_keep(d, datagram->total);
	ssize_t at;

	if (!joined)
		return false;
	fragment_join(datagram, joined);
	at = dissect_reassemble(d, joined, datagram->total);
	if (at < 0)
		return false;
	*ret = (struct span){
		.bytes = d->reassembled,
		.at = (uint32_t)at,
		.captured = (uint32_t)at + datagram->total,
		.end = (uint32_t)at + datagram->total,
		.source = 1,
	};
	return true;
}

/* True with *payload the whole datagram's; otherwise all is said. */
static bool take_fragment(struct sonde_dissector *d, const uint8_t *header,
			  struct span *payload)
{
	uint32_t offset = ((header[6] & 0x1f) << 8 | header[7]) * 8u;
	uint16_t id = (uint16_t)(header[4] << 8 | header[5]);
	struct fragment_key key = {
		.src = d->src, .dst = d->dst, .id = id, .protocol = header[9]};
	struct fragment_datagram *datagram = NULL;
	struct span fragment = *payload;
	bool more = header[6] & 0x20;
	int whole = 0;

	if (span_left(payload) == span_length(payload) && !d->is_quoted)
		whole = fragment_add(&d->fragments, &key, offset, more, 0,
				     span_bytes(payload), span_left(payload),
				     d->frame_number, &datagram);
	if (whole < 0)
		d->trouble = whole;
	if (whole > 0) {
		bool is_there = dissect_put_together(d, datagram, payload);

		if (is_there)
			add_fragments(d, datagram, payload);
		fragment_remove(&d->fragments, datagram);
		if (is_there)
			return true;
	}
	if (d->wants_columns && !d->is_quoted) {
		column_add(&d->info, "Fragmented IP protocol (proto=");
		column_add(&d->info,
			   value_name(dissect_ip_protocols, header[9], "Unknown"));
		column_add_pair(&d->info, " ", header[9]);
		column_add_pair(&d->info, ", off=", offset);
		column_add(&d->info, ", ID=");
		column_add_digits16(&d->info, id);
		column_add(&d->info, ")");
	}
	dissect_rest(d, &fragment);
	return false;
}

static void say_bogus(struct sonde_dissector *d, const struct span *span, unsigned note,
		      const char *text, uint32_t value, const char *rest)
{
	dissect_open(d, span, span_left(span));
	dissect_add_note(d, note);
	column_add(dissect_info(d), text);
	column_add_number(dissect_info(d), value);
	column_add(dissect_info(d), rest);
}

static void set_label(struct sonde_dissector *d, struct sonde_field *layer)
{
	char from[48], to[48];

	if (!layer || !d->wants_all)
		return;
	dissect_set_label(d, layer, "Internet Protocol Version 4, Src: %.*s, Dst: %.*s",
			  (int)column_host(&d->src, from), from,
			  (int)column_host(&d->dst, to), to);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t left = span_left(span), header_length, total;
	struct span payload;
	uint8_t protocol;

	dissect_set_column(d, "IPv4");
	if (left < 1) {
		dissect_set_short(d);
		return;
	}
	if (bytes[0] >> 4 != 4) {
		say_bogus(d, span, BOGUS_VERSION, "Bogus IPv4 version (", bytes[0] >> 4,
			  ", must be 4)");
		return;
	}
	header_length = (bytes[0] & 0x0f) * 4u;
	if (header_length < HEADER_LEAST) {
		say_bogus(d, span, BOGUS_HEADER_LENGTH, "Bogus IP header length (",
			  header_length, ", must be at least 20)");
		return;
	}
	if (left < header_length) {
		dissect_open(d, span, left);
		dissect_set_short(d);
		return;
	}
	total = (uint32_t)(bytes[2] << 8 | bytes[3]);
	if (total && total < header_length) {
		say_bogus(d, span, BOGUS_LENGTH, "Bogus IP length (", total,
			  ", less than header length)");
		return;
	}
	protocol = bytes[9];
	d->src = (struct sonde_address){.family = SONDE_FAMILY_INET};
	d->dst = d->src;
	memcpy(d->src.bytes, bytes + 12, 4);
	memcpy(d->dst.bytes, bytes + 16, 4);
	dissect_set_ip_ends(d);
	set_label(d, dissect_open(d, span, header_length));
	if (dissect_wants_own(d))
		add_fields(d, span, header_length);
	/* 0: the kernel will segment it (TSO), and it ends where the frame does. */
	payload = span_part(span, header_length,
			    total ? total - header_length : UINT32_MAX);
	if ((bytes[6] & 0x3f) | bytes[7] && !take_fragment(d, bytes, &payload))
		return;
	dissect_ip_protocol(d, protocol, &payload);
}

const struct dissector dissector_ip = {
	.name = "ip",
	.column = "IPv4",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
