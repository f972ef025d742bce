/* UDP (RFC 768). */
#include "dissect/checksum.h"
#include "dissect/number.h"
#include "dissect/state.h"

enum {
	UDP,
	SOURCE_PORT,
	DESTINATION_PORT,
	PORT,
	LENGTH,
	CHECKSUM,
	CHECKSUM_STATUS,
	STREAM,
	TIME_RELATIVE,
	TIME_DELTA,
	PAYLOAD,
	LENGTH_BAD,
};

enum { HEADER_LENGTH = 8 };

static const struct sonde_value_name checksum_statuses[] = {
	{0, "Bad"}, {1, "Good"}, {2, "Unverified"}, {3, "Not present"}, {0, NULL}};

static const struct sonde_field_info fields[] = {
	[UDP] = FIELD("udp", "User Datagram Protocol", PROTOCOL),
	[SOURCE_PORT] = NUMBER("udp.srcport", "Source Port", 16, DECIMAL, NULL),
	[DESTINATION_PORT] = NUMBER("udp.dstport", "Destination Port", 16, DECIMAL, NULL),
	[PORT] = NUMBER("udp.port", "Source or Destination Port", 16, DECIMAL, NULL),
	[LENGTH] = NUMBER("udp.length", "Length", 16, DECIMAL, NULL),
	[CHECKSUM] = NUMBER("udp.checksum", "Checksum", 16, HEX, NULL),
	[CHECKSUM_STATUS] = NUMBER("udp.checksum.status", "Checksum Status", 8, DECIMAL,
				   checksum_statuses),
	[STREAM] = NUMBER("udp.stream", "Stream index", 32, DECIMAL, NULL),
	[TIME_RELATIVE] = FIELD("udp.time_relative", "Time since first frame", DURATION),
	[TIME_DELTA] = FIELD("udp.time_delta", "Time since previous frame", DURATION),
	[PAYLOAD] = FIELD("udp.payload", "Payload", BYTES),
	[LENGTH_BAD] = FIELD("udp.length.bad", "Bad length value", NOTE),
};

struct conversation *udp_flow_find(struct sonde_dissector *d)
{
	struct conversation *flow =
		conversation_find(&d->udp_flows, &d->src, &d->dst, &d->is_forward);

	if (flow && !flow->first_frame) {
		flow->first_frame = d->frame_number;
		flow->first_ns = flow->last_ns = d->frame->at_ns;
	}
	if (flow && !d->is_quoted && !d->out->has_stream) {
		d->out->has_stream = true;
		d->out->stream = flow->number;
	}
	return flow;
}

static void add_fields(struct sonde_dissector *d, const struct span *span,
		       const struct conversation *flow, uint32_t length)
{
	const uint8_t *bytes = span_bytes(span);
	uint16_t checksum = (uint16_t)(bytes[6] << 8 | bytes[7]);

	dissect_add_be(d, SOURCE_PORT, span, 0, 2);
	dissect_add_be(d, DESTINATION_PORT, span, 2, 2);
	dissect_set_flags(dissect_add_be(d, PORT, span, 0, 2), SONDE_FIELD_HIDDEN);
	dissect_set_flags(dissect_add_be(d, PORT, span, 2, 2), SONDE_FIELD_HIDDEN);
	dissect_add_be(d, LENGTH, span, 4, 2);
	if (length < HEADER_LENGTH)
		dissect_add_note(d, LENGTH_BAD);
	dissect_add_be(d, CHECKSUM, span, 6, 2);
	dissect_set_flags(
		dissect_add_number(d, CHECKSUM_STATUS, span, 6, 0,
				   checksum ? CHECKSUM_UNVERIFIED : CHECKSUM_ABSENT),
		SONDE_FIELD_GENERATED);
	if (flow)
		dissect_add_made(d, STREAM, flow->number);
}

static void describe_ports(struct sonde_dissector *d)
{
	struct column *info = dissect_info(d);

	column_add_number(info, d->src.port);
	column_add(info, " → ");
	column_add_number(info, d->dst.port);
}

static void describe_length(struct sonde_dissector *d, const struct span *span,
			    uint32_t length)
{
	struct column *info = dissect_info(d);

	if (length < HEADER_LENGTH || (length > span_length(span) && !d->is_quoted)) {
		column_add_pair(info, " [BAD UDP LENGTH ", length);
		column_add(info,
			   length < HEADER_LENGTH ? " < 8]" : " > IP PAYLOAD LENGTH]");
	}
	if (length >= HEADER_LENGTH)
		column_add_pair(info, " Len=", length - HEADER_LENGTH);
}

/* Of a header that is not all there, what is. */
static void dissect_part(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t left = span_left(span);

	dissect_open(d, span, left);
	dissect_add_be(d, SOURCE_PORT, span, 0, 2);
	dissect_add_be(d, DESTINATION_PORT, span, 2, 2);
	dissect_set_flags(dissect_add_be(d, PORT, span, 0, 2), SONDE_FIELD_HIDDEN);
	dissect_set_flags(dissect_add_be(d, PORT, span, 2, 2), SONDE_FIELD_HIDDEN);
	dissect_add_be(d, LENGTH, span, 4, 2);
	if (left >= 4) {
		dissect_set_column(d, "UDP");
		d->src.port = (uint16_t)(bytes[0] << 8 | bytes[1]);
		d->dst.port = (uint16_t)(bytes[2] << 8 | bytes[3]);
		if (dissect_wants_columns(d)) {
			describe_ports(d);
			if (left >= 6)
				describe_length(d, span,
						(uint32_t)(bytes[4] << 8 | bytes[5]));
		}
	}
	dissect_set_short(d);
}

static void add_times(struct sonde_dissector *d, struct conversation *flow)
{
	struct span none = {.bytes = d->frame->bytes};

	if (d->frame->at_ns != INT64_MIN && !d->is_quoted) {
		dissect_set_flags(dissect_add_integer(d, TIME_RELATIVE, &none, 0, 0,
						      d->frame->at_ns - flow->first_ns),
				  SONDE_FIELD_GENERATED);
		dissect_set_flags(dissect_add_integer(d, TIME_DELTA, &none, 0, 0,
						      d->frame->at_ns - flow->last_ns),
				  SONDE_FIELD_GENERATED);
		flow->last_ns = d->frame->at_ns;
	}
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct sonde_field *layer;
	struct conversation *flow;
	struct span payload;
	uint32_t length;

	if (span_length(span) == 0 && d->src.family == SONDE_FAMILY_INET)
		return;
	if (span_left(span) < HEADER_LENGTH) {
		dissect_part(d, span);
		return;
	}
	dissect_set_column(d, "UDP");
	d->src.port = (uint16_t)(bytes[0] << 8 | bytes[1]);
	d->dst.port = (uint16_t)(bytes[2] << 8 | bytes[3]);
	d->is_tcp = false;
	length = (uint32_t)(bytes[4] << 8 | bytes[5]);
	if (length == 0 && d->src.family == SONDE_FAMILY_INET6)
		length = span_length(span); /* a jumbogram */
	d->flow = flow = udp_flow_find(d);
	layer = dissect_open(d, span, HEADER_LENGTH);
	dissect_set_label(d, layer, "User Datagram Protocol, Src Port: %u, Dst Port: %u",
			  d->src.port, d->dst.port);
	if (dissect_wants_own(d))
		add_fields(d, span, flow, length);
	if (dissect_wants_columns(d)) {
		describe_ports(d);
		describe_length(d, span, length);
		if (bytes[4] == 0 && bytes[5] == 0 && length >= HEADER_LENGTH)
			column_add(dissect_info(d), " [Jumbogram]");
		/* Only IPv4 lets it be left out (RFC 8200, 8.1). */
		if (d->src.family == SONDE_FAMILY_INET6 && length >= HEADER_LENGTH &&
		    !d->is_quoted && !bytes[6] && !bytes[7])
			column_add(dissect_info(d), " [ILLEGAL CHECKSUM (0)]");
	}
	if (length < HEADER_LENGTH)
		return;
	if (flow)
		add_times(d, flow);
	payload = span_part(span, HEADER_LENGTH, length - HEADER_LENGTH);
	if (span_left(&payload))
		dissect_add_bytes(d, PAYLOAD, &payload, 0, span_left(&payload));
	if (d->wants_applications && span_left(&payload))
		application_dissect_datagram(d, &payload);
}

const struct dissector dissector_udp = {
	.name = "udp",
	.column = "UDP",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
