/* ICMPv6 (RFC 4443), neighbour discovery (RFC 4861), with the packet that an error
 * quotes. */
#include <string.h>

#include "dissect/checksum.h"
#include "dissect/echo.h"
#include "dissect/number.h"
#include "dissect/state.h"

enum {
	ICMPV6,
	TYPE,
	CODE,
	CHECKSUM,
	CHECKSUM_STATUS,
	RESERVED,
	MTU,
	POINTER,
	IDENTIFIER,
	SEQUENCE,
	RESPONSE_TO,
	RESPONSE_TIME,
	RA_HOP_LIMIT,
	RA_FLAG,
	RA_FLAG_M,
	RA_FLAG_O,
	RA_FLAG_H,
	RA_FLAG_PRF,
	RA_FLAG_P,
	RA_FLAG_RSV,
	RA_LIFETIME,
	RA_REACHABLE,
	RA_RETRANS,
	NS_TARGET,
	NA_FLAG,
	NA_FLAG_R,
	NA_FLAG_S,
	NA_FLAG_O,
	NA_FLAG_RSV,
	NA_TARGET,
	RD_TARGET,
	RD_DESTINATION,
	OPTION,
	OPTION_TYPE,
	OPTION_LENGTH,
	OPTION_ADDRESS,
	OPTION_SOURCE,
	OPTION_TARGET,
	OPTION_PREFIX_LENGTH,
	OPTION_PREFIX_FLAG,
	OPTION_PREFIX_VALID,
	OPTION_PREFIX_PREFERRED,
	OPTION_PREFIX,
	OPTION_MTU,
	MLD_ADDRESS,
	MLD_DELAY,
	MLDR_COUNT,
	MLDR_RECORD,
	MLDR_TYPE,
	MLDR_AUX,
	MLDR_SOURCES,
	MLDR_ADDRESS,
	MLDR_SOURCE,
};

enum {
	UNREACHABLE = 1,
	TOO_BIG = 2,
	TIME_EXCEEDED = 3,
	PARAMETER_PROBLEM = 4,
	ECHO_REQUEST = 128,
	ECHO_REPLY = 129,
	MLD_QUERY = 130,
	MLD_REPORT = 131,
	MLD_DONE = 132,
	ROUTER_SOLICITATION = 133,
	ROUTER_ADVERTISEMENT = 134,
	NEIGHBOR_SOLICITATION = 135,
	NEIGHBOR_ADVERTISEMENT = 136,
	ND_REDIRECT = 137,
	MLD2_REPORT = 143,
};

enum { HEADER_LENGTH = 8 };

static const struct sonde_value_name types[] = {
	{1, "Destination Unreachable"},
	{2, "Packet Too Big"},
	{3, "Time Exceeded"},
	{4, "Parameter Problem"},
	{128, "Echo (ping) request"},
	{129, "Echo (ping) reply"},
	{130, "Multicast Listener Query"},
	{131, "Multicast Listener Report"},
	{132, "Multicast Listener Done"},
	{133, "Router Solicitation"},
	{134, "Router Advertisement"},
	{135, "Neighbor Solicitation"},
	{136, "Neighbor Advertisement"},
	{137, "Redirect"},
	{143, "Multicast Listener Report Message v2"},
	{0, NULL}};
static const struct sonde_value_name unreachables[] = {
	{0, "no route to destination"},
	{1, "Administratively prohibited"},
	{2, "Beyond scope of source address"},
	{3, "Address unreachable"},
	{4, "Port unreachable"},
	{5, "Source address failed ingress/egress policy"},
	{6, "Reject route to destination"},
	{7, "Error in Source Routing Header"},
	{0, NULL}};
static const struct sonde_value_name exceeded[] = {
	{0, "hop limit exceeded in transit"},
	{1, "fragment reassembly time exceeded"},
	{0, NULL}};
static const struct sonde_value_name problems[] = {
	{0, "erroneous header field encountered"},
	{1, "unrecognized Next Header type encountered"},
	{2, "unrecognized IPv6 option encountered"},
	{0, NULL}};
static const struct sonde_value_name option_types[] = {{1, "Source link-layer address"},
						       {2, "Target link-layer address"},
						       {3, "Prefix information"},
						       {4, "Redirected header"},
						       {5, "MTU"},
						       {14, "Nonce"},
						       {24, "Route Information"},
						       {25, "Recursive DNS Server"},
						       {31, "DNS Search List Option"},
						       {0, NULL}};
static const struct sonde_value_name preferences[] = {
	{0, "Medium"}, {1, "High"}, {2, "Reserved"}, {3, "Low"}, {0, NULL}};
static const struct sonde_value_name statuses[] = {
	{0, "Bad"}, {1, "Good"}, {2, "Unverified"}, {3, "Not present"}, {0, NULL}};

static const struct sonde_field_info fields[] = {
	[ICMPV6] = FIELD("icmpv6", "Internet Control Message Protocol v6", PROTOCOL),
	[TYPE] = NUMBER("icmpv6.type", "Type", 8, DECIMAL, types),
	[CODE] = NUMBER("icmpv6.code", "Code", 8, DECIMAL, NULL),
	[CHECKSUM] = NUMBER("icmpv6.checksum", "Checksum", 16, HEX, NULL),
	[CHECKSUM_STATUS] =
		NUMBER("icmpv6.checksum.status", "Checksum Status", 8, DECIMAL, statuses),
	[RESERVED] = FIELD("icmpv6.reserved", "Reserved", BYTES),
	[MTU] = NUMBER("icmpv6.mtu", "MTU", 32, DECIMAL, NULL),
	[POINTER] = NUMBER("icmpv6.pointer", "Pointer", 32, DECIMAL, NULL),
	[IDENTIFIER] = NUMBER("icmpv6.echo.identifier", "Identifier", 16, HEX, NULL),
	[SEQUENCE] = NUMBER("icmpv6.echo.sequence_number", "Sequence", 16, DECIMAL, NULL),
	[RESPONSE_TO] = NUMBER("icmpv6.resp_to", "Response To", 32, DECIMAL, NULL),
	[RESPONSE_TIME] = FIELD("icmpv6.resptime", "Response Time", DURATION),
	[RA_HOP_LIMIT] =
		NUMBER("icmpv6.nd.ra.cur_hop_limit", "Cur hop limit", 8, DECIMAL, NULL),
	[RA_FLAG] = NUMBER("icmpv6.nd.ra.flag", "Flags", 8, HEX, NULL),
	[RA_FLAG_M] = FIELD("icmpv6.nd.ra.flag.m", "Managed address configuration", BOOL),
	[RA_FLAG_O] = FIELD("icmpv6.nd.ra.flag.o", "Other configuration", BOOL),
	[RA_FLAG_H] = FIELD("icmpv6.nd.ra.flag.h", "Home Agent", BOOL),
	[RA_FLAG_PRF] = NUMBER("icmpv6.nd.ra.flag.prf", "Prf (Default Router Preference)",
			       8, DECIMAL, preferences),
	[RA_FLAG_P] = FIELD("icmpv6.nd.ra.flag.p", "Proxy", BOOL),
	[RA_FLAG_RSV] = NUMBER("icmpv6.nd.ra.flag.rsv", "Reserved", 8, DECIMAL, NULL),
	[RA_LIFETIME] = NUMBER("icmpv6.nd.ra.router_lifetime", "Router lifetime (s)", 16,
			       DECIMAL, NULL),
	[RA_REACHABLE] = NUMBER("icmpv6.nd.ra.reachable_time", "Reachable time (ms)", 32,
				DECIMAL, NULL),
	[RA_RETRANS] = NUMBER("icmpv6.nd.ra.retrans_timer", "Retrans timer (ms)", 32,
			      DECIMAL, NULL),
	[NS_TARGET] = FIELD("icmpv6.nd.ns.target_address", "Target Address", IPV6),
	[NA_FLAG] = NUMBER("icmpv6.nd.na.flag", "Flags", 32, HEX, NULL),
	[NA_FLAG_R] = FIELD("icmpv6.nd.na.flag.r", "Router", BOOL),
	[NA_FLAG_S] = FIELD("icmpv6.nd.na.flag.s", "Solicited", BOOL),
	[NA_FLAG_O] = FIELD("icmpv6.nd.na.flag.o", "Override", BOOL),
	[NA_FLAG_RSV] = NUMBER("icmpv6.nd.na.flag.rsv", "Reserved", 32, DECIMAL, NULL),
	[NA_TARGET] = FIELD("icmpv6.nd.na.target_address", "Target Address", IPV6),
	[RD_TARGET] = FIELD("icmpv6.nd.rd.target_address", "Target Address", IPV6),
	[RD_DESTINATION] =
		FIELD("icmpv6.rd.na.destination_address", "Destination Address", IPV6),
	[OPTION] = FIELD("icmpv6.opt", "ICMPv6 Option", NOTE),
	[OPTION_TYPE] = NUMBER("icmpv6.opt.type", "Type", 8, DECIMAL, option_types),
	[OPTION_LENGTH] = NUMBER("icmpv6.opt.length", "Length", 8, DECIMAL, NULL),
	[OPTION_ADDRESS] = FIELD("icmpv6.opt.linkaddr", "Link-layer address", BYTES),
	[OPTION_SOURCE] =
		FIELD("icmpv6.opt.src_linkaddr", "Source Link-layer address", BYTES),
	[OPTION_TARGET] =
		FIELD("icmpv6.opt.target_linkaddr", "Target Link-layer address", BYTES),
	[OPTION_PREFIX_LENGTH] =
		NUMBER("icmpv6.opt.prefix.length", "Prefix Length", 8, DECIMAL, NULL),
	[OPTION_PREFIX_FLAG] = NUMBER("icmpv6.opt.prefix.flag", "Flag", 8, HEX, NULL),
	[OPTION_PREFIX_VALID] = NUMBER("icmpv6.opt.prefix.valid_lifetime",
				       "Valid Lifetime", 32, DECIMAL, NULL),
	[OPTION_PREFIX_PREFERRED] = NUMBER("icmpv6.opt.prefix.preferred_lifetime",
					   "Preferred Lifetime", 32, DECIMAL, NULL),
	[OPTION_PREFIX] = FIELD("icmpv6.opt.prefix", "Prefix", IPV6),
	[OPTION_MTU] = NUMBER("icmpv6.opt.mtu", "MTU", 32, DECIMAL, NULL),
	[MLD_ADDRESS] = FIELD("icmpv6.mld.multicast_address", "Multicast Address", IPV6),
	[MLD_DELAY] = NUMBER("icmpv6.mld.maximum_response_delay",
			     "Maximum Response Delay [ms]", 16, DECIMAL, NULL),
	[MLDR_COUNT] = NUMBER("icmpv6.mldr.nb_mcast_records",
			      "Number of Multicast Address Records", 16, DECIMAL, NULL),
	[MLDR_RECORD] = FIELD("icmpv6.mldr.mar", "Multicast Address Record", NOTE),
	[MLDR_TYPE] =
		NUMBER("icmpv6.mldr.mar.record_type", "Record Type", 8, DECIMAL, NULL),
	[MLDR_AUX] =
		NUMBER("icmpv6.mldr.mar.aux_data_len", "Aux Data Len", 8, DECIMAL, NULL),
	[MLDR_SOURCES] = NUMBER("icmpv6.mldr.mar.nb_sources", "Number of Sources", 16,
				DECIMAL, NULL),
	[MLDR_ADDRESS] =
		FIELD("icmpv6.mldr.mar.multicast_address", "Multicast Address", IPV6),
	[MLDR_SOURCE] = FIELD("icmpv6.mldr.mar.source_address", "Source Address", IPV6),
};

static const struct sonde_value_name *codes_of(uint8_t type)
{
	switch (type) {
	case UNREACHABLE:
		return unreachables;
	case TIME_EXCEEDED:
		return exceeded;
	case PARAMETER_PROBLEM:
		return problems;
	default:
		return NULL;
	}
}

/* Over the pseudo header (RFC 8200, 8.1), too. */
static uint8_t check(const struct sonde_dissector *d, const struct span *span)
{
	uint32_t length = span_left(span), sum;
	const uint8_t rest[8] = {(uint8_t)(length >> 24),
				 (uint8_t)(length >> 16),
				 (uint8_t)(length >> 8),
				 (uint8_t)length,
				 0,
				 0,
				 0,
				 IP_PROTOCOL_ICMP6};

	if (d->is_quoted || length < span_length(span) ||
	    d->src.family != SONDE_FAMILY_INET6)
		return CHECKSUM_UNVERIFIED;
	sum = checksum_add(0, d->src.bytes, 16);
	sum = checksum_add(sum, d->dst.bytes, 16);
	sum = checksum_add(sum, rest, sizeof(rest));
	return checksum_end(checksum_add(sum, span_bytes(span), length)) ? CHECKSUM_BAD
									 : CHECKSUM_GOOD;
}

static void add_host(struct sonde_dissector *d, const uint8_t *bytes)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET6};

	memcpy(address.bytes, bytes, 16);
	column_add_host(dissect_info(d), &address);
}

/* ---- options of neighbour discovery ---- */

static void add_link_address(struct sonde_dissector *d, const struct span *option,
			     const char *before)
{
	bool is_source = span_bytes(option)[0] == 1;
	uint32_t n = span_left(option) - 2;
	char text[17];

	dissect_add_bytes(d, OPTION_ADDRESS, option, 2, n);
	dissect_set_flags(dissect_add_bytes(d, is_source ? OPTION_SOURCE : OPTION_TARGET,
					    option, 2, n),
			  SONDE_FIELD_HIDDEN);
	if (n == 6 && before) {
		column_add(dissect_info(d), before);
		column_add_bytes(dissect_info(d), text,
				 column_ethernet(span_bytes(option) + 2, text));
	}
}

static void add_option(struct sonde_dissector *d, const struct span *option,
		       const char *before)
{
	struct sonde_field *field =
		dissect_add_number(d, OPTION, option, 0, span_left(option), 1);

	dissect_set_label(d, field, "ICMPv6 Option (%s)",
			  value_name(option_types, span_bytes(option)[0], "Unknown"));
	dissect_nest(d);
	dissect_add_be(d, OPTION_TYPE, option, 0, 1);
	dissect_add_be(d, OPTION_LENGTH, option, 1, 1);
	switch (span_bytes(option)[0]) {
	case 1:
	case 2:
		add_link_address(d, option, before);
		break;
	case 3:
		dissect_add_be(d, OPTION_PREFIX_LENGTH, option, 2, 1);
		dissect_add_be(d, OPTION_PREFIX_FLAG, option, 3, 1);
		dissect_add_be(d, OPTION_PREFIX_VALID, option, 4, 4);
		dissect_add_be(d, OPTION_PREFIX_PREFERRED, option, 8, 4);
		if (span_left(option) >= 32)
			dissect_add_bytes(d, OPTION_PREFIX, option, 16, 16);
		break;
	case 5:
		dissect_add_be(d, OPTION_MTU, option, 4, 4);
		break;
	default:
		break;
	}
	dissect_unnest(d);
}

static void add_options(struct sonde_dissector *d, const struct span *span, uint32_t at,
			const char *before)
{
	while (span_left(span) >= at + 8) {
		uint32_t length = span_bytes(span)[at + 1] * 8u;
		struct span option;

		if (length == 0 || length > span_left(span) - at) {
			dissect_set_malformed(d);
			return;
		}
		option = span_part(span, at, length);
		add_option(d, &option, before);
		at += length;
	}
}

/* ---- messages ---- */

static void add_router_advertisement(struct sonde_dissector *d, const struct span *span)
{
	uint8_t flags = span_bytes(span)[5];

	dissect_add_be(d, RA_HOP_LIMIT, span, 4, 1);
	dissect_add_be(d, RA_FLAG, span, 5, 1);
	dissect_nest(d);
	dissect_add_number(d, RA_FLAG_M, span, 5, 1, flags >> 7);
	dissect_add_number(d, RA_FLAG_O, span, 5, 1, flags >> 6 & 1);
	dissect_add_number(d, RA_FLAG_H, span, 5, 1, flags >> 5 & 1);
	dissect_add_number(d, RA_FLAG_PRF, span, 5, 1, flags >> 3 & 3);
	dissect_add_number(d, RA_FLAG_P, span, 5, 1, flags >> 2 & 1);
	dissect_add_number(d, RA_FLAG_RSV, span, 5, 1, flags & 3);
	dissect_unnest(d);
	dissect_add_be(d, RA_LIFETIME, span, 6, 2);
	dissect_add_be(d, RA_REACHABLE, span, 8, 4);
	dissect_add_be(d, RA_RETRANS, span, 12, 4);
	add_options(d, span, 16, " from ");
}

static void add_neighbor(struct sonde_dissector *d, const struct span *span,
			 bool is_answer)
{
	const uint8_t *bytes = span_bytes(span);
	struct column *info = dissect_info(d);

	if (span_left(span) < 24) {
		dissect_set_short(d);
		return;
	}
	if (!is_answer) {
		dissect_add_bytes(d, RESERVED, span, 4, 4);
		dissect_add_bytes(d, NS_TARGET, span, 8, 16);
		column_add(info, " for ");
		add_host(d, bytes + 8);
		add_options(d, span, 24, " from ");
		return;
	}
	dissect_add_be(d, NA_FLAG, span, 4, 4);
	dissect_nest(d);
	dissect_add_number(d, NA_FLAG_R, span, 4, 4, bytes[4] >> 7);
	dissect_add_number(d, NA_FLAG_S, span, 4, 4, bytes[4] >> 6 & 1);
	dissect_add_number(d, NA_FLAG_O, span, 4, 4, bytes[4] >> 5 & 1);
	dissect_add_number(d, NA_FLAG_RSV, span, 4, 4,
			   (uint32_t)(bytes[4] & 0x1f) << 24 | (uint32_t)bytes[5] << 16 |
				   (uint32_t)bytes[6] << 8 | bytes[7]);
	dissect_unnest(d);
	dissect_add_bytes(d, NA_TARGET, span, 8, 16);
	column_add(info, " ");
	add_host(d, bytes + 8);
	if (bytes[4] & 0xe0) {
		const char *between = "";

		column_add(info, " (");
		for (int i = 0; i < 3; i++) {
			static const char words[3][4] = {"rtr", "sol", "ovr"};

			if (!(bytes[4] >> (7 - i) & 1))
				continue;
			column_add(info, between);
			column_add(info, words[i]);
			between = ", ";
		}
		column_add(info, ")");
	}
	add_options(d, span, 24, " is at ");
}

static void add_records(struct sonde_dissector *d, const struct span *span)
{
	uint32_t at = HEADER_LENGTH;
	uint16_t count = (uint16_t)(span_bytes(span)[6] << 8 | span_bytes(span)[7]);

	dissect_add_bytes(d, RESERVED, span, 4, 2);
	dissect_add_be(d, MLDR_COUNT, span, 6, 2);
	for (uint16_t i = 0; i < count && span_left(span) >= at + 20; i++) {
		const uint8_t *bytes = span_bytes(span) + at;
		uint16_t sources = (uint16_t)(bytes[2] << 8 | bytes[3]);

		dissect_add_number(d, MLDR_RECORD, span, at, 20, 1);
		dissect_nest(d);
		dissect_add_be(d, MLDR_TYPE, span, at, 1);
		dissect_add_be(d, MLDR_AUX, span, at + 1, 1);
		dissect_add_be(d, MLDR_SOURCES, span, at + 2, 2);
		dissect_add_bytes(d, MLDR_ADDRESS, span, at + 4, 16);
		at += 20;
		for (uint16_t j = 0; j < sources && span_left(span) >= at + 16; j++) {
			dissect_add_bytes(d, MLDR_SOURCE, span, at, 16);
			at += 16;
		}
		dissect_unnest(d);
		at += bytes[1] * 4u;
	}
}

static void add_echo(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t number = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 |
			  (uint32_t)bytes[6] << 8 | bytes[7];
	struct column *info = dissect_info(d);
	const struct asked *asked = NULL;
	struct span data;

	dissect_add_be(d, IDENTIFIER, span, 4, 2);
	dissect_add_be(d, SEQUENCE, span, 6, 2);
	column_add(info, " id=");
	column_add_hex(info, number >> 16, 4);
	column_add_pair(info, ", seq=", number & 0xffff);
	column_add_pair(info, ", hop limit=", dissect_headers(d)->ttl);
	if (bytes[0] == ECHO_REQUEST)
		asked_add(d, ASKED_ICMP6, number);
	else
		asked = asked_find(d, ASKED_ICMP6, number);
	if (asked) {
		dissect_add_made(d, RESPONSE_TO, asked->frame);
		dissect_add_made(d, RESPONSE_TIME,
				 (uint64_t)(d->frame->at_ns - asked->at_ns));
		column_add_pair(info, " (request in ", asked->frame);
		column_add(info, ")");
	}
	data = span_part(span, HEADER_LENGTH, UINT32_MAX);
	dissect_data_within(d, &data);
}

static void add_body(struct sonde_dissector *d, const struct span *span)
{
	struct span payload = span_part(span, HEADER_LENGTH, UINT32_MAX);

	switch (span_bytes(span)[0]) {
	case UNREACHABLE:
	case TIME_EXCEEDED:
		dissect_add_bytes(d, RESERVED, span, 4, 4);
		dissect_quote(d, &dissector_ipv6, &payload);
		break;
	case TOO_BIG:
		dissect_add_be(d, MTU, span, 4, 4);
		dissect_quote(d, &dissector_ipv6, &payload);
		break;
	case PARAMETER_PROBLEM:
		dissect_add_be(d, POINTER, span, 4, 4);
		dissect_quote(d, &dissector_ipv6, &payload);
		break;
	case ECHO_REQUEST:
	case ECHO_REPLY:
		add_echo(d, span);
		break;
	case MLD_QUERY:
	case MLD_REPORT:
	case MLD_DONE:
		dissect_add_be(d, MLD_DELAY, span, 4, 2);
		dissect_add_bytes(d, RESERVED, span, 6, 2);
		if (span_left(span) >= 24)
			dissect_add_bytes(d, MLD_ADDRESS, span, 8, 16);
		break;
	case ROUTER_SOLICITATION:
		dissect_add_bytes(d, RESERVED, span, 4, 4);
		add_options(d, span, 8, " from ");
		break;
	case ROUTER_ADVERTISEMENT:
		if (span_left(span) >= 16)
			add_router_advertisement(d, span);
		else
			dissect_set_short(d);
		break;
	case NEIGHBOR_SOLICITATION:
	case NEIGHBOR_ADVERTISEMENT:
		add_neighbor(d, span, span_bytes(span)[0] == NEIGHBOR_ADVERTISEMENT);
		break;
	case ND_REDIRECT:
		dissect_add_bytes(d, RESERVED, span, 4, 4);
		if (span_left(span) >= 40) {
			dissect_add_bytes(d, RD_TARGET, span, 8, 16);
			dissect_add_bytes(d, RD_DESTINATION, span, 24, 16);
			add_options(d, span, 40, " is at ");
		}
		break;
	case MLD2_REPORT:
		add_records(d, span);
		break;
	default:
		dissect_data_within(d, &payload);
		break;
	}
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct column *info = dissect_info(d);
	struct sonde_field *field;
	const char *code;

	dissect_set_column(d, "ICMPv6");
	d->src.port = d->dst.port = 0;
	dissect_open(d, span, span_left(span));
	if (span_left(span) < HEADER_LENGTH) {
		dissect_set_short(d);
		return;
	}
	code = value_name(codes_of(bytes[0]), bytes[1], NULL);
	column_add(info, value_name(types, bytes[0], "Unknown"));
	if (code) {
		column_add(info, " (");
		column_add(info, code);
		column_add(info, ")");
	}
	if (dissect_wants_own(d)) {
		dissect_add_be(d, TYPE, span, 0, 1);
		field = dissect_add_be(d, CODE, span, 1, 1);
		if (code)
			dissect_set_label(d, field, "Code: %u (%s)", bytes[1], code);
		dissect_add_be(d, CHECKSUM, span, 2, 2);
		dissect_set_flags(dissect_add_number(d, CHECKSUM_STATUS, span, 2, 0,
						     check(d, span)),
				  SONDE_FIELD_GENERATED);
	}
	add_body(d, span);
}

const struct dissector dissector_icmpv6 = {
	.name = "icmpv6",
	.column = "ICMPv6",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
