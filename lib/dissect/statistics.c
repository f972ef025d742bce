/* What dissected frames add up to.
 *
 * TCP and UDP rows are found by the stream's number, which counts from 0 without gaps; the
 * others by their addresses.  Quoted packets within ICMP errors count for nobody: they
 * were sent at another time, by another frame. */
#include <sonde/statistics.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "dissect/statistics_rows.h"

static const char *const own_names[OWN_FIELDS] = {
	[FIELD_ETH_SRC] = "eth.src",
	[FIELD_ETH_DST] = "eth.dst",
	[FIELD_TCP_STREAM] = "tcp.stream",
	[FIELD_TCP_SRCPORT] = "tcp.srcport",
	[FIELD_TCP_DSTPORT] = "tcp.dstport",
	[FIELD_TCP_LEN] = "tcp.len",
	[FIELD_UDP_STREAM] = "udp.stream",
	[FIELD_UDP_SRCPORT] = "udp.srcport",
	[FIELD_UDP_DSTPORT] = "udp.dstport",
	[FIELD_UDP_LENGTH] = "udp.length",
	[FIELD_RETRANSMISSION] = "tcp.analysis.retransmission",
	[FIELD_FAST_RETRANSMISSION] = "tcp.analysis.fast_retransmission",
	[FIELD_SPURIOUS_RETRANSMISSION] = "tcp.analysis.spurious_retransmission",
	[FIELD_ACK_RTT] = "tcp.analysis.ack_rtt",
	[FIELD_INITIAL_RTT] = "tcp.analysis.initial_rtt",
	[FIELD_ICMP] = "icmp",
	[FIELD_ICMPV6] = "icmpv6",
};

int sonde_statistics_new(unsigned what, struct sonde_statistics **ret)
{
	struct sonde_statistics *s = array_new(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->what = what;
	for (int i = 0; i < OWN_FIELDS; i++)
		s->fields[i] = sonde_field_find(own_names[i], strlen(own_names[i]));
	for (int i = 0; i < SONDE_LAYERS; i++) {
		statistics_table_init(&s->pairs[i], sizeof(struct pair_row),
				      sizeof(struct pair_key));
		statistics_table_init(&s->ends[i], sizeof(struct end_row),
				      sizeof(struct end_key));
	}
	statistics_table_init(&s->paths, sizeof(struct path_row),
			      sizeof(struct path_key));
	*ret = s;
	return 0;
}

void sonde_statistics_free(struct sonde_statistics *s)
{
	if (!s)
		return;
	for (int i = 0; i < SONDE_LAYERS; i++) {
		statistics_table_done(&s->pairs[i]);
		statistics_table_done(&s->ends[i]);
	}
	statistics_table_done(&s->paths);
	array_free(s->streams);
	array_free(s->by_number[0]);
	array_free(s->by_number[1]);
	for (int i = 0; i < 3; i++)
		array_free(s->shown[i]);
	array_free(s->rows);
	array_free(s);
}

int sonde_statistics_want(const struct sonde_statistics *s,
			  struct sonde_dissector *dissector)
{
	int r = 0;

	sonde_dissector_want_headers(dissector);
	for (int i = 0; r == 0 && i < OWN_FIELDS; i++) {
		bool is_note = i >= FIELD_RETRANSMISSION && i <= FIELD_INITIAL_RTT;

		if (s->fields[i] < 0 ||
		    (is_note && !(s->what & SONDE_STATISTICS_STREAMS)))
			continue;
		r = sonde_dissector_want(dissector, (uint16_t)s->fields[i]);
	}
	if (!(s->what & SONDE_STATISTICS_HIERARCHY))
		return r;
	for (size_t i = 0; r == 0 && i < sonde_field_count(); i++) {
		if (sonde_field_info((uint16_t)i)->type == SONDE_FIELD_PROTOCOL)
			r = sonde_dissector_want(dissector, (uint16_t)i);
	}
	return r;
}

/* ---- a frame's own fields ---- */

/* What the frame says, the quotation of an ICMP error left out. */
struct seen {
	const struct sonde_field *fields[OWN_FIELDS]; /* the first of each; NULL none */
};

static void look(const struct sonde_statistics *s,
		 const struct sonde_dissection *dissection, struct seen *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < dissection->field_count; i++) {
		const struct sonde_field *field = &dissection->fields[i];

		for (int k = 0; k < OWN_FIELDS; k++) {
			if (s->fields[k] == field->field && !ret->fields[k])
				ret->fields[k] = field;
		}
		if (ret->fields[FIELD_ICMP] || ret->fields[FIELD_ICMPV6])
			return;
	}
}

static uint64_t number_of(const struct seen *seen, enum own_field field)
{
	return seen->fields[field] ? seen->fields[field]->value.number : 0;
}

static void end_of(const struct sonde_address *address, uint64_t port,
		   struct sonde_statistics_end *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->address = *address;
	ret->address.port = (uint16_t)port;
	ret->address.scope_id = 0;
}

static bool ethernet_of(const struct seen *seen, enum own_field field,
			struct sonde_statistics_end *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!seen->fields[field] ||
	    seen->fields[field]->value.data.size != sizeof(ret->ethernet))
		return false;
	memcpy(ret->ethernet, seen->fields[field]->value.data.bytes,
	       sizeof(ret->ethernet));
	return true;
}

/* The ends of this layer in this frame; false where it has none. */
static bool find_ends(const struct seen *seen, const struct sonde_dissection *dissection,
		      int layer, struct sonde_statistics_end *ret_src,
		      struct sonde_statistics_end *ret_dst)
{
	const struct sonde_decoded *decoded = &dissection->decoded;
	uint64_t src_port = 0, dst_port = 0;

	switch ((enum sonde_statistics_layer)layer) {
	case SONDE_LAYER_ETHERNET:
		return ethernet_of(seen, FIELD_ETH_SRC, ret_src) &&
		       ethernet_of(seen, FIELD_ETH_DST, ret_dst);
	case SONDE_LAYER_IPV4:
		if (decoded->src.family != SONDE_FAMILY_INET)
			return false;
		break;
	case SONDE_LAYER_IPV6:
		if (decoded->src.family != SONDE_FAMILY_INET6)
			return false;
		break;
	case SONDE_LAYER_TCP:
		if (!seen->fields[FIELD_TCP_STREAM])
			return false;
		src_port = number_of(seen, FIELD_TCP_SRCPORT);
		dst_port = number_of(seen, FIELD_TCP_DSTPORT);
		break;
	case SONDE_LAYER_UDP:
		if (!seen->fields[FIELD_UDP_STREAM])
			return false;
		src_port = number_of(seen, FIELD_UDP_SRCPORT);
		dst_port = number_of(seen, FIELD_UDP_DSTPORT);
		break;
	case SONDE_LAYERS:
		return false;
	}
	end_of(&decoded->src, src_port, ret_src);
	end_of(&decoded->dst, dst_port, ret_dst);
	return true;
}

static uint32_t stream_of(const struct seen *seen, int layer)
{
	if (layer == SONDE_LAYER_TCP)
		return (uint32_t)number_of(seen, FIELD_TCP_STREAM);
	return layer == SONDE_LAYER_UDP ? (uint32_t)number_of(seen, FIELD_UDP_STREAM) : 0;
}

static void make_key(const struct sonde_statistics_end *end, int layer,
		     struct end_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->layer = (uint8_t)layer;
	if (layer == SONDE_LAYER_ETHERNET) {
		memcpy(ret->bytes, end->ethernet, sizeof(end->ethernet));
		return;
	}
	memcpy(ret->bytes, end->address.bytes, sizeof(ret->bytes));
	ret->port = end->address.port;
	ret->family = end->address.family;
}

static bool is_same_end(const struct sonde_statistics_end *a,
			const struct sonde_statistics_end *b)
{
	return sonde_address_equal(&a->address, &b->address) &&
	       memcmp(a->ethernet, b->ethernet, sizeof(a->ethernet)) == 0;
}

/* ---- counting ---- */

static void count_frame(struct sonde_statistics_count *sum,
			const struct sonde_frame *frame)
{
	sum->frames++;
	sum->bytes += frame->wire_length;
}

static void widen(int64_t *start_ns, int64_t *end_ns, const struct sonde_frame *frame)
{
	if (frame->at_ns == INT64_MIN)
		return;
	if (*start_ns == INT64_MIN || frame->at_ns < *start_ns)
		*start_ns = frame->at_ns;
	if (*end_ns == INT64_MIN || frame->at_ns > *end_ns)
		*end_ns = frame->at_ns;
}

static int add_conversation(struct sonde_statistics *s, int layer,
			    const struct sonde_frame *frame, uint32_t stream,
			    const struct sonde_statistics_end *src,
			    const struct sonde_statistics_end *dst)
{
	struct sonde_conversation *conversation;
	struct pair_row *row;
	struct pair_key key;
	int r;

	make_key(src, layer, &key.a);
	make_key(dst, layer, &key.b);
	if (memcmp(&key.a, &key.b, sizeof(key.a)) > 0) {
		struct end_key other = key.a;
		key.a = key.b;
		key.b = other;
	}
	/* Connections that use the same ports one after the other are rows of their own:
	 * the number stands where the addresses leave room. */
	if (layer == SONDE_LAYER_TCP || layer == SONDE_LAYER_UDP) {
		memset(&key, 0, sizeof(key));
		memcpy(key.a.bytes, &stream, sizeof(stream));
	}
	r = statistics_table_find(&s->pairs[layer], &key, &row);
	if (r < 0)
		return r;
	conversation = &row->conversation;
	if (r == 1) {
		conversation->a = *src;
		conversation->b = *dst;
		conversation->stream = stream;
		conversation->start_ns = conversation->end_ns = INT64_MIN;
	}
	count_frame(is_same_end(&conversation->a, src) ? &conversation->from_a
						       : &conversation->from_b,
		    frame);
	widen(&conversation->start_ns, &conversation->end_ns, frame);
	return 0;
}

static int add_endpoint(struct sonde_statistics *s, int layer,
			const struct sonde_frame *frame,
			const struct sonde_statistics_end *end, bool is_sender)
{
	struct end_row *row;
	struct end_key key;
	int r;

	make_key(end, layer, &key);
	r = statistics_table_find(&s->ends[layer], &key, &row);
	if (r < 0)
		return r;
	row->endpoint.end = *end;
	count_frame(is_sender ? &row->endpoint.sent : &row->endpoint.received, frame);
	return 0;
}

static int add_path(struct sonde_statistics *s, const struct sonde_frame *frame,
		    uint32_t *parent, uint16_t field)
{
	struct path_key key = {.parent = *parent, .field = field};
	struct path_row *row, *rows;
	uint32_t number, *last;
	int r = statistics_table_find(&s->paths, &key, &row);

	if (r < 0)
		return r;
	rows = (struct path_row *)(void *)s->paths.rows;
	number = (uint32_t)(row - rows) + 1;
	if (r == 1) {
		last = *parent ? &rows[*parent - 1].last_child : &s->last_path;
		if (*last)
			rows[*last - 1].next = number;
		else if (*parent)
			rows[*parent - 1].first_child = number;
		else
			s->first_path = number;
		*last = number;
	}
	row->frames++;
	row->bytes += frame->wire_length;
	*parent = number;
	return 0;
}

/* The layers one in the other, as the tree has them.  The records of a TLS segment stand side
 * by side. */
static int add_paths(struct sonde_statistics *s, const struct sonde_frame *frame,
		     const struct sonde_dissection *dissection)
{
	uint32_t parent = 0;
	unsigned depth = 0;
	int last = -1, r = 0;

	for (size_t i = 0; r == 0 && i < dissection->field_count; i++) {
		const struct sonde_field *field = &dissection->fields[i];
		const struct sonde_field_info *info = sonde_field_info(field->field);

		if (field->depth != 0 || info->type != SONDE_FIELD_PROTOCOL ||
		    (field->flags & SONDE_FIELD_HIDDEN) ||
		    strcmp(info->name, "frame") == 0 ||
		    (field->field == last && strcmp(info->name, "tls") == 0) ||
		    depth++ == LIMIT_STATISTICS_LAYERS)
			continue;
		last = field->field;
		r = add_path(s, frame, &parent, field->field);
	}
	return r;
}

/* ---- streams ---- */

static int find_stream(struct sonde_statistics *s, const struct seen *seen, bool is_tcp,
		       const struct sonde_dissection *dissection,
		       struct sonde_stream_count **ret)
{
	int layer = is_tcp ? SONDE_LAYER_TCP : SONDE_LAYER_UDP;
	uint32_t number = stream_of(seen, layer);
	struct sonde_stream_count *stream;
	int r;

	if (number >= LIMIT_STATISTICS_ROWS)
		return -ENOSPC;
	r = array_reserve(&s->by_number[is_tcp], &s->number_capacity[is_tcp],
			  (size_t)number + 1, sizeof(uint32_t));
	if (r == 0 && s->by_number[is_tcp][number] == 0) {
		r = array_reserve(&s->streams, &s->stream_capacity, s->stream_count + 1,
				  sizeof(*s->streams));
		if (r < 0)
			return r;
		stream = &s->streams[s->stream_count++];
		*stream = (struct sonde_stream_count){
			.is_tcp = is_tcp,
			.stream = number,
			.start_ns = INT64_MIN,
			.end_ns = INT64_MIN,
			.initial_rtt_ns = -1,
			.from_a = {.first_ns = INT64_MIN, .last_ns = INT64_MIN},
			.from_b = {.first_ns = INT64_MIN, .last_ns = INT64_MIN},
		};
		find_ends(seen, dissection, layer, &stream->a, &stream->b);
		s->by_number[is_tcp][number] = (uint32_t)s->stream_count;
	}
	if (r < 0)
		return r;
	*ret = &s->streams[s->by_number[is_tcp][number] - 1];
	return 0;
}

static void add_rtt(struct sonde_stream_half *half, int64_t rtt_ns)
{
	if (half->rtt_count == 0 || rtt_ns < half->rtt_least_ns)
		half->rtt_least_ns = rtt_ns;
	if (half->rtt_count == 0 || rtt_ns > half->rtt_most_ns)
		half->rtt_most_ns = rtt_ns;
	if (__builtin_add_overflow(half->rtt_sum_ns, rtt_ns, &half->rtt_sum_ns))
		half->rtt_sum_ns = INT64_MAX;
	half->rtt_count++;
}

static int add_stream(struct sonde_statistics *s, const struct seen *seen,
		      const struct sonde_frame *frame,
		      const struct sonde_dissection *dissection, bool is_tcp)
{
	struct sonde_stream_half *half, *other;
	struct sonde_statistics_end src, dst;
	struct sonde_stream_count *stream;
	uint64_t payload = number_of(seen, FIELD_TCP_LEN);
	int r = find_stream(s, seen, is_tcp, dissection, &stream);

	if (r < 0)
		return r;
	find_ends(seen, dissection, is_tcp ? SONDE_LAYER_TCP : SONDE_LAYER_UDP, &src,
		  &dst);
	half = is_same_end(&stream->a, &src) ? &stream->from_a : &stream->from_b;
	other = half == &stream->from_a ? &stream->from_b : &stream->from_a;
	if (!is_tcp) {
		payload = number_of(seen, FIELD_UDP_LENGTH);
		payload = payload >= 8 ? payload - 8 : 0;
	}
	half->frames++;
	half->payload_bytes += payload;
	widen(&stream->start_ns, &stream->end_ns, frame);
	if (payload > 0)
		widen(&half->first_ns, &half->last_ns, frame);
	half->retransmissions += seen->fields[FIELD_RETRANSMISSION] ||
				 seen->fields[FIELD_FAST_RETRANSMISSION] ||
				 seen->fields[FIELD_SPURIOUS_RETRANSMISSION];
	/* It acknowledges what the other end sent. */
	if (seen->fields[FIELD_ACK_RTT])
		add_rtt(other, seen->fields[FIELD_ACK_RTT]->value.integer);
	if (seen->fields[FIELD_INITIAL_RTT])
		stream->initial_rtt_ns = seen->fields[FIELD_INITIAL_RTT]->value.integer;
	return 0;
}

/* ---- frames ---- */

static int add_layers(struct sonde_statistics *s, const struct seen *seen,
		      const struct sonde_frame *frame,
		      const struct sonde_dissection *dissection)
{
	struct sonde_statistics_end src, dst;
	int r = 0;

	for (int layer = 0; r == 0 && layer < SONDE_LAYERS; layer++) {
		if (!find_ends(seen, dissection, layer, &src, &dst))
			continue;
		if (s->what & SONDE_STATISTICS_CONVERSATIONS)
			r = add_conversation(s, layer, frame, stream_of(seen, layer),
					     &src, &dst);
		if (r == 0 && (s->what & SONDE_STATISTICS_ENDPOINTS)) {
			r = add_endpoint(s, layer, frame, &src, true);
			if (r == 0)
				r = add_endpoint(s, layer, frame, &dst, false);
		}
	}
	return r;
}

int sonde_statistics_add(struct sonde_statistics *s, const struct sonde_frame *frame,
			 const struct sonde_dissection *dissection)
{
	struct seen seen;
	int r;

	if (frame->kind != SONDE_FRAME_PACKET)
		return 0;
	look(s, dissection, &seen);
	r = add_layers(s, &seen, frame, dissection);
	if (r == 0 && (s->what & SONDE_STATISTICS_HIERARCHY))
		r = add_paths(s, frame, dissection);
	if (r == 0 && (s->what & SONDE_STATISTICS_STREAMS) &&
	    seen.fields[FIELD_TCP_STREAM])
		r = add_stream(s, &seen, frame, dissection, true);
	else if (r == 0 && (s->what & SONDE_STATISTICS_STREAMS) &&
		 seen.fields[FIELD_UDP_STREAM])
		r = add_stream(s, &seen, frame, dissection, false);
	if (r == -ENOSPC) {
		s->left_out++;
		r = 0;
	}
	return r;
}

uint64_t sonde_statistics_left_out(const struct sonde_statistics *s)
{
	return s->left_out;
}
