/* What dissected frames add up to: conversations, endpoints, the hierarchy of protocols,
 * and what each stream carried, how fast and how well.  Counted as tshark's -z conv,
 * endpoints and io,phs do: bytes are those of whole frames on the wire.  Pure. */
#ifndef SONDE_STATISTICS_H
#define SONDE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/dissect.h>
#include <sonde/export.h>
#include <sonde/frame.h>

/* What is to be counted. */
enum {
	SONDE_STATISTICS_CONVERSATIONS = 0x1,
	SONDE_STATISTICS_ENDPOINTS = 0x2,
	SONDE_STATISTICS_HIERARCHY = 0x4,
	SONDE_STATISTICS_STREAMS = 0x8,
};

enum sonde_statistics_layer {
	SONDE_LAYER_ETHERNET = 0,
	SONDE_LAYER_IPV4,
	SONDE_LAYER_IPV6,
	SONDE_LAYER_TCP,
	SONDE_LAYER_UDP,
	SONDE_LAYERS,
};

struct sonde_statistics_end {
	struct sonde_address address; /* port 0 but for TCP and UDP */
	uint8_t ethernet[6];          /* of ETHERNET, where the address is none */
};

struct sonde_statistics_count {
	uint64_t frames, bytes;
};

/* a is the end that sent first. */
struct sonde_conversation {
	struct sonde_statistics_end a, b;
	struct sonde_statistics_count from_a, from_b;
	int64_t start_ns, end_ns; /* INT64_MIN where frames have no time */
	uint32_t stream;          /* of TCP and UDP */
};

struct sonde_endpoint_count {
	struct sonde_statistics_end end;
	struct sonde_statistics_count sent, received;
};

struct sonde_hierarchy_row {
	uint16_t field; /* the protocol */
	uint16_t depth; /* 0: directly in the frame */
	uint64_t frames, bytes;
};

/* One direction of a stream. */
struct sonde_stream_half {
	uint64_t frames, payload_bytes;
	uint64_t retransmissions;  /* of all kinds; of TCP */
	int64_t first_ns, last_ns; /* of frames with payload; INT64_MIN none */
	/* From segments of this direction to their acknowledgement, in this capture. */
	uint64_t rtt_count;
	int64_t rtt_least_ns, rtt_most_ns, rtt_sum_ns;
};

struct sonde_stream_count {
	struct sonde_statistics_end a, b;
	bool is_tcp;
	uint32_t stream;
	int64_t start_ns, end_ns;
	int64_t initial_rtt_ns; /* of the handshake; -1 not seen */
	struct sonde_stream_half from_a, from_b;
};

struct sonde_statistics;

/* what: a set of SONDE_STATISTICS_ bits.  0 or -ENOMEM. */
SONDE_API int sonde_statistics_new(unsigned what, struct sonde_statistics **ret);
SONDE_API void sonde_statistics_free(struct sonde_statistics *statistics);
/* Makes the dissector give what is counted.  0 or -ENOMEM. */
SONDE_API int sonde_statistics_want(const struct sonde_statistics *statistics,
				    struct sonde_dissector *dissector);
/* 0 or -ENOMEM. */
SONDE_API int sonde_statistics_add(struct sonde_statistics *statistics,
				   const struct sonde_frame *frame,
				   const struct sonde_dissection *dissection);

/* The following are valid until the next add.  Those with the most frames come first,
 * then those that came first. */
SONDE_API const struct sonde_conversation *
sonde_statistics_conversations(struct sonde_statistics *statistics,
			       enum sonde_statistics_layer layer, size_t *ret_count);
SONDE_API const struct sonde_endpoint_count *
sonde_statistics_endpoints(struct sonde_statistics *statistics,
			   enum sonde_statistics_layer layer, size_t *ret_count);
/* As a tree is printed: each protocol is followed by what it carried. */
SONDE_API const struct sonde_hierarchy_row *
sonde_statistics_hierarchy(struct sonde_statistics *statistics, size_t *ret_count);
/* TCP before UDP, by number. */
SONDE_API const struct sonde_stream_count *
sonde_statistics_streams(struct sonde_statistics *statistics, size_t *ret_count);

/* Frames that found no room (LIMIT_STATISTICS_ROWS) and are in no row. */
SONDE_API uint64_t sonde_statistics_left_out(const struct sonde_statistics *statistics);

#endif
