/* What a dissector keeps from frame to frame, and of the frame that it is at. */
#ifndef DISSECT_STATE_H
#define DISSECT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/dissect.h>

#include "dissect/dissector.h"
#include "dissect/conversation.h"
#include "dissect/fragment.h"
#include "dissect/part_store.h"
#include "dissect/stream_store.h"

enum {
	DISSECTORS_MOST = 64,
	WANTED_WORDS = 32, /* of 64 fields each */
	NEST_MOST = 16,    /* layers in each other */
};

/* Text and such of one frame: chunks, each twice the one before, used again for the next
 * frame. */
struct keep {
	uint8_t **chunks;
	size_t *sizes;
	size_t chunk_count, chunk_capacity, size_capacity;
	size_t chunk, used; /* of that chunk */
};

struct decode_rule {
	bool is_tcp;
	uint16_t port;
	const struct dissector *dissector;
};

/* An end as the address columns show it. */
struct column_end {
	enum { END_NONE = 0, END_ETHERNET, END_IP } kind;
	struct sonde_address address;
	uint8_t ethernet[6];
};

struct sonde_dissector {
	/* What is asked for. */
	uint64_t wanted[WANTED_WORDS];
	bool wants_all, wants_columns, wants_headers, shows_secrets;
	/* One conversation alone, see sonde_dissector_only_stream(). */
	bool has_only, only_is_tcp;
	uint32_t only_number;
	bool is_settled; /* the following were worked out of what is wanted */
	bool wants_any;
	bool wants_of[DISSECTORS_MOST]; /* by dissector: any of its fields */
	bool wants_tcp_notes;           /* sequence analysis */
	bool wants_tcp_options;
	bool wants_applications;
	bool wants_rest;                 /* what no dissector knows */
	uint16_t bases[DISSECTORS_MOST]; /* a dissector's first field */
	struct decode_rule *rules;
	size_t rule_count, rule_capacity;

	/* Of earlier frames. */
	struct conversation_table tcp_flows, udp_flows;
	struct tcp_notes *tcp_notes; /* by stream; as many as note_count */
	size_t note_count, note_capacity;
	struct unacked_pool *unacked;
	struct fragment_table fragments;
	struct stream_store streams;
	struct part_store parts;
	struct asked *asked; /* LIMIT_DISSECT_ASKED of them, or NULL */
	bool has_first;
	int64_t first_at_ns, previous_at_ns;

	/* Of this frame. */
	const struct sonde_frame *frame;
	uint32_t frame_number;
	struct sonde_field *fields;
	size_t field_count, field_capacity;
	struct keep keep;
	uint8_t called[NEST_MOST]; /* place of the dissector called last at that depth */
	struct sonde_dissection *out;
	int trouble;         /* -ENOMEM */
	unsigned dissector;  /* place of the one at work */
	uint16_t base;       /* of its fields */
	uint8_t depth;       /* of the next field */
	uint8_t layer_depth; /* of the next protocol */
	uint8_t nest;        /* layers under way */
	bool has_headers;    /* out->decoded is filled */
	bool is_quoted;      /* within the packet that an ICMP error quotes */
	bool is_malformed, is_short;
	char column_storage[16]; /* of a Protocol that is no constant */
	char protocols[256];     /* frame.protocols */
	uint32_t protocols_used;
	size_t protocols_field; /* where it stands, + 1; 0 not wanted */
	struct column info;
	const char *column_protocol;
	struct column_end column_source, column_destination;
	char source_text[48], destination_text[48];

	/* Of the layers under way. */
	struct sonde_address src, dst; /* IP addresses and ports */
	uint8_t ip_protocol;
	bool is_tcp;
	bool is_forward;           /* from the flow's end 0 to its end 1 */
	struct conversation *flow; /* NULL none */
	uint32_t *hint;            /* see dissect_message_hint() */
	bool is_beginning;         /* see dissect_is_beginning() */
	bool is_behind_gap;        /* see dissect_is_behind_gap() */
	uint32_t messages;         /* read of this frame */
	uint8_t *reassembled;      /* kept; NULL none */
	uint32_t reassembled_size;
	size_t reassembled_capacity;
};

/* The conversation of src and dst, which gets its number when it is new. */
struct conversation *tcp_flow_find(struct sonde_dissector *d, uint8_t flags, uint32_t seq,
				   bool *ret_reused);
struct conversation *udp_flow_find(struct sonde_dissector *d);

unsigned dissector_place(const struct dissector *dissector);
/* The outermost packet's headers, which are decoded when somebody asks. */
const struct sonde_decoded *dissect_headers(struct sonde_dissector *d);
/* Appends to what was put together in this frame; its position there, or -ENOMEM. */
ssize_t dissect_reassemble(struct sonde_dissector *d, const void *bytes, size_t n);

/* The datagram as one span, kept for the frame; false without memory. */
bool dissect_put_together(struct sonde_dissector *d, struct fragment_datagram *datagram,
			  struct span *ret);
/* The packet that an error quotes: its fields are the error's, its conversation is none
 * of the frame's, and the columns do not speak of it. */
void dissect_quote(struct sonde_dissector *d, const struct dissector *dissector,
		   const struct span *span);
/* Data that belongs to the layer at work. */
void dissect_data_within(struct sonde_dissector *d, const struct span *span);
bool dissect_frame_wants_protocols(const struct sonde_dissector *d);
/* The link layers that name what follows by an EtherType, or by a length. */
void dissect_type_or_length(struct sonde_dissector *d, uint16_t value,
			    const struct span *span);
void dissect_set_ethernet_ends(struct sonde_dissector *d, const uint8_t *source,
			       const uint8_t *destination);
void dissect_set_ip_ends(struct sonde_dissector *d);

/* The application's layer: bytes that TCP or UDP carries. */
void application_dissect_datagram(struct sonde_dissector *d, const struct span *span);

#endif
