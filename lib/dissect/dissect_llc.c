/* IEEE 802.2: service access points, and SNAP, which leads back to types. */
#include "dissect/number.h"
#include "dissect/state.h"

enum { LLC, DSAP, SSAP, CONTROL, OUI, TYPE, PID };

enum { SAP_SNAP = 0xaa, SAP_SPANNING_TREE = 0x42, CONTROL_UI = 0x03 };

static const struct sonde_value_name saps[] = {
	{0x00, "NULL LSAP"},   {0x42, "Spanning Tree BPDU"},
	{0xaa, "SNAP"},        {0xe0, "NetWare"},
	{0xf0, "NetBIOS"},     {0xfe, "ISO Network Layer"},
	{0xff, "Global DSAP"}, {0, NULL}};

static const struct sonde_field_info fields[] = {
	[LLC] = FIELD("llc", "Logical-Link Control", PROTOCOL),
	[DSAP] = NUMBER("llc.dsap", "DSAP", 8, HEX, saps),
	[SSAP] = NUMBER("llc.ssap", "SSAP", 8, HEX, saps),
	[CONTROL] = NUMBER("llc.control", "Control", 16, HEX, NULL),
	[OUI] = NUMBER("llc.oui", "Organization Code", 24, DECIMAL, NULL),
	[TYPE] = NUMBER("llc.type", "Type", 16, HEX, dissect_ether_types),
	[PID] = NUMBER("llc.pid", "Protocol ID", 16, HEX, NULL),
};

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t left = span_left(span), length;
	struct span inner;
	bool is_snap, is_cut;

	dissect_set_column(d, "LLC");
	if (left < 3) {
		dissect_open(d, span, left);
		dissect_set_short(d);
		return;
	}
	is_snap = bytes[0] == SAP_SNAP && bytes[1] == SAP_SNAP && left >= 8;
	/* Unnumbered frames have one byte of control, the others two. */
	is_cut = !is_snap && (bytes[2] & 3) != 3 && left < 4;
	length = is_snap ? 8 : (bytes[2] & 3) == 3 || is_cut ? 3 : 4;
	dissect_open(d, span, length);
	dissect_add_be(d, DSAP, span, 0, 1);
	dissect_add_be(d, SSAP, span, 1, 1);
	if (is_cut)
		dissect_set_short(d);
	else
		dissect_add_be(d, CONTROL, span, 2, length == 4 ? 2 : 1);
	inner = span_part(span, length, UINT32_MAX);
	if (is_snap) {
		uint16_t type = (uint16_t)(bytes[6] << 8 | bytes[7]);
		bool is_encapsulated = !bytes[3] && !bytes[4] && !bytes[5];

		dissect_add_be(d, OUI, span, 3, 3);
		dissect_add_be(d, is_encapsulated ? TYPE : PID, span, 6, 2);
		if (is_encapsulated) {
			dissect_ether_type(d, type, &inner);
			return;
		}
	}
	column_add(dissect_info(d), "DSAP ");
	column_add_hex(dissect_info(d), bytes[0] & 0xfe, 2);
	column_add(dissect_info(d), bytes[0] & 1 ? " Group" : " Individual");
	column_add(dissect_info(d), ", SSAP ");
	column_add_hex(dissect_info(d), bytes[1] & 0xfe, 2);
	column_add(dissect_info(d), bytes[1] & 1 ? " Response" : " Command");
	dissect_rest(d, &inner);
}

const struct dissector dissector_llc = {
	.name = "llc",
	.column = "LLC",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
