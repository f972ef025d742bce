/* One frame after the other: sets up what the dissectors write into, lets them run from
 * the link header inwards, and hands out what came of it. */
#include <sonde/dissect.h>

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "dissect/echo.h"
#include "dissect/only_stream.h"
#include "dissect/state.h"
#include "dissect/tcp_note.h"

int sonde_dissector_new(struct sonde_dissector **ret)
{
	struct sonde_dissector *d = array_new(1, sizeof(*d));
	size_t base = 0;

	if (!d)
		return -ENOMEM;
	for (size_t i = 0; i < dissector_count; i++) {
		d->bases[i] = (uint16_t)base;
		base += dissectors[i]->field_count;
	}
	*ret = d;
	return 0;
}

void sonde_dissector_free(struct sonde_dissector *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->keep.chunk_count; i++)
		array_free(d->keep.chunks[i]);
	array_free(d->keep.chunks);
	array_free(d->keep.sizes);
	array_free(d->rules);
	array_free(d->fields);
	array_free(d->tcp_notes);
	unacked_pool_free(d->unacked);
	fragment_table_done(&d->fragments);
	stream_store_done(&d->streams);
	part_store_done(&d->parts);
	array_free(d->asked);
	conversation_table_done(&d->tcp_flows);
	conversation_table_done(&d->udp_flows);
	array_free(d);
}

int sonde_dissector_want(struct sonde_dissector *d, uint16_t field)
{
	if (field >= sonde_field_count())
		return -EINVAL;
	d->wanted[field / 64] |= 1ull << field % 64;
	d->is_settled = false;
	return 0;
}

void sonde_dissector_want_all(struct sonde_dissector *d)
{
	memset(d->wanted, 0xff, sizeof(d->wanted));
	d->wants_all = true;
	d->is_settled = false;
}

void sonde_dissector_want_columns(struct sonde_dissector *d)
{
	d->wants_columns = true;
	d->is_settled = false;
}

void sonde_dissector_want_headers(struct sonde_dissector *d)
{
	d->wants_headers = true;
}

void sonde_dissector_show_secrets(struct sonde_dissector *d)
{
	d->shows_secrets = true;
}

/* From which place on dissectors are applications; those before it are the network's. */
static size_t first_application(void)
{
	return dissector_place(&dissector_data);
}

static void settle(struct sonde_dissector *d)
{
	d->wants_any = d->wants_columns;
	d->wants_applications = d->wants_columns;
	d->wants_tcp_notes = d->wants_columns;
	for (size_t i = 0; i < dissector_count; i++) {
		d->wants_of[i] = false;
		for (size_t own = 0; own < dissectors[i]->field_count; own++) {
			size_t number = d->bases[i] + own;

			if (d->wanted[number / 64] >> number % 64 & 1)
				d->wants_of[i] = true;
		}
		if (!d->wants_of[i])
			continue;
		d->wants_any = true;
		if (i >= first_application())
			d->wants_applications = true;
	}
	if (tcp_notes_wanted(d))
		d->wants_tcp_notes = true;
	d->wants_rest = d->wants_of[0] || d->wants_of[dissector_place(&dissector_data)];
	/* The list of protocols, and what tells that a segment is part of something. */
	if (d->wants_of[0] && dissect_frame_wants_protocols(d))
		d->wants_applications = true;
	d->wants_tcp_options = tcp_options_wanted(d);
	if (tcp_segments_wanted(d))
		d->wants_applications = true;
	d->info.is_off = !d->wants_columns;
	d->is_settled = true;
}

static void begin(struct sonde_dissector *d, const struct sonde_frame *frame,
		  struct sonde_dissection *out)
{
	d->frame = frame;
	d->frame_number = frame->number;
	d->out = out;
	d->field_count = 0;
	d->keep.chunk = 0;
	d->keep.used = 0;
	d->trouble = 0;
	d->depth = d->layer_depth = d->nest = 0;
	d->is_quoted = d->is_malformed = d->is_short = d->has_headers = false;
	d->protocols_used = 0;
	d->protocols_field = 0;
	column_start(&d->info);
	d->column_protocol = "";
	d->column_source.kind = d->column_destination.kind = END_NONE;
	d->flow = NULL;
	d->messages = 0;
	d->reassembled = NULL;
	d->reassembled_size = 0;
	d->reassembled_capacity = 0;
}

const struct sonde_decoded *dissect_headers(struct sonde_dissector *d)
{
	struct sonde_decoded *decoded = &d->out->decoded;

	if (!d->has_headers && d->frame->kind == SONDE_FRAME_PACKET)
		sonde_packet_decode(d->frame->link, d->frame->bytes,
				    d->frame->captured_length, decoded);
	d->has_headers = true;
	return decoded;
}

/* Mostly the one that was called at this depth for the frame before. */
static unsigned place_of(struct sonde_dissector *d, const struct dissector *dissector)
{
	uint8_t *called = &d->called[d->nest];

	if (dissectors[*called] != dissector)
		*called = (uint8_t)dissector_place(dissector);
	return *called;
}

void dissect_call(struct sonde_dissector *d, const struct dissector *dissector,
		  const struct span *span)
{
	unsigned old_dissector = d->dissector;
	uint16_t old_base = d->base;
	uint8_t old_depth = d->depth;

	/* Every layer takes a byte or more, and yet a packet may have thousands. */
	if (d->nest >= NEST_MOST) {
		d->is_malformed = true;
		return;
	}
	d->dissector = place_of(d, dissector);
	d->nest++;
	d->base = d->bases[d->dissector];
	d->depth = d->layer_depth;
	dissector->dissect(d, span);
	d->dissector = old_dissector;
	d->base = old_base;
	d->depth = old_depth;
	d->nest--;
}

void dissect_rest(struct sonde_dissector *d, const struct span *span)
{
	/* It has nothing to say but fields, and its name among the protocols. */
	if (span_left(span) && (d->wants_rest || d->nest >= NEST_MOST))
		dissect_call(d, &dissector_data, span);
}

static const char *format_end(const struct column_end *end, char *to)
{
	size_t n = 0;

	if (end->kind == END_IP)
		n = column_host(&end->address, to);
	else if (end->kind == END_ETHERNET)
		n = column_ethernet(end->ethernet, to);
	to[n] = '\0';
	return to;
}

static void finish(struct sonde_dissector *d, struct sonde_dissection *out)
{
	struct span nothing = {.bytes = d->frame->bytes};

	bool is_cut = d->frame->captured_length < d->frame->wire_length;

	if (d->is_short && is_cut && !d->is_malformed)
		dissect_call(d, &dissector_short, &nothing);
	else if (d->is_short || d->is_malformed)
		dissect_call(d, &dissector_malformed, &nothing);
	if (d->protocols_field && d->protocols_field <= d->field_count) {
		struct sonde_field *field = &d->fields[d->protocols_field - 1];

		field->value.data.bytes = (const uint8_t *)d->protocols;
		field->value.data.size = d->protocols_used;
	}
	out->fields = d->fields;
	out->field_count = d->field_count;
	out->reassembled = d->reassembled;
	out->reassembled_size = d->reassembled_size;
	if (d->wants_columns) {
		out->source = format_end(&d->column_source, d->source_text);
		out->destination =
			format_end(&d->column_destination, d->destination_text);
		out->protocol = d->column_protocol;
		out->info = column_text(&d->info);
	}
}

int sonde_dissect(struct sonde_dissector *d, const struct sonde_frame *frame,
		  struct sonde_dissection *ret)
{
	struct span span = {
		.bytes = frame->bytes,
		.captured = frame->captured_length,
		.end = frame->wire_length > frame->captured_length
			       ? frame->wire_length
			       : frame->captured_length,
	};

	if (!d->is_settled)
		settle(d);
	memset(ret, 0, sizeof(*ret));
	begin(d, frame, ret);
	if (d->has_only && frame->kind == SONDE_FRAME_PACKET)
		ret->is_passed_over = only_stream_passes_over(d);
	if (!ret->is_passed_over) {
		if (d->wants_headers)
			dissect_headers(d);
		dissect_call(d, &dissector_frame, &span);
	}
	if (!d->has_first && frame->at_ns != INT64_MIN) {
		d->has_first = true;
		d->first_at_ns = frame->at_ns;
	}
	d->previous_at_ns = frame->at_ns;
	if (!ret->is_passed_over)
		finish(d, ret);
	return d->trouble;
}
