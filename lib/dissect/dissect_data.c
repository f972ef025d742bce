/* What no dissector knows, and what a dissector could not go on with. */
#include "dissect/state.h"

enum { DATA, DATA_DATA, DATA_LENGTH };

static const struct sonde_field_info data_fields[] = {
	[DATA] = FIELD("data", "Data", PROTOCOL),
	[DATA_DATA] = FIELD("data.data", "Data", BYTES),
	[DATA_LENGTH] = {"data.len", "Length", SONDE_FIELD_INT, 0, 32, NULL},
};

static void dissect_data(struct sonde_dissector *d, const struct span *span)
{
	uint32_t left = span_left(span);
	struct sonde_field *field;

	dissect_open(d, span, left);
	dissect_add_bytes(d, DATA_DATA, span, 0, left);
	field = dissect_add_integer(d, DATA_LENGTH, span, 0, 0, left);
	dissect_set_flags(field, SONDE_FIELD_GENERATED);
}

const struct dissector dissector_data = {
	.name = "data",
	.column = "Data",
	.fields = data_fields,
	.field_count = sizeof(data_fields) / sizeof(data_fields[0]),
	.dissect = dissect_data,
};

static const struct sonde_field_info malformed_fields[] = {
	FIELD("_ws.malformed", "Malformed Packet", PROTOCOL),
};

static void dissect_malformed(struct sonde_dissector *d, const struct span *span)
{
	dissect_open(d, span, 0);
	column_add(dissect_info(d), "[Malformed Packet]");
}

const struct dissector dissector_malformed = {
	.name = "_ws.malformed",
	.column = "Malformed",
	.fields = malformed_fields,
	.field_count = 1,
	.dissect = dissect_malformed,
};

static const struct sonde_field_info short_fields[] = {
	FIELD("_ws.short", "Packet size limited during capture", PROTOCOL),
};

static void dissect_short(struct sonde_dissector *d, const struct span *span)
{
	dissect_open(d, span, 0);
	column_add(dissect_info(d), "[Packet size limited during capture]");
}

const struct dissector dissector_short = {
	.name = "_ws.short",
	.column = "Short",
	.fields = short_fields,
	.field_count = 1,
	.dissect = dissect_short,
};
