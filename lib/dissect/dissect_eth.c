/* Ethernet II and IEEE 802.3: two addresses, and a type or a length. */
#include <string.h>

#include "dissect/state.h"
#include "dissect/number.h"

enum {
	ETH,
	DESTINATION,
	SOURCE,
	ADDRESS,
	DESTINATION_LG,
	DESTINATION_IG,
	SOURCE_LG,
	SOURCE_IG,
	LG,
	IG,
	TYPE,
	LENGTH,
	PADDING,
	TRAILER,
	INVALID,
};

enum {
	HEADER_LENGTH = 14,
	FRAME_LEAST = 60, /* shorter ones are padded by the card */
	TYPE_LEAST = 0x0600,
	LENGTH_MOST = 1500,
};

const struct sonde_value_name dissect_ether_types[] = {
	{0x0800, "IPv4"},
	{0x0806, "ARP"},
	{0x8100, "802.1Q Virtual LAN"},
	{0x86dd, "IPv6"},
	{0x88a8, "802.1ad Provider Bridge (Q-in-Q)"},
	{0x88cc, "802.1 Link Layer Discovery Protocol (LLDP)"},
	{0x888e, "802.1X Authentication"},
	{0x8847, "MPLS label switched packet"},
	{0x8863, "PPPoE Discovery"},
	{0x8864, "PPPoE Session"},
	{0x9100, "QinQ: old non-standard 802.1ad"},
	{0, NULL}};

static const struct sonde_field_info fields[] = {
	[ETH] = FIELD("eth", "Ethernet", PROTOCOL),
	[DESTINATION] = FIELD("eth.dst", "Destination", ETHERNET),
	[SOURCE] = FIELD("eth.src", "Source", ETHERNET),
	[ADDRESS] = FIELD("eth.addr", "Address", ETHERNET),
	[DESTINATION_LG] = FIELD("eth.dst.lg", "LG bit", BOOL),
	[DESTINATION_IG] = FIELD("eth.dst.ig", "IG bit", BOOL),
	[SOURCE_LG] = FIELD("eth.src.lg", "LG bit", BOOL),
	[SOURCE_IG] = FIELD("eth.src.ig", "IG bit", BOOL),
	[LG] = FIELD("eth.lg", "LG bit", BOOL),
	[IG] = FIELD("eth.ig", "IG bit", BOOL),
	[TYPE] = NUMBER("eth.type", "Type", 16, HEX, dissect_ether_types),
	[LENGTH] = NUMBER("eth.len", "Length", 16, DECIMAL, NULL),
	[PADDING] = FIELD("eth.padding", "Padding", BYTES),
	[TRAILER] = FIELD("eth.trailer", "Trailer", BYTES),
	[INVALID] = NUMBER("eth.invalid_lentype", "Invalid length/type", 16, HEX, NULL),
};

static void add_address(struct sonde_dissector *d, const struct span *span, uint32_t at,
			unsigned own, unsigned lg, unsigned ig)
{
	uint8_t first = span_bytes(span)[at];

	dissect_add_bytes(d, own, span, at, 6);
	dissect_nest(d);
	dissect_set_flags(dissect_add_bytes(d, ADDRESS, span, at, 6), SONDE_FIELD_HIDDEN);
	dissect_add_number(d, lg, span, at, 3, first >> 1 & 1);
	dissect_set_flags(dissect_add_number(d, LG, span, at, 3, first >> 1 & 1),
			  SONDE_FIELD_HIDDEN);
	dissect_add_number(d, ig, span, at, 3, first & 1);
	dissect_set_flags(dissect_add_number(d, IG, span, at, 3, first & 1),
			  SONDE_FIELD_HIDDEN);
	dissect_unnest(d);
}

/* Where the packet within ends, as far as its own header says it. */
static uint32_t inner_end(uint16_t type, const struct span *inner)
{
	const uint8_t *bytes = span_bytes(inner);
	uint32_t left = span_left(inner), length = UINT32_MAX;

	if (type < TYPE_LEAST)
		return inner->end;
	while (type == ETHER_TYPE_VLAN && left >= 4) {
		type = (uint16_t)(bytes[2] << 8 | bytes[3]);
		bytes += 4;
		left -= 4;
	}
	if (type == ETHER_TYPE_IPV4 && left >= 4)
		length = (uint32_t)(bytes[2] << 8 | bytes[3]);
	else if (type == ETHER_TYPE_IPV6 && left >= 6)
		length = 40u + (uint32_t)(bytes[4] << 8 | bytes[5]);
	else if (type == ETHER_TYPE_ARP && left >= 6)
		length = 8u + 2u * (bytes[4] + bytes[5]);
	if (length == 0 || length >= left)
		return UINT32_MAX;
	return (uint32_t)(bytes - inner->bytes) + length;
}

/* What the layers within did not take as theirs: padding, then a trailer. */
static void add_trailer(struct sonde_dissector *d, const struct span *span, uint32_t end)
{
	uint32_t total = span->captured, padding;
	struct span rest = *span;

	if (end >= total || total > span->end)
		return;
	rest.at = end;
	/* A card fills up to the least length, by zeros. */
	padding = span->end >= FRAME_LEAST && end < FRAME_LEAST ? FRAME_LEAST - end : 0;
	if (total - end < padding) /* cut: nobody knows which of the two it is */
		return;
	for (uint32_t i = 0; i < padding; i++)
		if (span->bytes[end + i]) /* what is not zero is meant */
			padding = 0;
	if (padding)
		dissect_add_bytes(d, PADDING, &rest, 0, padding);
	if (padding < total - end)
		dissect_add_bytes(d, TRAILER, &rest, padding, total - end - padding);
}

void dissect_set_ethernet_ends(struct sonde_dissector *d, const uint8_t *source,
			       const uint8_t *destination)
{
	if (!d->wants_columns || d->is_quoted)
		return;
	d->column_source.kind = source ? END_ETHERNET : END_NONE;
	if (source)
		memcpy(d->column_source.ethernet, source, 6);
	d->column_destination.kind = destination ? END_ETHERNET : END_NONE;
	if (destination)
		memcpy(d->column_destination.ethernet, destination, 6);
}

static void set_label(struct sonde_dissector *d, struct sonde_field *layer,
		      const uint8_t *bytes)
{
	bool has_length = (bytes[12] << 8 | bytes[13]) < TYPE_LEAST;
	char from[17], to[17];

	if (!layer || !d->wants_all)
		return;
	dissect_set_label(d, layer, "%s, Src: %.*s, Dst: %.*s",
			  has_length ? "IEEE 802.3 Ethernet" : "Ethernet II",
			  (int)column_ethernet(bytes + 6, from), from,
			  (int)column_ethernet(bytes, to), to);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct span inner = span_part(span, HEADER_LENGTH, UINT32_MAX);
	struct sonde_field *layer;
	uint16_t type;

	dissect_set_column(d, "Ethernet");
	if (span_left(span) < HEADER_LENGTH) {
		dissect_open(d, span, span_left(span));
		dissect_set_short(d);
		return;
	}
	type = (uint16_t)(bytes[12] << 8 | bytes[13]);
	dissect_set_ethernet_ends(d, bytes + 6, bytes);
	if (type < TYPE_LEAST)
		column_add(dissect_info(d), "IEEE 802.3 Ethernet");
	else
		column_add(dissect_info(d), "Ethernet II");
	layer = dissect_open(d, span, HEADER_LENGTH);
	set_label(d, layer, bytes);
	if (dissect_wants_own(d)) {
		add_address(d, span, 0, DESTINATION, DESTINATION_LG, DESTINATION_IG);
		add_address(d, span, 6, SOURCE, SOURCE_LG, SOURCE_IG);
		if (type >= TYPE_LEAST)
			dissect_add_be(d, TYPE, span, 12, 2);
		else if (type <= LENGTH_MOST)
			dissect_add_be(d, LENGTH, span, 12, 2);
		else
			dissect_add_be(d, INVALID, span, 12, 2);
	}
	if (type <= LENGTH_MOST)
		inner = span_part(&inner, 0, type);
	if (dissect_wants_own(d))
		add_trailer(d, span, inner_end(type, &inner));
	if (type >= TYPE_LEAST || type <= LENGTH_MOST)
		dissect_type_or_length(d, type, &inner);
}

const struct dissector dissector_eth = {
	.name = "eth",
	.column = "Ethernet",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
