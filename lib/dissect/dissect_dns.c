/* DNS (RFC 1035, 3596, 6891 and more), over UDP and TCP: the message, its flags and
 * questions.  Records are dns_record.c's, names dns_name.c's. */
#include <string.h>

#include "dissect/dns_part.h"
#include "dissect/echo.h"
#include "dissect/state.h"

enum { HEADER_LENGTH = 12, OPCODE_UPDATE = 5 };

static const uint16_t ports[] = {53, 0};

const struct sonde_value_name dns_opcodes[] = {
	{0, "Standard query"},        {1, "Inverse query"},
	{2, "Server status request"}, {4, "Zone change notification"},
	{5, "Dynamic update"},        {0, NULL}};
const struct sonde_value_name dns_rcodes[] = {
	{0, "No error"},          {1, "Format error"},      {2, "Server failure"},
	{3, "No such name"},      {4, "Not implemented"},   {5, "Refused"},
	{6, "Name exists"},       {7, "RRset exists"},      {8, "RRset does not exist"},
	{9, "Not authoritative"}, {10, "Name out of zone"}, {0, NULL}};

static ssize_t pdu_length(struct sonde_dissector *d, const uint8_t *bytes, size_t n)
{
	(void)d;
	return n < 2 ? PDU_MORE : 2 + (bytes[0] << 8 | bytes[1]);
}

/* On other ports: one question with a name, a type and a class that there are, and a
 * number of records that the length allows. */
static bool recognise(const uint8_t *bytes, size_t n, bool is_tcp)
{
	struct span span = {.bytes = bytes, .captured = (uint32_t)n, .end = (uint32_t)n};
	struct dns_name name;
	uint32_t at = HEADER_LENGTH, class;

	if (is_tcp || n < HEADER_LENGTH + 5 || n > UINT16_MAX)
		return false;
	if (bytes[4] || bytes[5] != 1 || bytes[6] || bytes[8] || bytes[10])
		return false;
	if (!value_name(dns_opcodes, bytes[2] >> 3 & 0xf, NULL) || bytes[3] & 0x40)
		return false;
	if (!(bytes[2] & 0x80) && (bytes[3] & 0x8f || bytes[7]))
		return false;
	if (!dns_name_read(&span, at, &name) || n < at + name.length + 4)
		return false;
	at += name.length;
	class = (uint32_t)(bytes[at + 2] << 8 | bytes[at + 3]);
	return value_name(dns_types, (uint64_t)(bytes[at] << 8 | bytes[at + 1]), NULL) &&
	       value_name(dns_classes, class, NULL);
}

static void add_flag(struct sonde_dissector *d, unsigned own, const struct span *span,
		     unsigned flags, unsigned bit)
{
	dissect_add_number(d, own, span, 2, 2, flags >> bit & 1);
}

static void add_flags(struct sonde_dissector *d, const struct span *span, unsigned flags)
{
	bool is_response = flags >> 15;
	struct sonde_field *field = dissect_add_be(d, DNS_FLAGS, span, 2, 2);
	const char *opcode =
		value_name(dns_opcodes, flags >> 11 & 0xf, "Unknown operation");

	if (is_response)
		dissect_set_label(d, field, "Flags: 0x%04x %s response, %s", flags,
				  opcode, value_name(dns_rcodes, flags & 0xf, "Unknown"));
	else
		dissect_set_label(d, field, "Flags: 0x%04x %s", flags, opcode);
	dissect_nest(d);
	add_flag(d, DNS_FLAG_RESPONSE, span, flags, 15);
	dissect_add_number(d, DNS_FLAG_OPCODE, span, 2, 2, flags >> 11 & 0xf);
	if (is_response)
		add_flag(d, DNS_FLAG_AUTHORITATIVE, span, flags, 10);
	add_flag(d, DNS_FLAG_TRUNCATED, span, flags, 9);
	add_flag(d, DNS_FLAG_RECURSION_DESIRED, span, flags, 8);
	if (is_response)
		add_flag(d, DNS_FLAG_RECURSION_AVAILABLE, span, flags, 7);
	add_flag(d, DNS_FLAG_Z, span, flags, 6);
	if (is_response || flags >> 5 & 1)
		add_flag(d, DNS_FLAG_AUTHENTICATED, span, flags, 5);
	add_flag(d, DNS_FLAG_CHECK_DISABLED, span, flags, 4);
	if (is_response)
		dissect_add_number(d, DNS_FLAG_RCODE, span, 2, 2, flags & 0xf);
	dissect_unnest(d);
}

static bool add_question(struct sonde_dissector *d, const struct span *span, uint32_t *at)
{
	const uint8_t *bytes = span_bytes(span);
	struct dns_name name;
	uint32_t from = *at, length;
	char *kept;

	if (!dns_name_read(span, *at, &name) || span_left(span) < *at + name.length + 4)
		return false;
	length = name.length;
	*at += length;
	column_add(dissect_info(d), " ");
	column_add(dissect_info(d),
		   dns_type_name((uint16_t)(bytes[*at] << 8 | bytes[*at + 1])));
	column_add(dissect_info(d), " ");
	column_add_escaped(dissect_info(d), name.text, name.size);
	if (dissect_wants_own(d)) {
		kept = dissect_keep(d, name.size);
		if (kept)
			memcpy(kept, name.text, name.size);
		dissect_add_text(d, DNS_QUERY_NAME, span, from, length, kept, name.size);
		dissect_set_flags(dissect_add_number(d, DNS_QUERY_NAME_LENGTH, span, from,
						     length,
						     name.is_root ? 0 : name.size),
				  SONDE_FIELD_GENERATED);
		dissect_set_flags(dissect_add_number(d, DNS_LABELS, span, from, length,
						     name.labels),
				  SONDE_FIELD_GENERATED);
		dissect_add_be(d, DNS_QUERY_TYPE, span, *at, 2);
		dissect_add_be(d, DNS_QUERY_CLASS, span, *at + 2, 2);
	}
	*at += 4;
	return true;
}

static bool add_records(struct sonde_dissector *d, const struct span *span, uint32_t *at,
			uint32_t count, bool is_told)
{
	while (count--)
		if (!dns_record_add(d, span, at, is_told))
			return false;
	return true;
}

static void match(struct sonde_dissector *d, uint16_t id, bool is_response)
{
	uint8_t protocol = dissect_is_tcp(d) ? ASKED_DNS_TCP : ASKED_DNS_UDP;
	const struct asked *asked;
	struct span none = {.bytes = (const uint8_t *)""};
	struct sonde_field *field;

	if (!is_response) {
		asked_add(d, protocol, id);
		return;
	}
	asked = asked_find(d, protocol, id);
	if (!asked)
		return;
	dissect_add_made(d, DNS_RESPONSE_TO, asked->frame);
	field = dissect_add_integer(d, DNS_TIME, &none, 0, 0,
				    dissect_frame_time(d) - asked->at_ns);
	dissect_set_flags(field, SONDE_FIELD_GENERATED);
	asked_answer(d, asked);
}

static void describe(struct sonde_dissector *d, uint16_t id, unsigned flags)
{
	struct column *info = dissect_info(d);
	unsigned rcode = flags & 0xf;

	column_add(info, value_name(dns_opcodes, flags >> 11 & 0xf, "Unknown operation"));
	if (flags >> 15)
		column_add(info, " response");
	column_add(info, " ");
	column_add_hex(info, id, 4);
	if (flags >> 15 && rcode) {
		column_add(info, " ");
		column_add(info, value_name(dns_rcodes, rcode, "Unknown error"));
	}
}

/* The message without its length; compressed names count from here. */
static void dissect_message(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t at = HEADER_LENGTH, counts[4];
	bool is_whole = true;
	unsigned flags;
	uint16_t id;

	if (span_left(span) < HEADER_LENGTH) {
		dissect_set_short(d);
		return;
	}
	id = (uint16_t)(bytes[0] << 8 | bytes[1]);
	flags = (unsigned)(bytes[2] << 8 | bytes[3]);
	for (int i = 0; i < 4; i++)
		counts[i] = (uint32_t)(bytes[4 + 2 * i] << 8 | bytes[5 + 2 * i]);
	describe(d, id, flags);
	dissect_add_be(d, DNS_ID, span, 0, 2);
	add_flags(d, span, flags);
	for (unsigned i = 0; i < 3; i++)
		dissect_add_be(
			d,
			((flags >> 11 & 0xf) == OPCODE_UPDATE ? DNS_ZONES : DNS_QUERIES) +
				i,
			span, 4 + 2 * i, 2);
	dissect_add_be(d, DNS_ADDITIONALS, span, 10, 2);
	for (uint32_t i = 0; i < counts[0] && is_whole; i++)
		is_whole = add_question(d, span, &at);
	for (int i = 1; i < 4 && is_whole; i++)
		is_whole = add_records(d, span, &at, counts[i], true);
	if (!is_whole && span_left(span) < span_length(span))
		dissect_set_short(d);
	else if (!is_whole)
		dissect_set_malformed(d);
	match(d, id, flags >> 15);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	struct span message = *span;
	struct sonde_field *layer;
	bool is_response;

	dissect_join_column(d, "DNS", " ");
	layer = dissect_open(d, span, span_left(span));
	if (dissect_is_tcp(d))
		message = span_part(span, 2, UINT32_MAX);
	is_response = span_left(&message) > 2 && span_bytes(&message)[2] & 0x80;
	dissect_set_label(d, layer, "Domain Name System (%s)",
			  is_response ? "response" : "query");
	if (dissect_is_tcp(d))
		dissect_add_be(d, DNS_LENGTH, span, 0, 2);
	dissect_message(d, &message);
}

const struct dissector dissector_dns = {
	.name = "dns",
	.column = "DNS",
	.fields = dns_fields,
	.field_count = DNS_FIELDS,
	.tcp_ports = ports,
	.udp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
