/* ICMP (RFC 792, 950, 1191), with the packet that an error quotes. */
#include <string.h>

#include "dissect/checksum.h"
#include "dissect/echo.h"
#include "dissect/number.h"
#include "dissect/state.h"

enum {
	ICMP,
	TYPE,
	CODE,
	CHECKSUM,
	CHECKSUM_STATUS,
	IDENT,
	IDENT_LE,
	SEQ,
	SEQ_LE,
	UNUSED,
	MTU,
	POINTER,
	GATEWAY,
	ORIGINATE,
	RECEIVE,
	TRANSMIT,
	MASK,
	RESPONSE_TO,
	RESPONSE_TIME,
};

enum {
	ECHO_REPLY = 0,
	UNREACHABLE = 3,
	SOURCE_QUENCH = 4,
	REDIRECT = 5,
	ECHO_REQUEST = 8,
	TIME_EXCEEDED = 11,
	PARAMETER_PROBLEM = 12,
	TIMESTAMP = 13,
	TIMESTAMP_REPLY = 14,
	MASK_REQUEST = 17,
	MASK_REPLY = 18,
};

enum { HEADER_LENGTH = 8, CODE_FRAGMENTATION = 4, TYPE_CHARS = 20 };

static const struct sonde_value_name types[] = {{0, "Echo (ping) reply"},
						{3, "Destination unreachable"},
						{4, "Source quench (flow control)"},
						{5, "Redirect"},
						{8, "Echo (ping) request"},
						{9, "Router advertisement"},
						{10, "Router solicitation"},
						{11, "Time-to-live exceeded"},
						{12, "Parameter problem"},
						{13, "Timestamp request"},
						{14, "Timestamp reply"},
						{15, "Information request"},
						{16, "Information reply"},
						{17, "Address mask request"},
						{18, "Address mask reply"},
						{30, "Traceroute"},
						{0, NULL}};
static const struct sonde_value_name unreachables[] = {
	{0, "Network unreachable"},
	{1, "Host unreachable"},
	{2, "Protocol unreachable"},
	{3, "Port unreachable"},
	{4, "Fragmentation needed"},
	{5, "Source route failed"},
	{6, "Network unknown"},
	{7, "Host unknown"},
	{8, "Source host isolated"},
	{9, "Network administratively prohibited"},
	{10, "Host administratively prohibited"},
	{11, "Network unreachable for TOS"},
	{12, "Host unreachable for TOS"},
	{13, "Communication administratively filtered"},
	{14, "Host precedence violation"},
	{15, "Precedence cutoff in effect"},
	{0, NULL}};
static const struct sonde_value_name redirects[] = {{0, "Redirect for network"},
						    {1, "Redirect for host"},
						    {2, "Redirect for TOS and network"},
						    {3, "Redirect for TOS and host"},
						    {0, NULL}};
static const struct sonde_value_name exceeded[] = {
	{0, "Time to live exceeded in transit"},
	{1, "Fragment reassembly time exceeded"},
	{0, NULL}};
static const struct sonde_value_name problems[] = {{0, "Pointer indicates the error"},
						   {1, "Required option missing"},
						   {2, "Bad length"},
						   {0, NULL}};
static const struct sonde_value_name statuses[] = {
	{0, "Bad"}, {1, "Good"}, {2, "Unverified"}, {3, "Not present"}, {0, NULL}};

static const struct sonde_field_info fields[] = {
	[ICMP] = FIELD("icmp", "Internet Control Message Protocol", PROTOCOL),
	[TYPE] = NUMBER("icmp.type", "Type", 8, DECIMAL, types),
	[CODE] = NUMBER("icmp.code", "Code", 8, DECIMAL, NULL),
	[CHECKSUM] = NUMBER("icmp.checksum", "Checksum", 16, HEX, NULL),
	[CHECKSUM_STATUS] =
		NUMBER("icmp.checksum.status", "Checksum Status", 8, DECIMAL, statuses),
	[IDENT] = NUMBER("icmp.ident", "Identifier (BE)", 16, DECIMAL_HEX, NULL),
	[IDENT_LE] = NUMBER("icmp.ident_le", "Identifier (LE)", 16, DECIMAL_HEX, NULL),
	[SEQ] = NUMBER("icmp.seq", "Sequence Number (BE)", 16, DECIMAL_HEX, NULL),
	[SEQ_LE] = NUMBER("icmp.seq_le", "Sequence Number (LE)", 16, DECIMAL_HEX, NULL),
	[UNUSED] = FIELD("icmp.unused", "Unused", BYTES),
	[MTU] = NUMBER("icmp.mtu", "MTU of next hop", 16, DECIMAL, NULL),
	[POINTER] = NUMBER("icmp.pointer", "Pointer", 32, DECIMAL, NULL),
	[GATEWAY] = FIELD("icmp.redir_gw", "Gateway Address", IPV4),
	[ORIGINATE] = NUMBER("icmp.originate_timestamp", "Originate Timestamp", 32,
			     DECIMAL, NULL),
	[RECEIVE] =
		NUMBER("icmp.receive_timestamp", "Receive Timestamp", 32, DECIMAL, NULL),
	[TRANSMIT] = NUMBER("icmp.transmit_timestamp", "Transmit Timestamp", 32, DECIMAL,
			    NULL),
	[MASK] = FIELD("icmp.address_mask", "Address Mask", IPV4),
	[RESPONSE_TO] = NUMBER("icmp.resp_to", "Request frame", 32, DECIMAL, NULL),
	[RESPONSE_TIME] = FIELD("icmp.resptime", "Response time", DURATION),
};

static const struct sonde_value_name *codes_of(uint8_t type)
{
	switch (type) {
	case UNREACHABLE:
		return unreachables;
	case REDIRECT:
		return redirects;
	case TIME_EXCEEDED:
		return exceeded;
	case PARAMETER_PROBLEM:
		return problems;
	default:
		return NULL;
	}
}

static bool is_error(uint8_t type)
{
	return codes_of(type) || type == SOURCE_QUENCH;
}

static bool has_numbers(uint8_t type)
{
	return type == ECHO_REPLY || type == ECHO_REQUEST ||
	       (type >= TIMESTAMP && type <= MASK_REPLY);
}

void dissect_quote(struct sonde_dissector *d, const struct dissector *dissector,
		   const struct span *span)
{
	struct sonde_address src = d->src, dst = d->dst;
	uint8_t layer_depth = d->layer_depth;
	bool was_quoted = d->is_quoted, was_off = d->info.is_off;

	if (!span_left(span))
		return;
	d->is_quoted = d->info.is_off = true;
	d->layer_depth++;
	dissect_call(d, dissector, span);
	d->layer_depth = layer_depth;
	d->is_quoted = was_quoted;
	d->info.is_off = was_off;
	d->src = src;
	d->dst = dst;
}

void dissect_data_within(struct sonde_dissector *d, const struct span *span)
{
	uint8_t layer_depth = d->layer_depth;

	d->layer_depth++;
	dissect_rest(d, span);
	d->layer_depth = layer_depth;
}

static uint8_t check(const struct sonde_dissector *d, const struct span *span)
{
	if (d->is_quoted || span_left(span) < span_length(span))
		return CHECKSUM_UNVERIFIED;
	return checksum_end(checksum_add(0, span_bytes(span), span_left(span)))
		       ? CHECKSUM_BAD
		       : CHECKSUM_GOOD;
}

static void add_numbers(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);

	dissect_add_be(d, IDENT, span, 4, 2);
	dissect_add_number(d, IDENT_LE, span, 4, 2, (uint64_t)(bytes[5] << 8 | bytes[4]));
	dissect_add_be(d, SEQ, span, 6, 2);
	dissect_add_number(d, SEQ_LE, span, 6, 2, (uint64_t)(bytes[7] << 8 | bytes[6]));
}

/* The word behind the checksum. */
static void add_word(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);

	if (has_numbers(bytes[0])) {
		add_numbers(d, span);
	} else if (bytes[0] == REDIRECT) {
		dissect_add_be(d, GATEWAY, span, 4, 4);
	} else if (bytes[0] == PARAMETER_PROBLEM) {
		dissect_add_be(d, POINTER, span, 4, 1);
		dissect_add_bytes(d, UNUSED, span, 5, 3);
	} else if (bytes[0] == UNREACHABLE && bytes[1] == CODE_FRAGMENTATION) {
		dissect_add_bytes(d, UNUSED, span, 4, 2);
		dissect_add_be(d, MTU, span, 6, 2);
	} else if (is_error(bytes[0])) {
		dissect_add_bytes(d, UNUSED, span, 4, 4);
	}
}

static void describe(struct sonde_dissector *d, const uint8_t *bytes)
{
	struct column *info = dissect_info(d);
	const char *type =
		value_name(types, bytes[0], "Unknown ICMP (obsolete or malformed?)");
	const char *code = value_name(codes_of(bytes[0]), bytes[1], NULL);

	column_add(info, type);
	/* Types in a column of their own. */
	if (bytes[0] != UNREACHABLE && (code || has_numbers(bytes[0])))
		for (size_t n = strlen(type); n < TYPE_CHARS; n++)
			column_add(info, " ");
	if (code) {
		column_add(info, " (");
		column_add(info, code);
		column_add(info, ")");
	}
	if (has_numbers(bytes[0])) {
		column_add(info, " id=");
		column_add_hex(info, (uint64_t)(bytes[4] << 8 | bytes[5]), 4);
		column_add_pair(info, ", seq=", (uint64_t)(bytes[6] << 8 | bytes[7]));
		column_add_pair(info, "/", (uint64_t)(bytes[7] << 8 | bytes[6]));
		column_add_pair(info, ", ttl=", dissect_headers(d)->ttl);
	}
}

static void match_echo(struct sonde_dissector *d, const uint8_t *bytes)
{
	uint32_t number = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 |
			  (uint32_t)bytes[6] << 8 | bytes[7];
	const struct asked *asked;

	if (bytes[0] == ECHO_REQUEST)
		asked_add(d, ASKED_ICMP, number);
	if (bytes[0] != ECHO_REPLY)
		return;
	asked = asked_find(d, ASKED_ICMP, number);
	if (!asked)
		return;
	dissect_add_made(d, RESPONSE_TO, asked->frame);
	dissect_add_made(d, RESPONSE_TIME, (uint64_t)(d->frame->at_ns - asked->at_ns));
	column_add_pair(dissect_info(d), " (request in ", asked->frame);
	column_add(dissect_info(d), ")");
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct sonde_field *field;
	struct span payload;

	dissect_set_column(d, "ICMP");
	d->src.port = d->dst.port = 0;
	if (span_left(span) < HEADER_LENGTH) {
		dissect_open(d, span, span_left(span));
		dissect_set_short(d);
		return;
	}
	dissect_open(d, span, span_left(span));
	if (dissect_wants_own(d)) {
		const char *code = value_name(codes_of(bytes[0]), bytes[1], NULL);

		dissect_add_be(d, TYPE, span, 0, 1);
		field = dissect_add_be(d, CODE, span, 1, 1);
		if (code)
			dissect_set_label(d, field, "Code: %u (%s)", bytes[1], code);
		dissect_add_be(d, CHECKSUM, span, 2, 2);
		dissect_set_flags(dissect_add_number(d, CHECKSUM_STATUS, span, 2, 0,
						     check(d, span)),
				  SONDE_FIELD_GENERATED);
		add_word(d, span);
	}
	if (dissect_wants_columns(d))
		describe(d, bytes);
	match_echo(d, bytes);
	payload = span_part(span, HEADER_LENGTH, UINT32_MAX);
	if (is_error(bytes[0])) {
		dissect_quote(d, &dissector_ip, &payload);
	} else if (bytes[0] == TIMESTAMP || bytes[0] == TIMESTAMP_REPLY) {
		dissect_add_be(d, ORIGINATE, span, 8, 4);
		dissect_add_be(d, RECEIVE, span, 12, 4);
		dissect_add_be(d, TRANSMIT, span, 16, 4);
	} else if (bytes[0] == MASK_REQUEST || bytes[0] == MASK_REPLY) {
		dissect_add_be(d, MASK, span, 8, 4);
	} else {
		dissect_data_within(d, &payload);
	}
}

const struct dissector dissector_icmp = {
	.name = "icmp",
	.column = "ICMP",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
