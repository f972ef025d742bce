/* IEEE 802.1Q and 802.1ad: a tag in front of the type, or several. */
#include "dissect/number.h"
#include "dissect/state.h"

enum { VLAN, PRIORITY, DEI, ID, TYPE, LENGTH };

enum { TAG_LENGTH = 4, TYPE_LEAST = 0x0600 };

static const struct sonde_value_name priorities[] = {
	{0, "Best Effort (default)"},
	{1, "Background"},
	{2, "Excellent Effort"},
	{3, "Critical Applications"},
	{4, "Video, < 100ms latency and jitter"},
	{5, "Voice, < 10ms latency and jitter"},
	{6, "Internetwork Control"},
	{7, "Network Control"},
	{0, NULL}};

static const struct sonde_field_info fields[] = {
	[VLAN] = FIELD("vlan", "802.1Q Virtual LAN", PROTOCOL),
	[PRIORITY] = NUMBER("vlan.priority", "Priority", 16, DECIMAL, priorities),
	[DEI] = FIELD("vlan.dei", "DEI", BOOL),
	[ID] = NUMBER("vlan.id", "ID", 16, DECIMAL, NULL),
	[TYPE] = NUMBER("vlan.etype", "Type", 16, HEX, dissect_ether_types),
	[LENGTH] = NUMBER("vlan.len", "Length", 16, DECIMAL, NULL),
};

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct span inner = span_part(span, TAG_LENGTH, UINT32_MAX);
	struct sonde_field *layer;
	uint16_t tag, type;

	dissect_set_column(d, "VLAN");
	layer = dissect_open(d, span, TAG_LENGTH);
	if (span_left(span) < TAG_LENGTH) {
		dissect_set_short(d);
		return;
	}
	tag = (uint16_t)(bytes[0] << 8 | bytes[1]);
	type = (uint16_t)(bytes[2] << 8 | bytes[3]);
	column_add_pair(dissect_info(d), "PRI: ", tag >> 13);
	column_add_pair(dissect_info(d), "  DEI: ", tag >> 12 & 1);
	column_add_pair(dissect_info(d), "  ID: ", tag & 0xfff);
	if (dissect_wants_own(d)) {
		dissect_set_label(d, layer,
				  "802.1Q Virtual LAN, PRI: %d, DEI: %d, ID: %d",
				  tag >> 13, tag >> 12 & 1, tag & 0xfff);
		dissect_add_number(d, PRIORITY, span, 0, 2, tag >> 13);
		dissect_add_number(d, DEI, span, 0, 2, tag >> 12 & 1);
		dissect_add_number(d, ID, span, 0, 2, tag & 0xfff);
		dissect_add_number(d, type < TYPE_LEAST ? LENGTH : TYPE, span, 2, 2,
				   type);
	}
	if (type < TYPE_LEAST)
		inner = span_part(&inner, 0, type);
	dissect_type_or_length(d, type, &inner);
}

/* The provider's tag has fields of its own, in the same order. */
static const struct sonde_field_info service_fields[] = {
	[VLAN] = FIELD("ieee8021ad", "IEEE 802.1ad", PROTOCOL),
	[PRIORITY] = NUMBER("ieee8021ad.priority", "Priority", 16, DECIMAL, priorities),
	[DEI] = FIELD("ieee8021ad.dei", "DEI", BOOL),
	[ID] = NUMBER("ieee8021ad.id", "ID", 16, DECIMAL, NULL),
	[TYPE] = NUMBER("ieee8021ah.etype", "Type", 16, HEX, dissect_ether_types),
	[LENGTH] = NUMBER("ieee8021ad.sonde.len", "Length", 16, DECIMAL, NULL),
};

const struct dissector dissector_ieee8021ad = {
	.name = "ieee8021ad",
	.column = "802.1ad",
	.fields = service_fields,
	.field_count = sizeof(service_fields) / sizeof(service_fields[0]),
	.dissect = dissect,
};

const struct dissector dissector_vlan = {
	.name = "vlan",
	.column = "VLAN",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
