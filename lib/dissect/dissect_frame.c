/* The frame: what the file says of it, before any byte is looked at. */
#include <stdio.h>
#include <string.h>

#include <sonde/packet.h>

#include "dissect/state.h"

enum {
	FRAME,
	TIME,
	TIME_EPOCH,
	TIME_DELTA,
	TIME_RELATIVE,
	FRAME_NUMBER,
	LENGTH,
	CAPTURED_LENGTH,
	INTERFACE_ID,
	INTERFACE_NAME,
	DIRECTION,
	ENCAP_TYPE,
	PROTOCOLS,
	COMMENT,
	PROCESS,
	THREAD,
};

static const struct sonde_value_name directions[] = {
	{0, "Unknown"}, {1, "Inbound"}, {2, "Outbound"}, {0, NULL}};
/* As Wireshark numbers its own (WTAP_ENCAP). */
static const struct sonde_value_name encaps[] = {{1, "Ethernet"},
						 {7, "Raw IP"},
						 {15, "NULL/Loopback"},
						 {25, "Linux cooked-mode capture v1"},
						 {210, "Linux cooked-mode capture v2"},
						 {0, NULL}};

static const struct sonde_field_info fields[] = {
	[FRAME] = FIELD("frame", "Frame", PROTOCOL),
	[TIME] = FIELD("frame.time", "Arrival Time", TIME),
	[TIME_EPOCH] = FIELD("frame.time_epoch", "Epoch Time", DURATION),
	[TIME_DELTA] = FIELD("frame.time_delta",
			     "Time delta from previous captured frame", DURATION),
	[TIME_RELATIVE] = FIELD("frame.time_relative",
				"Time since reference or first frame", DURATION),
	[FRAME_NUMBER] = NUMBER("frame.number", "Frame Number", 32, DECIMAL, NULL),
	[LENGTH] = NUMBER("frame.len", "Frame length on the wire", 32, DECIMAL, NULL),
	[CAPTURED_LENGTH] =
		NUMBER("frame.cap_len", "Frame length stored into the capture file", 32,
		       DECIMAL, NULL),
	[INTERFACE_ID] = NUMBER("frame.interface_id", "Interface id", 32, DECIMAL, NULL),
	[INTERFACE_NAME] = FIELD("frame.interface_name", "Interface name", TEXT),
	[DIRECTION] =
		NUMBER("frame.packet_flags_direction", "Direction", 32, HEX, directions),
	[ENCAP_TYPE] = {"frame.encap_type", "Encapsulation type", SONDE_FIELD_INT, 0, 16,
			encaps},
	[PROTOCOLS] = FIELD("frame.protocols", "Protocols in frame", TEXT),
	[COMMENT] = FIELD("frame.comment", "Comment", TEXT),
	[PROCESS] = NUMBER("frame.sonde.pid", "Process", 32, DECIMAL, NULL),
	[THREAD] = NUMBER("frame.sonde.tid", "Thread", 32, DECIMAL, NULL),
};

bool dissect_frame_wants_protocols(const struct sonde_dissector *d)
{
	return d->wanted[PROTOCOLS / 64] >> PROTOCOLS % 64 & 1;
}

static int64_t encap_of(uint16_t link)
{
	switch (link) {
	case SONDE_LINK_ETHERNET:
		return 1;
	case SONDE_LINK_RAW:
	case SONDE_LINK_IPV4:
	case SONDE_LINK_IPV6:
		return 7;
	case SONDE_LINK_NULL:
	case SONDE_LINK_LOOP:
		return 15;
	case SONDE_LINK_SLL:
		return 25;
	case SONDE_LINK_SLL2:
		return 210;
	default:
		return 0;
	}
}

static void add_times(struct sonde_dissector *d, const struct span *none)
{
	int64_t at_ns = d->frame->at_ns;
	/* Until there was a frame with a time, this one is the first. */
	int64_t first_ns = d->has_first ? d->first_at_ns : at_ns;
	int64_t previous_ns = d->has_first ? d->previous_at_ns : at_ns;

	if (at_ns == INT64_MIN)
		return;
	dissect_add_integer(d, TIME, none, 0, 0, at_ns);
	dissect_add_integer(d, TIME_EPOCH, none, 0, 0, at_ns);
	dissect_set_flags(
		dissect_add_integer(d, TIME_DELTA, none, 0, 0,
				    previous_ns == INT64_MIN ? 0 : at_ns - previous_ns),
		SONDE_FIELD_GENERATED);
	dissect_set_flags(
		dissect_add_integer(d, TIME_RELATIVE, none, 0, 0, at_ns - first_ns),
		SONDE_FIELD_GENERATED);
}

static void add_comments(struct sonde_dissector *d, const struct span *none)
{
	const struct sonde_frame *frame = d->frame;

	for (size_t i = 0; i < frame->comment_count; i++)
		dissect_add_text(d, COMMENT, none, 0, 0, frame->comments[i].text,
				 frame->comments[i].length);
}

static void add_fields(struct sonde_dissector *d, const struct span *span)
{
	const struct sonde_frame *frame = d->frame;
	struct span none = {.bytes = span->bytes};
	struct sonde_field *field;

	dissect_open(d, span, span_left(span));
	if (frame->kind == SONDE_FRAME_PACKET) {
		dissect_add_number(d, INTERFACE_ID, &none, 0, 0, frame->interface);
		if (frame->interface_name) {
			dissect_nest(d);
			dissect_add_text(d, INTERFACE_NAME, &none, 0, 0,
					 frame->interface_name,
					 strlen(frame->interface_name));
			dissect_unnest(d);
		}
		if (frame->direction)
			dissect_add_number(d, DIRECTION, &none, 0, 0, frame->direction);
		dissect_add_integer(d, ENCAP_TYPE, &none, 0, 0, encap_of(frame->link));
	}
	add_times(d, &none);
	dissect_add_number(d, FRAME_NUMBER, &none, 0, 0, frame->number);
	dissect_add_number(d, LENGTH, &none, 0, 0, frame->wire_length);
	dissect_add_number(d, CAPTURED_LENGTH, &none, 0, 0, frame->captured_length);
	field = dissect_add_text(d, PROTOCOLS, &none, 0, 0, "", 0);
	if (field) {
		dissect_set_flags(field, SONDE_FIELD_GENERATED);
		d->protocols_field = d->field_count;
	}
	if (frame->pid)
		dissect_add_number(d, PROCESS, &none, 0, 0, frame->pid);
	if (frame->tid)
		dissect_add_number(d, THREAD, &none, 0, 0, frame->tid);
	add_comments(d, &none);
}

static void dissect_link(struct sonde_dissector *d, const struct span *span)
{
	switch (d->frame->link) {
	case SONDE_LINK_ETHERNET:
		dissect_call(d, &dissector_eth, span);
		break;
	case SONDE_LINK_SLL:
	case SONDE_LINK_SLL2:
		dissect_call(d, &dissector_sll, span);
		break;
	case SONDE_LINK_NULL:
	case SONDE_LINK_LOOP:
		dissect_call(d, &dissector_null, span);
		break;
	case SONDE_LINK_RAW:
	case SONDE_LINK_IPV4:
	case SONDE_LINK_IPV6:
		dissect_call(d, &dissector_raw, span);
		break;
	default:
		dissect_set_column(d, "UNKNOWN");
		column_add_pair(dissect_info(d), "link type ", d->frame->link);
		dissect_rest(d, span);
		break;
	}
}

static void dissect_journal(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t left = span_left(span);

	dissect_set_column(d, "Systemd Journal");
	/* The first line is what there is room for. */
	for (uint32_t i = 0; i < left; i++) {
		if (bytes[i] != '\n')
			continue;
		left = i;
		break;
	}
	column_add_escaped(dissect_info(d), bytes, left);
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	if (dissect_wants_own(d))
		add_fields(d, span);
	if (d->frame->kind == SONDE_FRAME_PACKET)
		dissect_link(d, span);
	else
		dissect_journal(d, span);
}

const struct dissector dissector_frame = {
	.name = "frame",
	.column = "Frame",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
